"""Events as they were recorded, and verdicts that take the place of those they had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update

from bounceclass.store.connection import reading
from bounceclass.store.inquiry import recorded
from bounceclass.store.schema import events, failures, history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from bounceclass.model import Event, Report
    from bounceclass.store.naming import Naming
    from bounceclass.store.records import Recorded

__all__ = ["all_events", "copy_failures", "events_of", "lifted_at", "replace_verdict"]

_PAGE: Final = 500
_CHANGED: Final = ("reason", "scope", "permanence", "advice")


def all_events(engine: Engine) -> Iterator[Recorded]:
    """Yield every event, in bounded memory: no transaction stays open between pages."""
    after = ""
    while True:
        with reading(engine) as connection:
            rows = connection.execute(select(events).where(events.c.key > after).order_by(events.c.key).limit(_PAGE)).all()
        yield from map(recorded, rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1].key


def events_of(connection: Connection, naming: Naming, address: str) -> list[Recorded]:
    """Return the events that an address was mailed in, the oldest first."""
    mine = select(events).where(events.c.addressed == naming.address(address)).order_by(events.c.at, events.c.key)
    return [recorded(row) for row in connection.execute(mine)]


def lifted_at(connection: Connection, naming: Naming, address: str) -> list[datetime]:
    """Return when somebody lifted what was held against an address, the oldest first: what led to that counts no longer."""
    lifts = (history.c.address == naming.address(address)) & (history.c.what == "lift")
    return list(connection.scalars(select(history.c.at).where(lifts).order_by(history.c.at)))


def replace_verdict(connection: Connection, naming: Naming, key: str, report: Report, event: Event) -> None:
    """Give an event another verdict; nothing else of it changes."""
    values: dict[str, Any] = {name: getattr(event.verdict, name) for name in _CHANGED}
    connection.execute(update(events).where(events.c.key == key).values(**values, report=naming.report(report, event)))


def copy_failures(connection: Connection, naming: Naming, address: str, other: Connection) -> None:
    """Let what has failed of an address be what another database has."""
    whom = naming.address(address)
    rows = [dict(row) for row in other.execute(select(failures).where(failures.c.addressed == whom)).mappings()]
    connection.execute(delete(failures).where(failures.c.addressed == whom))
    if rows:
        connection.execute(insert(failures), rows)
