"""The store as one object, over SQLite or PostgreSQL.

    with database.transaction() as ledger:
        if ledger.seen(occurrence):
            ...

Each other method is a transaction of its own. An object may be shared by threads; each process opens its own.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, select

from bounceclass.store import entries, erasure, inquiry, past, rejudgement, sentlog
from bounceclass.store.backlog import read_backlog
from bounceclass.store.connection import connect, faults, reading, writing
from bounceclass.store.ledger import Ledger
from bounceclass.store.migration import migrate
from bounceclass.store.naming import Naming
from bounceclass.store.outbox import DONE, Outbox
from bounceclass.store.records import Selection
from bounceclass.store.schema import attempts, history, outbox, queues, sent, tallies
from bounceclass.store.statements import counting
from bounceclass.store.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from bounceclass.history import DomainHistory, History
    from bounceclass.model import Suppression
    from bounceclass.store.backlog import Backlog
    from bounceclass.store.records import Cause, Past, Recorded, Sent
    from bounceclass.trust import Lookups

__all__ = ["Database"]

_PAGE: Final = 500


class Database:
    """A store that is open. `url` names it, without its password; `outbox` is for who empties it."""

    def __init__(self, url: str, *, hash_key: bytes | None = None, keep_domains: bool = False, create: bool = True, patience: float = 10.0) -> None:
        """Open a database, create its tables or bring them up to date. See `open_store`."""
        self._engine = connect(url, patience)
        self._naming = Naming(secret=hash_key, keep_domains=keep_domains)
        self.url: Final = self._engine.url.render_as_string()
        self.outbox: Final = Outbox(self._engine)
        try:
            with faults(self._engine):
                migrate(self._engine, self._naming, create=create)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        """Say which database it is."""
        return f"Database({self.url!r})"

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Ledger]:
        """Begin, alone: nobody else writes until the block ends. Commit there, roll back where it raises.

        Raises StoreError where the database is locked for too long, absent or full; then nothing of the block was kept.
        """
        with writing(self._engine) as connection:
            ledger = Ledger(connection, self._naming)
            yield ledger
            ledger.flush()

    def begin_attempts(self, keys: Iterable[str]) -> dict[str, int]:
        """Count an attempt at each of some inputs, in one commit; return how many each has had, this one included."""
        keys = list(dict.fromkeys(keys))
        found: dict[str, int] = {}
        with writing(self._engine) as connection:
            for start in range(0, len(keys), _PAGE):
                page = keys[start : start + _PAGE]
                connection.execute(counting(connection, attempts), [{"key": key, "count": 1} for key in page])
                rows = connection.execute(select(attempts.c.key, attempts.c.count).where(attempts.c.key.in_(page)))
                found.update((row.key, row[1]) for row in rows)
        return found

    def attempts(self, keys: Iterable[str]) -> dict[str, int]:
        """Return how many attempts inputs have had that are not finished: of those that somebody died over, or works on."""
        keys = list(keys)
        found: dict[str, int] = {}
        with reading(self._engine) as connection:
            for start in range(0, len(keys), _PAGE):
                rows = connection.execute(select(attempts.c.key, attempts.c.count).where(attempts.c.key.in_(keys[start : start + _PAGE])))
                found.update((row.key, row[1]) for row in rows)
        return found

    def end_attempts(self, keys: Iterable[str]) -> None:
        """Forget the attempts at inputs that are finished."""
        with self.transaction() as ledger:
            ledger.end_attempts(keys)

    def suppressions(self, selection: Selection | None = None) -> Iterator[Suppression]:
        """Yield the entries that fit, in the order of entry and in bounded memory; what is lifted or has run out too, unless `active_at` says when.

        Entries made meanwhile may or may not be among them.
        """
        with faults(self._engine):
            for page in entries.listed(self._engine, self._naming, selection or Selection()):
                yield from map(past.entry_of, page)

    def page(self, selection: Selection, now: datetime, *, after: int = 0, limit: int = 100) -> list[Cause]:
        """Return the first entries that fit after one of a number, in the order of entry, and whether they suppress now."""
        with reading(self._engine) as connection:
            return [entries.cause_of(row, now) for row in entries.page(connection, self._naming, selection, after, limit)]

    def causes(self, now: datetime) -> Iterator[list[Cause]]:
        """Yield all entries that each address has or had, in no order of addresses and in bounded memory; those of domains not."""
        with faults(self._engine):
            for rows in entries.by_address(self._engine):
                yield [entries.cause_of(row, now) for row in rows]

    def name_of(self, address: str) -> str:
        """Return an address as it is compared here: its comparable form, or its HMAC."""
        return self._naming.address(address)

    def events(self) -> Iterator[Recorded]:
        """Yield every event that was recorded, in no order and in bounded memory."""
        return rejudgement.all_events(self._engine)

    @property
    def hashed(self) -> bool:
        """Whether addresses are kept as their HMAC; then texts are not kept either."""
        return self._naming.secret is not None

    def is_suppressed(self, address: str, stream: str | None, now: datetime) -> bool:
        """Tell whether an address, or its domain, is suppressed for a stream; with None only entries for all streams tell."""
        with reading(self._engine) as connection:
            return inquiry.is_suppressed(connection, self._naming, address, stream, now)

    def suppression_of(self, address: str, stream: str | None, now: datetime) -> Suppression | None:
        """Return an entry that suppresses an address, or its domain, for a stream; None where nothing does."""
        with reading(self._engine) as connection:
            return inquiry.suppression_of(connection, self._naming, address, stream, now)

    def history(self, address: str, stream: str | None, now: datetime) -> History:
        """Return what is known of an address."""
        with reading(self._engine) as connection:
            return past.read_history(connection, self._naming, address, stream, now)

    def domain_history(self, domain: str, now: datetime) -> DomainHistory:
        """Return what is known of a domain; nothing where names are hashed and domains not kept."""
        with reading(self._engine) as connection:
            return past.read_domain(connection, self._naming.domain(f"@{domain}"), now)

    def why(self, address: str, now: datetime) -> Past:
        """Return what suppresses an address or did, the events and reports it rests on, and its history."""
        with reading(self._engine) as connection:
            return inquiry.past_of(connection, self._naming, address, now)

    @contextmanager
    def survey(self, since: datetime, until: datetime) -> Iterator[Survey]:
        """Open a transaction that reads, for questions about a span of time."""
        with reading(self._engine) as connection:
            yield Survey(connection, since, until)

    def backlog(self, plugins: Iterable[str]) -> Backlog:
        """Return what waits for some plugins, and for an operator."""
        with reading(self._engine) as connection:
            return read_backlog(connection, plugins)

    def record_sent(self, mails: Iterable[Sent]) -> int:
        """Record what was sent, 1,000 to a transaction; return how many mails were new."""
        return sentlog.record_sent(self._engine, self._naming, mails)

    def lookups(self) -> Lookups:
        """Return what trust asks, answered from here. Where names are hashed, no fingerprint leads back to an address."""
        return sentlog.lookups(self._engine, self._naming)

    def undo(
        self,
        selection: Selection,
        *,
        at: datetime,
        by: str,
        why: str,
        each: Callable[[Ledger, Suppression], object] = lambda _ledger, _entry: None,
    ) -> int:
        """Lift all entries that fit, 500 to a transaction, and let what led to them count no longer; return how many.

        `each` is called within, to tell plugins. Raises ValueError where nothing is selected: that would be the whole list.
        """
        if selection == Selection(active_at=selection.active_at):
            msg = "undo needs to be told which entries: since when, whose, or by whom"
            raise ValueError(msg)
        number, lifted = 0, _PAGE
        while lifted == _PAGE:
            with self.transaction() as ledger:
                found = ledger.lift(selection, at=at, by=by, why=why, limit=_PAGE)
                for entry in found:
                    each(ledger, entry)
            lifted = len(found)
            number += lifted
        return number

    def erase(self, address: str, *, at: datetime, by: str) -> int:
        """Forget a person, suppressions and all; return how many rows that were. The history keeps its lines under a pseudonym."""
        return erasure.erase(self._engine, self._naming, address, at, by)

    def prune(self, before: datetime, *, at: datetime, by: str) -> int:
        """Drop what nobody asks for any more: the sent log, queue ids, tallies and calls done before a time; return how many rows."""
        old = (sent.c.at, queues.c.at, tallies.c.hour)
        with writing(self._engine) as connection:
            number = sum(connection.execute(delete(column.table).where(column < before)).rowcount for column in old)
            number += connection.execute(delete(outbox).where(outbox.c.state == DONE, outbox.c.done_at < before)).rowcount
            connection.execute(insert(history).values(at=at, by=by, what="prune", why=f"{number} rows from before {before.isoformat()}"))
        return number
