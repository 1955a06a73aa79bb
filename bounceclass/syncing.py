"""Comparing our list with an ESP's own, and applying what differs: here through the ledger, there through the plugin.

    sync.compare(...)      a Plan: reads the ESP's list whole, or raises
    dangers(plan, ...)     why one should look first
    sync.pull(rows)        enters and releases here; plugins but the account's own are told as the house's rules have it
    sync.push(rows)        adds and removes there, by as many as the API takes at once; nobody is told

Each address is looked at again before something is done about it: what has changed since then is left for the next time. What
was applied is kept whenever it ends, for here each batch is a transaction, and there every call may be repeated.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from bounceclass.batches import Batches
from bounceclass.comparison import Account, Action, decide, differences, merge, standing_of
from bounceclass.errors import Refused, SettingsError
from bounceclass.http import checked
from bounceclass.model import Reason, Suppression
from bounceclass.remotelist import entries
from bounceclass.store.records import Entry, Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bounceclass.comparison import Difference, Standing, There
    from bounceclass.esp import TwoWay
    from bounceclass.outgoing import Outgoing
    from bounceclass.remotelist import Patience
    from bounceclass.store.database import Database
    from bounceclass.store.ledger import Ledger

__all__ = ["Plan", "Sync", "dangers"]

_ENTRIES: Final = 10_000
"""Of one address; the store has one for each cause."""
_BATCH: Final = 500
_REMOVED_AT_ONCE: Final = 50
"""Plugins ask for each address by itself, so a larger batch would go on for minutes without a word."""
_FEW: Final = 100
"""So many may go whatever share they are."""


class Plan(msgspec.Struct, frozen=True):
    """What differs: the rows that were asked for, and how many there are of each in all.

    `there` counts the ESP's entries, `nameless` those of them that name no address and are left out; `mirrored` ours that came from there.
    """

    rows: tuple[Difference, ...]
    counts: Counter[Action]
    there: int
    nameless: int
    mirrored: int


class _Again(NamedTuple):
    """A row that still holds, and how its address stands now."""

    row: Difference
    here: Standing


def dangers(plan: Plan, *, push: bool, pull: bool) -> Iterator[str]:
    """Yield why nothing should be applied, which way it goes, unless somebody has looked: a list would lose much, or the other one reads as empty."""
    released, removed = plan.counts[Action.RELEASE], plan.counts[Action.REMOVE]
    if pull and released and not plan.there:
        yield f"the ESP's list reads as empty, and {released} of ours would be released"
    elif pull and released > _FEW and released * 2 > plan.mirrored:
        yield f"{released} of the {plan.mirrored} entries here that came from there would be released"
    if push and removed > _FEW and removed * 2 > plan.there:
        yield f"{removed} of the {plan.there} entries there would be removed"


class Sync:
    """One account of an ESP, and our store.

    `done` counts what was applied, `changed` what was not, for it had changed meanwhile, `refused` what the ESP refused.
    """

    def __init__(  # noqa: PLR0913  each is a part of it
        self,
        name: str,
        plugin: TwoWay,
        store: Database,
        outgoing: Outgoing,
        patience: Patience,
        *,
        refused: Callable[[str, str], None] = lambda _address, _why: None,
    ) -> None:
        """Take the instance by its name. `refused` is told of each address that the ESP refuses, and why.

        Raises SettingsError for an ESP whose list can't be read.
        """
        if plugin.readable is None:
            msg = f"{name}: the ESP's list can't be read, so there is nothing to compare"
            raise SettingsError(msg)
        self._account = Account(name, plugin.scope)
        self._plugin = plugin
        self._remote = plugin.readable
        self._store = store
        self._outgoing = outgoing
        self._patience = patience
        self._refused = refused
        self._mirrored = 0
        self.done: Counter[Action] = Counter()
        self.changed = 0
        self.refused = 0

    def compare(self, *, limit: int | None = None, everything: bool = False, only: str | None = None) -> Plan:
        """Read both lists; return what differs, at most `limit` rows of it, and of one way `only`.

        With `everything` there are rows about which nothing is to be done, too.
        Raises Retry or Refused where the ESP's list can't be read whole.
        """
        there, nameless = self._read()
        total, counts = len(there), Counter[Action]()
        rows: list[Difference] = []
        self._mirrored = 0
        left = limit
        for row in differences(self._standings(), there, self._store.name_of):
            counts[row.action] += 1
            if row.action is Action.NONE:
                rows += [row] if everything else []
            elif only in {None, row.action.way} and (left is None or left > 0):
                rows.append(row)
                left = None if left is None else left - 1
        return Plan(tuple(rows), counts, total, nameless, self._mirrored)

    def _read(self) -> tuple[dict[str, There], int]:
        found: dict[str, There] = {}
        nameless = 0
        for entry in entries(self._remote, self._patience):
            try:
                name = self._store.name_of(checked(entry.address))
            except Refused:
                nameless += 1
                continue
            found[name] = merge(found.get(name), entry)
        return found, nameless

    def _standings(self) -> Iterator[Standing]:
        now = datetime.now(UTC)
        for causes in self._store.causes(now):
            standing = standing_of(causes, self._account, now)
            self._mirrored += bool(standing.mirrored)
            yield standing

    def pull(self, rows: Sequence[Difference], why: str) -> None:
        """Enter and release here what rows say, by batches; those that go the other way are left. `why` is for the history."""
        for batch in _batched(rows, (Action.ENTER, Action.RELEASE), _BATCH):
            now = datetime.now(UTC)
            again = self._still(batch, now)
            with self._store.transaction() as ledger:
                for row, here in again:
                    if row.action is Action.ENTER and row.there is not None:
                        self._enter(ledger, row.there, why, now)
                    else:
                        self._release(ledger, here, why, now)
            self.done.update(row.action for row, _ in again)

    def _enter(self, ledger: Ledger, there: There, why: str, now: datetime) -> None:
        """Copy an entry of theirs. A copy is no new fact, so nobody is told; a complaint or an unsubscribe is one, for this account alone."""
        account = self._account
        entry = Suppression(address=there.address, scope=account.name, reason=there.reasons[0], since=now, by=account.by)
        mirrored = entry.reason is Reason.SUPPRESSED
        ledger.suppress(entry, account=account.name if mirrored else None)
        ledger.log(Entry(at=now, by=entry.by, what="suppress", why=f"{why}: on the list of {account.name} ({there.word})", address=entry.address))
        if not mirrored:
            self._outgoing.suppress(ledger, entry, besides=account.name)

    def _release(self, ledger: Ledger, here: Standing, why: str, now: datetime) -> None:
        account = self._account
        for entry in here.mirrored:
            ledger.release(entry, at=now, by=account.by)
            ledger.log(Entry(at=now, by=account.by, what="release", why=f"{why}: gone from the list of {account.name}", address=entry.address))
            if entry.reason is not Reason.SUPPRESSED:
                self._outgoing.release(ledger, entry, now, besides=account.name)

    def push(self, rows: Sequence[Difference], why: str) -> None:
        """Add and remove there what rows say; those that go the other way are left.

        Raises Retry where the ESP asks for more patience than there is, Refused where it refuses one after another; `done` tells how far it came.
        """
        adding = Batches(self._plugin.push, lambda entry, fault: self._note(entry.address or "", fault), self._patience)
        for batch in _batched(rows, (Action.ADD,), self._plugin.batch):
            told = [here.told for _, here in self._still(batch, datetime.now(UTC)) if here.told is not None]
            taken = adding.make(told)
            self._record(Action.ADD, [entry.address for entry in taken if entry.address], f"{why}: put on the list of {self._account.name}")
        removing = Batches(self._plugin.withdraw, lambda one, fault: self._note(one[0], fault), self._patience)
        for batch in _batched(rows, (Action.REMOVE,), min(self._plugin.batch, _REMOVED_AT_ONCE)):
            theirs = [row.there for row, _ in self._still(batch, datetime.now(UTC)) if row.there is not None]
            gone = removing.make([(one.address, reason) for one in theirs for reason in one.reasons])
            self._record(Action.REMOVE, list(dict.fromkeys(address for address, _ in gone)), f"{why}: taken from the list of {self._account.name}")

    def _note(self, address: str, fault: str) -> None:
        self.refused += 1
        self._refused(address, fault)

    def _record(self, action: Action, addresses: list[str], why: str) -> None:
        """Write into the history what was done there."""
        if addresses:
            now = datetime.now(UTC)
            with self._store.transaction() as ledger:
                for address in addresses:
                    ledger.log(Entry(at=now, by=self._account.by, what="sync", why=why, address=address))
            self.done[action] += len(addresses)

    def _still(self, rows: Sequence[Difference], now: datetime) -> list[_Again]:
        """Return the rows that hold as our list is now."""
        found = []
        for row in rows:
            causes = self._store.page(Selection(address=row.address), now, limit=_ENTRIES)
            here = standing_of(causes, self._account, now)
            if any(one.action is row.action for one in decide(here, row.there)):
                found.append(_Again(row, here))
            else:
                self.changed += 1
        return found


def _batched(rows: Iterable[Difference], actions: tuple[Action, ...], size: int) -> Iterator[list[Difference]]:
    chosen: list[Difference] = []
    for row in rows:
        if row.action in actions:
            chosen.append(row)
            if len(chosen) == size:
                yield chosen
                chosen = []
    if chosen:
        yield chosen
