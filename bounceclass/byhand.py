"""The suppression list as people change it, by the command or the API: with a line of history, and the plugins told by way of the outbox."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bounceclass.store.records import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounceclass.model import Suppression
    from bounceclass.outgoing import Outgoing
    from bounceclass.store.database import Database
    from bounceclass.store.records import Selection

__all__ = ["enter", "lift"]


def enter(store: Database, outgoing: Outgoing, entries: Iterable[Suppression], why: str) -> int:
    """Enter suppressions in one transaction; return how many are new."""
    new = 0
    with store.transaction() as ledger:
        for entry in entries:
            if ledger.suppress(entry):
                new += 1
                ledger.log(Entry(at=datetime.now(UTC), by=entry.by, what="suppress", why=why, address=entry.address, domain=entry.domain))
                outgoing.suppress(ledger, entry)
    return new


def lift(store: Database, outgoing: Outgoing, selection: Selection, *, by: str, why: str) -> list[Suppression]:
    """Lift what fits in one transaction; return it. What led to it counts no longer. Raises ValueError where nobody is named: that would be a whole list."""
    if selection.address is None and selection.domain is None:
        msg = "an address or a domain must be named"
        raise ValueError(msg)
    now = datetime.now(UTC)
    with store.transaction() as ledger:
        lifted = ledger.lift(selection, at=now, by=by, why=why)
        for entry in lifted:
            outgoing.release(ledger, entry, now)
    return lifted
