"""Events under their keys: recorded once, further reports attached, a failure in the place of its delay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from bounceclass.history import Sighting
from bounceclass.model import Advice, Kind, Trust
from bounceclass.store.schema import events, evidence, failures
from bounceclass.store.statements import ignoring

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bounceclass.history import Occurrence
    from bounceclass.store.naming import Naming

__all__ = ["record", "row_of"]

_MOST_EVIDENCE: Final = 10
"""Later reports of one event that are kept; all are counted."""
_BELIEVED: Final = {Trust.SIGNED: 2, Trust.OWN_MTA: 2, Trust.KNOWN: 2, Trust.DKIM: 1, Trust.PLAUSIBLE: 1}
_SEVERITY: Final = {Advice.SUPPRESS: 2, Advice.COUNT: 1}
_VERDICT: Final = ("recipient", "named", "reason", "scope", "permanence", "advice", "grade", "at", "report")

_of_mailing: Final = (events.c.addressed == bindparam("whom")) & (events.c.mailing == bindparam("what"))
_failed: Final = select(events.c.key).where(_of_mailing, events.c.kind == Kind.BOUNCE).limit(1)
_replace: Final = update(events).where(_of_mailing, events.c.kind == Kind.DELAY).values(replaced_by=bindparam("instead"))
_uncount: Final = delete(failures).where(failures.c.addressed == bindparam("whom"), failures.c.mailing == bindparam("what"))
_known: Final = select(events).where(events.c.key == bindparam("which"))
_more: Final = update(events).where(events.c.key == bindparam("which")).values(reports=events.c.reports + 1)
_kept: Final = select(func.count()).select_from(evidence).where(evidence.c.event == bindparam("which"))


def row_of(occurrence: Occurrence, naming: Naming) -> dict[str, Any]:
    """Return the row of an occurrence."""
    event, verdict = occurrence.event, occurrence.event.verdict
    return {
        "key": occurrence.key,
        "kind": event.kind,
        "addressed": naming.maybe(occurrence.addressed),
        "named": naming.maybe(event.recipient),
        "domain": naming.domain(occurrence.addressed),
        "recipient": naming.written(event.recipient),
        "stream": occurrence.stream,
        "mailing": naming.hashed(occurrence.mailing),
        "reason": verdict.reason,
        "scope": verdict.scope,
        "permanence": verdict.permanence,
        "advice": verdict.advice,
        "grade": occurrence.grade,
        "at": occurrence.at,
        "report": naming.report(occurrence.report, event),
        "reports": 1,
        "replaced_by": None,
    }


def record(connection: Connection, row: dict[str, Any]) -> Sighting:
    """Insert a row of an event, or attach it to the one of the same key."""
    mailing = {"whom": row["addressed"], "what": row["mailing"]}
    if row["kind"] is Kind.DELAY:
        row["replaced_by"] = connection.scalar(_failed, mailing)
    if not connection.execute(ignoring(connection, events), row).rowcount:
        return _again(connection, row)
    if row["replaced_by"]:
        return Sighting.AGAIN
    if row["kind"] is Kind.BOUNCE and connection.execute(_replace, {**mailing, "instead": row["key"]}).rowcount:
        connection.execute(_uncount, mailing)
    return Sighting.NEW


def _again(connection: Connection, row: dict[str, Any]) -> Sighting:
    """Attach a later report; one that says more takes the place of what decided, whole: verdict and trust are never mixed."""
    which = {"which": row["key"]}
    known = connection.execute(_known, which).one()._asdict()
    connection.execute(_more, which)
    raised = known["replaced_by"] is None and _weight(row) > _weight(known)
    if raised:
        connection.execute(update(events).where(events.c.key == row["key"]).values({name: row[name] for name in _VERDICT}))
    weaker = known if raised else row
    if raised or (connection.scalar(_kept, which) or 0) < _MOST_EVIDENCE:
        kept = {"event": row["key"], "grade": weaker["grade"], "at": weaker["at"], "report": weaker["report"]}
        connection.execute(insert(evidence), kept)
    return Sighting.RAISED if raised else Sighting.AGAIN


def _weight(row: dict[str, Any]) -> tuple[int, int]:
    # Belief first: a forged report that came before must not stand in the way of the true one.
    return _BELIEVED.get(row["grade"], 0), _SEVERITY.get(row["advice"], 0)
