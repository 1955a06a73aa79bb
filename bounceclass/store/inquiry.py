"""Why an address is suppressed, or not: causes, events with their reports, history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import or_, select

from bounceclass.model import Kind, Reason, Report, Trust, decode
from bounceclass.store.entries import cause_of, is_active
from bounceclass.store.naming import domain_of
from bounceclass.store.past import entry_of
from bounceclass.store.records import Entry, Past, Recorded
from bounceclass.store.schema import events, evidence, history, suppressions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

    from bounceclass.model import Suppression
    from bounceclass.store.naming import Naming

__all__ = ["is_suppressed", "past_of", "recorded", "suppression_of"]

_NEWEST: Final = 100
_t: Final = suppressions.c


def is_suppressed(connection: Connection, naming: Naming, address: str, stream: str | None, now: datetime) -> bool:
    """Tell whether an address, or its domain, is suppressed for a stream; with None only entries for all streams tell."""
    return suppression_of(connection, naming, address, stream, now) is not None


def suppression_of(connection: Connection, naming: Naming, address: str, stream: str | None, now: datetime) -> Suppression | None:
    """Return an entry that suppresses an address for a stream now, one of its own before one of its domain."""
    here = _t.scope.is_(None) if stream is None else or_(_t.scope.is_(None), _t.scope == stream)
    statement = select(suppressions).where(_about(naming, address), here, is_active(now)).order_by(_t.domain.is_not(None), _t.id).limit(1)
    found = connection.execute(statement).first()
    return None if found is None else entry_of(found)


def past_of(connection: Connection, naming: Naming, address: str, now: datetime) -> Past:
    """Return all that is known of an address; of events and of history the newest 100, oldest first."""
    whom = naming.address(address)
    mine = or_(events.c.addressed == whom, events.c.named == whom)
    rows = connection.execute(select(events).where(mine).order_by(events.c.at.desc(), events.c.key.desc()).limit(_NEWEST)).all()
    said = select(history).where(history.c.address == whom).order_by(history.c.id.desc()).limit(_NEWEST)
    causes = connection.execute(select(suppressions).where(_about(naming, address)).order_by(_t.id))
    return Past(
        causes=tuple(cause_of(row, now) for row in causes),
        events=tuple(recorded(row, tuple(_evidence(connection, row.key))) for row in reversed(rows)),
        history=tuple(_entry(row) for row in reversed(connection.execute(said).all())),
    )


def _about(naming: Naming, address: str) -> ColumnElement[bool]:
    domain = domain_of(address)
    named = _t.address == naming.address(address)
    return named if domain is None else or_(named, _t.domain == domain)


def _evidence(connection: Connection, key: str) -> Iterator[Report]:
    for text in connection.scalars(select(evidence.c.report).where(evidence.c.event == key).order_by(evidence.c.id)):
        yield decode(text)


def recorded(row: Row[Any], later: tuple[Report, ...] = ()) -> Recorded:
    """Return a row of the events, with the reports that came later."""
    return Recorded(
        key=row.key,
        kind=Kind(row.kind),
        recipient=row.recipient,
        addressed=row.addressed,
        stream=row.stream,
        mailing=row.mailing,
        reason=Reason(row.reason),
        grade=Trust(row.grade),
        at=row.at,
        report=decode(row.report),
        reports=row.reports,
        replaced_by=row.replaced_by,
        action=row.action,
        because=row.because,
        evidence=later,
    )


def _entry(row: Row[Any]) -> Entry:
    return Entry(at=row.at, by=row.by, what=row.what, why=row.why, address=row.address, domain=row.domain, event=row.event)
