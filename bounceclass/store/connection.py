"""Connections to SQLite and PostgreSQL that behave alike.

One writer at a time, on both: SQLite by BEGIN IMMEDIATE, PostgreSQL by an advisory lock at the start
of each write. So what a transaction has read is still so when it writes, and none has to be repeated
because of another. Readers wait for nobody.

What is committed is on the disk: synchronous FULL (SQLite, in WAL), synchronous_commit on (PostgreSQL).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from bounceclass.errors import MissingExtraError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["connect", "faults", "reading", "writing"]

_LOCK: Final = 0x626F756E6365  # "bounce"
_WRITES: Final = "bounceclass_writes"
_DRIVERS: Final = {"sqlite": "sqlite", "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg"}


def connect(url: str, patience: float) -> Engine:
    """Return an engine for a URL; nothing is opened yet. A lock is waited for `patience` seconds.

    Raises StoreError for a URL that is none of ours, MissingExtraError where psycopg is not installed.
    """
    address = _address(url)
    try:
        if address.get_backend_name() == "sqlite":
            engine = create_engine(address, connect_args={"timeout": patience}, max_overflow=-1)
        else:
            engine = create_engine(address, connect_args={"connect_timeout": max(2, int(patience))}, max_overflow=-1, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "psycopg", "postgresql") from error
    _prepare(engine, patience)
    return engine


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise StoreError(url.partition(":")[0] + ":", "is no URL of a database, such as sqlite:///bounces.db") from error
    driver = _DRIVERS.get(address.drivername)
    name = address.render_as_string()
    if driver is None:
        raise StoreError(name, "is no database that can be used: sqlite or postgresql")
    if driver == "sqlite" and (address.database or ":memory:") == ":memory:":
        raise StoreError(name, "names no file: a database in memory loses everything")
    return address.set(drivername=driver)


def _prepare(engine: Engine, patience: float) -> None:
    lite = engine.dialect.name == "sqlite"

    @event.listens_for(engine, "connect")
    def _(raw: Any, _record: object) -> None:  # noqa: ANN401  the driver's connection
        if lite:
            raw.isolation_level = None  # so that BEGIN is ours
        cursor = raw.cursor()
        for line in _LITE if lite else (*_POSTGRES, f"SET lock_timeout = {int(patience * 1000)}"):
            cursor.execute(line)
        cursor.close()
        if not lite:
            raw.commit()

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        if lite:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
        elif writes:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


_LITE: Final = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON")  # what is erased is overwritten
_POSTGRES: Final = ("SET synchronous_commit = on", "SET default_transaction_isolation = 'read committed'")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes; commit at the end, roll back where the block raises. Raises StoreError."""
    with faults(engine), engine.connect() as connection:
        connection = connection.execution_options(**{_WRITES: True})  # noqa: PLW2901  the same one
        with connection.begin():
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that reads one state of things. Raises StoreError."""
    with faults(engine), engine.connect() as connection:
        yield connection


@contextmanager
def faults(engine: Engine) -> Iterator[None]:
    """Turn what a driver raises into StoreError, which names the database and tells whether waiting may help."""
    try:
        yield
    except DBAPIError as error:
        transient = error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError))
        fault = " ".join(str(error.orig).split())
        raise StoreError(engine.url.render_as_string(), fault, transient=transient) from error
