"""What the incident guard keeps: counts by the hour, what is open, and decisions that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from bounceclass.model import Suppression
from bounceclass.store.records import Held, Incident
from bounceclass.store.schema import held, incidents, tallies
from bounceclass.store.statements import counting

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from bounceclass.model import Decision
    from bounceclass.store.naming import Naming

__all__ = ["Brake"]

HELD: Final = "held"
_within: Final = select(func.sum(tallies.c.count)).where(
    tallies.c.counter == bindparam("name"), tallies.c.hour >= bindparam("since"), tallies.c.hour < bindparam("until")
)
_FIELDS: Final = (incidents.c.name, incidents.c.opened_at, incidents.c.closed_at, incidents.c.because)


class Brake:
    """The guard's side of a transaction: `ledger.brake`."""

    def __init__(self, connection: Connection, naming: Naming) -> None:
        """Take the connection of the transaction."""
        self._connection = connection
        self._naming = naming
        self._added: dict[tuple[str, datetime], int] = {}
        """What was tallied and is not written yet, by counter and hour."""
        self._sums: dict[str, dict[tuple[datetime, datetime], int]] = {}
        """What was asked before, kept up to date: nobody else writes meanwhile."""

    def tally(self, counter: str, at: datetime, number: int = 1) -> None:
        """Add to what a counter has for the hour of `at`."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        self._added[counter, hour] = self._added.get((counter, hour), 0) + number
        sums = self._sums.get(counter, {})
        for since, until in sums:
            if since <= hour < until:
                sums[since, until] += number

    def tallied(self, counter: str, since: datetime, until: datetime) -> int:
        """Return what a counter has for the hours that begin within a span, its end left out."""
        sums = self._sums.setdefault(counter, {})
        if (since, until) not in sums:
            written = self._connection.scalar(_within, {"name": counter, "since": since, "until": until}) or 0
            sums[since, until] = int(written) + sum(number for (name, hour), number in self._added.items() if name == counter and since <= hour < until)
        return sums[since, until]

    def flush(self) -> None:
        """Write what was tallied; done at the end of the transaction."""
        rows = [{"counter": counter, "hour": hour, "count": number} for (counter, hour), number in self._added.items()]
        if rows:
            self._connection.execute(counting(self._connection, tallies), rows)
        self._added.clear()

    def forget(self, before: datetime) -> None:
        """Drop the counts of hours that begin before a time."""
        self.flush()
        self._sums.clear()
        self._connection.execute(delete(tallies).where(tallies.c.hour < before))

    def open(self, name: str, at: datetime, because: str) -> bool:
        """Open an incident; tell whether it was not open already."""
        if any(one.name == name for one in self.incidents()):
            return False
        self._connection.execute(insert(incidents).values(name=name, opened_at=at, because=because))
        return True

    def close(self, name: str, at: datetime) -> None:
        """Close an incident; what it holds stays until it is settled."""
        self._connection.execute(update(incidents).where(incidents.c.name == name, incidents.c.closed_at.is_(None)).values(closed_at=at))

    def incidents(self, *, closed: bool = False) -> list[Incident]:
        """Return what is open, the oldest first; the closed ones too where they are wanted."""
        wanted = select(*_FIELDS).order_by(incidents.c.id)
        rows = self._connection.execute(wanted if closed else wanted.where(incidents.c.closed_at.is_(None)))
        return [Incident(**row._asdict()) for row in rows]

    def hold(self, key: str, decision: Decision, at: datetime, incident: str | None = None) -> None:
        """Keep a decision about an event until it is settled."""
        entry = decision.suppression
        if entry is not None and entry.address and self._naming.secret:
            entry = msgspec.structs.replace(entry, address=self._naming.address(entry.address))
        row = {
            "incident": incident,
            "event": key,
            "address": self._naming.maybe(entry.address) if entry else None,
            "suppression": msgspec.to_builtins(entry),
            "because": decision.because,
            "at": at,
            "until": decision.until,
            "state": HELD,
        }
        self._connection.execute(insert(held), row)

    def waiting(self, incident: str | None = None, limit: int = 1000) -> list[Held]:
        """Return the decisions that wait, for one incident or for all, the oldest first."""
        mine = () if incident is None else (held.c.incident == incident,)
        rows = self._connection.execute(select(held).where(held.c.state == HELD, *mine).order_by(held.c.id).limit(limit))
        return [_held(row) for row in rows]

    def settle(self, ids: list[int], state: str) -> None:
        """Take decisions out of those that wait: they were `released` or `dropped`."""
        self._connection.execute(update(held).where(held.c.id.in_(ids)).values(state=state))

    def expire(self, now: datetime) -> int:
        """Drop what has waited beyond its `until`; return how many."""
        late = (held.c.state == HELD) & (held.c.until <= now)
        return self._connection.execute(update(held).where(late).values(state="dropped")).rowcount


def _held(row: Row[Any]) -> Held:
    entry = msgspec.convert(row.suppression, Suppression | None)
    return Held(id=row.id, incident=row.incident, event=row.event, suppression=entry, because=row.because, at=row.at, until=row.until)
