"""INSERT ... ON CONFLICT: the same on both databases, though SQLAlchemy has it for each alone. Made once for each table."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, Insert, Table

__all__ = ["counting", "earliest", "gravest", "ignoring", "latest"]


def ignoring(connection: Connection, table: Table) -> Insert:
    """Leave a row alone that is there already."""
    return _ignoring(connection.dialect.name, table)


def gravest(connection: Connection, table: Table) -> Insert:
    """Into `failures`: the most points win, the time stays that of the first."""
    return _gravest(connection.dialect.name, table)


def latest(connection: Connection, table: Table) -> Insert:
    """Into `addresses`: the latest delivery stays."""
    return _latest(connection.dialect.name, table)


def earliest(connection: Connection, table: Table) -> Insert:
    """Into `addresses`: the earliest time stays since when an address is known."""
    return _earliest(connection.dialect.name, table)


def counting(connection: Connection, table: Table) -> Insert:
    """Into a table with a `count`: add to it."""
    return _counting(connection.dialect.name, table)


def _insert(dialect: str, table: Table) -> Any:  # noqa: ANN401  one of two classes, alike
    return import_module(f"sqlalchemy.dialects.{dialect}").insert(table)  # the other one is slow to import


@cache
def _ignoring(dialect: str, table: Table) -> Insert:
    # Without the option the count of an INSERT is -1 on PostgreSQL.
    done: Insert = _insert(dialect, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return done


@cache
def _gravest(dialect: str, table: Table) -> Insert:
    insert = _insert(dialect, table)
    return _updating(insert, table, ("reason", "scope", "points"), insert.excluded.points > table.c.points)


@cache
def _latest(dialect: str, table: Table) -> Insert:
    insert = _insert(dialect, table)
    older = table.c.delivered_at.is_(None) | (table.c.delivered_at < insert.excluded.delivered_at)
    return _updating(insert, table, ("delivered_at", "delivered_mailing", "delivered_stream"), older)


@cache
def _earliest(dialect: str, table: Table) -> Insert:
    insert = _insert(dialect, table)
    return _updating(insert, table, ("known_since",), insert.excluded.known_since < table.c.known_since)


@cache
def _counting(dialect: str, table: Table) -> Insert:
    insert = _insert(dialect, table)
    done: Insert = insert.on_conflict_do_update(index_elements=table.primary_key.columns, set_={"count": table.c.count + insert.excluded.count})
    return done


def _updating(insert: Any, table: Table, names: tuple[str, ...], where: Any) -> Insert:  # noqa: ANN401  as above
    new = {name: insert.excluded[name] for name in names}
    done: Insert = insert.on_conflict_do_update(index_elements=table.primary_key.columns, set_=new, where=where)
    return done
