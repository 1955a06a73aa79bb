"""Make a database what this version of the code needs: create its tables, or bring older ones up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, select, text

from bounceclass.errors import MissingExtraError, StoreError
from bounceclass.store import schema
from bounceclass.store.connection import reading, writing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from bounceclass.store.naming import Naming

__all__ = ["migrate"]

_NAMING: Final = "naming"
_STEPS: Final = Path(__file__).parent / "migrations"


def migrate(engine: Engine, naming: Naming, *, create: bool, target: str = schema.VERSION) -> None:
    """Bring a database up to date, in one transaction; one that is so already is only looked at.

    Raises StoreError where it is newer than the code, where it names people in another way, and where there is none and none is to be created.
    """
    url = engine.url.render_as_string()
    if not create and engine.dialect.name == "sqlite" and not Path(engine.url.database or "").is_file():
        raise StoreError(url, "there is no such file", transient=True)
    with reading(engine) as connection:
        version = _version(connection)
        if version == target:
            _check_naming(connection, naming, url)
            return
    if version is None and not create:
        raise StoreError(url, "has no tables of ours", transient=True)
    with writing(engine) as connection:
        _upgrade(connection, naming, url, target)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def _upgrade(connection: Connection, naming: Naming, url: str, target: str) -> None:
    version = _version(connection)  # again, now that nobody else can change it
    if version is not None and version > target:
        raise StoreError(url, f"was made by a newer bounceclass: its tables are of version {version}, this one knows {target}")
    if version != target:
        _run(connection, target)
    if version is None:
        connection.execute(schema.facts.insert().values(name=_NAMING, value=naming.mark()))
    _check_naming(connection, naming, url)


def _run(connection: Connection, target: str) -> None:
    try:
        from alembic import command  # noqa: PLC0415  an extra, and slow: only where there is something to do
        from alembic.config import Config  # noqa: PLC0415  as above
    except ImportError as error:
        raise MissingExtraError(error.name or "alembic", "store") from error
    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def _check_naming(connection: Connection, naming: Naming, url: str) -> None:
    mark = connection.scalar(select(schema.facts.c.value).where(schema.facts.c.name == _NAMING))
    if mark != naming.mark():
        raise StoreError(url, f"has people's names {_way(mark)}, and is opened with names {_way(naming.mark())}: hash_key or keep_domains differs")


def _way(mark: str | None) -> str:
    return "in clear" if mark == "clear" else "hashed"
