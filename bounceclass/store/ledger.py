"""What a transaction does: all of it is kept, or nothing.

What later reads must see is written at once; what only goes in (outbox, history, decisions) is
gathered, and written in batches when the block ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from bounceclass.model import Trust
from bounceclass.store import entries, rejudgement, sightings
from bounceclass.store.brake import Brake
from bounceclass.store.naming import domain_of
from bounceclass.store.past import read_domain, read_history
from bounceclass.store.schema import addresses, attempts, deliveries, events, failures, history, outbox, queues, tags
from bounceclass.store.sentlog import tag_name
from bounceclass.store.statements import gravest, ignoring, latest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection, Executable

    from bounceclass.history import DomainHistory, FailedMailing, History, Occurrence, Sighting
    from bounceclass.model import Decision, Event, Report, Scope, Suppression
    from bounceclass.store.naming import Naming
    from bounceclass.store.records import Entry, Recorded, Selection

__all__ = ["Ledger"]

_decide: Final = update(events).where(events.c.key == bindparam("which")).values(action=bindparam("did"), because=bindparam("why"))
_heal: Final = update(failures).where(failures.c.addressed == bindparam("whom"), failures.c.healed_at.is_(None)).values(healed_at=bindparam("now"))
_failing: Final = select(failures.c.mailing).where(failures.c.addressed == bindparam("whom"), failures.c.healed_at.is_(None)).limit(1)
_forget: Final = delete(deliveries).where(deliveries.c.address == bindparam("whom"))
_heal_domain: Final = (
    update(failures)
    .where(failures.c.domain == bindparam("whom"), failures.c.scope == "domain", failures.c.healed_at.is_(None))
    .values(healed_at=bindparam("now"))
)
_log: Final = insert(history)
_PAGE: Final = 500


class Ledger:
    """One transaction. Made by `Database.transaction`, of no use after it."""

    def __init__(self, connection: Connection, naming: Naming) -> None:
        """Take the connection on which it has begun."""
        self._connection = connection
        self._naming = naming
        self._gathered: dict[Executable, list[dict[str, Any]]] = {}
        self.brake: Final = Brake(connection, naming)

    def seen(self, occurrence: Occurrence) -> Sighting:
        """Record an event under its key; tell whether there is something to decide.

        A later report of the same key is kept as evidence. A failure replaces the delay of the same mailing, and what
        that one counted. From then on the address is known, unless nothing ties the report to mail of ours.
        """
        row = sightings.row_of(occurrence, self._naming)
        if row["addressed"] and occurrence.grade is not Trust.NONE:
            known = {"address": row["addressed"], "domain": row["domain"], "known_since": occurrence.at}
            self._gather(ignoring(self._connection, addresses), known)
        return sightings.record(self._connection, row)

    def mailing(self, mailing: str) -> str:
        """Return the identity of a mailing as histories have it: itself, or its HMAC."""
        return self._naming.hashed(mailing)

    def history(self, address: str, stream: str | None, now: datetime) -> History:
        """Return what is known of an address, with what this transaction has added."""
        return read_history(self._connection, self._naming, address, stream, now)

    def domain_history(self, domain: str, now: datetime) -> DomainHistory:
        """Return what is known of a domain; nothing where names are hashed and domains not kept."""
        return read_domain(self._connection, self._naming.domain(f"@{domain}"), now)

    def record_failure(self, address: str, failure: FailedMailing, scope: Scope) -> None:
        """Count a mailing that did not arrive, once for each address: of several reports the one with the most points stays."""
        row = {
            "addressed": self._naming.address(address),
            "mailing": self._naming.hashed(failure.mailing),
            "domain": self._naming.domain(address),
            "stream": failure.stream,
            "reason": failure.reason,
            "scope": scope,
            "points": failure.points,
            "at": failure.at,
        }
        self._connection.execute(gravest(self._connection, failures), row)

    def record_delivery(self, address: str, mailing: str, at: datetime, stream: str | None = None) -> None:
        """Keep the last delivery of an address, and of one that has failures each. It heals nothing by itself."""
        row = {
            "address": self._naming.address(address),
            "domain": self._naming.domain(address),
            "known_since": at,
            "delivered_at": at,
            "delivered_mailing": self._naming.hashed(mailing),
            "delivered_stream": stream,
        }
        self._connection.execute(latest(self._connection, addresses), row)
        if self._connection.scalar(_failing, {"whom": row["address"]}) is not None:
            taken = {"address": row["address"], "mailing": row["delivered_mailing"], "at": at, "stream": stream}
            self._connection.execute(ignoring(self._connection, deliveries), taken)

    def heal(self, address: str, at: datetime) -> int:
        """Let the failures of an address count no longer; return how many."""
        whom = {"whom": self._naming.address(address)}
        self._connection.execute(_forget, whom)
        return self._connection.execute(_heal, {**whom, "now": at}).rowcount

    def delivered(self, before: datetime, by: str, limit: int = 1000) -> dict[str, set[str | None]]:
        """Return the addresses, as they are kept here, that `by` has suppressed and that took mail since, but no later than a time: they may have healed.

        With each the streams that its entries are for; None is all.
        """
        return entries.delivered(self._connection, before, by, limit)

    def suppress(self, suppression: Suppression, *, account: str | None = None, provider: str | None = None) -> bool:
        """Record an entry, one row for each cause; tell whether it is new. One of the same cause that is active is lengthened.

        `account` is the ESP's account where the entry mirrors its list; `provider` whose servers spoke.
        """
        return entries.enter(self._connection, self._naming, suppression, account, provider)

    def release(self, suppression: Suppression, *, at: datetime, by: str) -> int:
        """Lift the entries of the same whom, stream, reason and by; return how many. Other causes stay."""
        return entries.release(self._connection, self._naming, suppression, at, by)

    def lift(self, selection: Selection, *, at: datetime, by: str, why: str, limit: int = 1000) -> list[Suppression]:
        """Lift entries that fit, at most `limit`, with a line of history each; return them. What led to them counts no longer."""
        lifted = entries.lift(self._connection, entries.fitting(selection, self._naming), at, by, limit)
        for entry in lifted:
            row = {"at": at, "by": by, "what": "lift", "why": why, "event": None}
            self._gather(_log, {**row, "address": self._naming.maybe(entry.address), "domain": entry.domain})
            if entry.address:
                self.heal(entry.address, at)
            else:
                self._connection.execute(_heal_domain, {"whom": entry.domain, "now": at})
        return lifted

    def remaining(self, ended: Suppression, now: datetime) -> Suppression | None:
        """Return what else suppresses whom an ended entry did, on the same stream: the one that lasts longest; None where nothing does."""
        return entries.remaining(self._connection, self._naming, ended, now)

    def lapse(self, now: datetime, limit: int = 1000) -> list[Suppression]:
        """Return entries that have run out, each once in its life, at most `limit`."""
        return entries.lapse(self._connection, now, limit)

    def enqueue(self, plugin: str, hook: str, payload: bytes, key: str, *, address: str | None = None) -> None:
        """Put a call of an acting or told hook into the outbox, once for plugin, hook and key; calls about one address stay in order."""
        row = {
            "plugin": plugin,
            "hook": hook,
            "key": key,
            "payload": payload,
            "address": self._naming.maybe(address),
            "attempts": 0,
            "state": "pending",
        }
        self._gather(ignoring(self._connection, outbox), row)

    def record_decision(self, key: str, decision: Decision) -> None:
        """Keep what was decided about an event, and why."""
        self._gather(_decide, {"which": key, "did": decision.action, "why": decision.because})

    def log(self, entry: Entry) -> None:
        """Add a line to the history."""
        domain = domain_of(f"@{entry.domain}") if entry.domain else None
        row = {"at": entry.at, "by": entry.by, "what": entry.what, "why": entry.why, "event": entry.event}
        self._gather(_log, {**row, "address": self._naming.maybe(entry.address), "domain": domain})

    def record_queue(self, queue: str, recipient: str, at: datetime) -> None:
        """Keep that our own log has a queue id as bounced for a recipient."""
        self._gather(ignoring(self._connection, queues), {"queue": queue, "address": self._naming.address(recipient), "at": at})

    def record_named(self, tag: str, recipient: str) -> None:
        """Keep that a report under a tag named a final recipient."""
        self._gather(ignoring(self._connection, tags), {"tag": tag_name(tag), "address": self._naming.address(recipient)})

    def events_of(self, address: str) -> list[Recorded]:
        """Return the events that an address was mailed in, the oldest first."""
        return rejudgement.events_of(self._connection, self._naming, address)

    def entries_of(self, address: str, now: datetime) -> list[Suppression]:
        """Return what suppresses an address now, on any stream."""
        return entries.of_address(self._connection, self._naming, address, now)

    def lifted_at(self, address: str) -> list[datetime]:
        """Return when somebody lifted what was held against an address."""
        return rejudgement.lifted_at(self._connection, self._naming, address)

    def replace_verdict(self, key: str, report: Report, event: Event) -> None:
        """Give an event another verdict; what was decided then stays."""
        rejudgement.replace_verdict(self._connection, self._naming, key, report, event)

    def copy_failures(self, address: str, other: Ledger) -> None:
        """Let what has failed of an address be what another ledger has."""
        rejudgement.copy_failures(self._connection, self._naming, address, other._connection)

    def end_attempts(self, keys: Iterable[str]) -> None:
        """Forget the attempts at inputs with all that followed from them."""
        keys = list(keys)
        for start in range(0, len(keys), _PAGE):
            self._connection.execute(delete(attempts).where(attempts.c.key.in_(keys[start : start + _PAGE])))

    def flush(self) -> None:
        """Write what was gathered; done at the end of the block."""
        for statement, rows in self._gathered.items():
            self._connection.execute(statement, rows)
        self._gathered.clear()
        self.brake.flush()

    def _gather(self, statement: Executable, row: dict[str, Any]) -> None:
        self._gathered.setdefault(statement, []).append(row)
