"""Our suppression list beside an ESP's own: what differs for each address, and what would be done about it. Pure: no store, no network.

    here                        there       what is done, and which way
    in force, ours to tell      -           add      push
    ended after theirs was made there       remove   push; where it was withdrawn there, only if what ended was withdrawn, too
    in force, came from there   -           release  pull
    nothing that decides        there       enter    pull: for that account alone
    in force, whoever says so   there       none

Ours to tell is what the outbox would tell: an address, for all mail or for the account's `scope`, and a fact, which `suppressed` is
none. What this account's own posts or an earlier sync have told isn't told back. When an entry there was made that
names no time isn't known, so it stays.

Memory: one There for each address on the ESP's list, some 300 octets; and of ours those of one address at a time.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.addresses import comparable
from bounceclass.model import WITHDRAWN, Reason, Suppression
from bounceclass.policy import BY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bounceclass.remotelist import Listed
    from bounceclass.store.records import Cause

__all__ = ["Account", "Action", "Difference", "Standing", "There", "decide", "differences", "merge", "standing_of"]

_GRAVITY: Final = (Reason.COMPLAINT, Reason.UNSUBSCRIBE, Reason.SUPPRESSED)
"""The reasons of an ESP's list; the first that an address has decides."""


class Action(StrEnum):
    """What is done about a difference."""

    ADD = "add"
    REMOVE = "remove"
    ENTER = "enter"
    RELEASE = "release"
    NONE = "none"

    @property
    def way(self) -> str | None:
        """Return which way it goes: `push` changes the ESP's list, `pull` ours."""
        return {Action.ADD: "push", Action.REMOVE: "push", Action.ENTER: "pull", Action.RELEASE: "pull"}.get(self)


class Account(msgspec.Struct, frozen=True):
    """An ESP's account: the name of its instance, and the list or stream whose entries go there besides those for all mail."""

    name: str
    scope: str | None = None

    @property
    def by(self) -> str:
        """Who enters here what is there."""
        return f"sync:{self.name}"

    def concerns(self, entry: Suppression) -> bool:
        """Tell whether an entry of ours is about mail of this account."""
        return entry.address is not None and entry.scope in {None, self.scope, self.name}

    def is_mirror(self, entry: Suppression) -> bool:
        """Tell whether an earlier sync has entered it."""
        return entry.by == self.by and entry.scope == self.name

    def may_be_told(self, entry: Suppression) -> bool:
        """Tell whether it is ours to tell: no copy of an ESP's list, and not what this account's own posts have told us."""
        learnt = entry.scope == self.name and entry.by in {BY, self.by}
        return entry.reason is not Reason.SUPPRESSED and entry.scope in {None, self.scope} and not learnt


class There(msgspec.Struct, frozen=True, gc=False):
    """What an ESP's lists have of one address: its reasons there, gravest first; the latest of the times; the word of the gravest.

    `since` is None where one of them says no time.
    """

    address: str
    reasons: tuple[Reason, ...]
    since: datetime | None
    word: str

    @property
    def withdrawn(self) -> bool:
        """Tell whether somebody has complained or unsubscribed there."""
        return self.reasons[0] in WITHDRAWN


class Standing(msgspec.Struct, frozen=True):
    """What we have of one address, for one account.

    `told` is in force and ours to tell; `mirrored` came from there by a sync; `kept` is any other entry in force. `ended` is the reason of the
    one that ended last, at `ended_at`, other than by a sync.
    """

    address: str | None = None
    told: Suppression | None = None
    mirrored: tuple[Suppression, ...] = ()
    kept: Suppression | None = None
    ended: Reason | None = None
    ended_at: datetime | None = None

    @property
    def in_force(self) -> Suppression | None:
        """Return what suppresses the address now, the entry that is ours to tell first."""
        return self.told or self.kept or next(iter(self.mirrored), None)


class Difference(msgspec.Struct, frozen=True, gc=False):
    """One row: what is done about an address, and why. `here` is the reason of our entry, `there` what the ESP has."""

    address: str
    action: Action
    because: str
    here: Reason | None = None
    there: There | None = None


def merge(known: There | None, entry: Listed) -> There:
    """Return what an ESP has of an address, with one more entry of it."""
    reason = entry.reason if entry.reason in _GRAVITY else Reason.SUPPRESSED
    if known is None:
        return There(entry.address, (reason,), entry.since, entry.word)
    reasons = tuple(one for one in _GRAVITY if one is reason or one in known.reasons)
    since = None if known.since is None or entry.since is None else max(known.since, entry.since)
    return There(known.address, reasons, since, known.word if known.reasons[0] is reasons[0] else entry.word)


def standing_of(causes: Iterable[Cause], account: Account, now: datetime) -> Standing:
    """Return how an address stands, from all entries that it has or had; nobody's where none of them concerns the account."""
    told: Suppression | None = None
    kept: Suppression | None = None
    mirrored: list[Suppression] = []
    ended: list[tuple[datetime, Reason]] = []
    address: str | None = None
    for cause in causes:
        entry = cause.suppression
        if not account.concerns(entry):
            continue
        address = entry.address
        if not cause.active:
            ended += _end(cause, account, now)
        elif account.is_mirror(entry):
            mirrored.append(entry)
        elif account.may_be_told(entry):
            told = entry if told is None or entry.reason in WITHDRAWN else told
        else:
            kept = entry
    at, reason = max(ended, key=lambda one: one[0], default=(None, None))
    return Standing(address, told, tuple(mirrored), kept, reason, at)


def _end(cause: Cause, account: Account, now: datetime) -> list[tuple[datetime, Reason]]:
    """Return when an entry has ended, where that says something about the ESP's: ours to tell, or of the account itself.

    What a sync has released was gone there; if it is there again, that is news.
    """
    entry = cause.suppression
    times = [at for at in (cause.lifted_at, entry.until) if at is not None and at <= now]
    says = entry.reason is not Reason.SUPPRESSED or entry.scope == account.name
    return [(min(times), entry.reason)] if times and says and cause.lifted_by != account.by else []


def decide(here: Standing, there: There | None) -> Iterator[Difference]:
    """Yield what is to be done about one address."""
    if there is None:
        yield from _only_here(here)
        return
    ours = here.in_force
    if ours is not None:
        yield Difference(there.address, Action.NONE, "on both", ours.reason, there)
        return
    action, because = _only_there(here, there)
    yield Difference(there.address, action, because, here.ended if action is Action.REMOVE else None, there)


def _only_here(here: Standing) -> Iterator[Difference]:
    if here.address is None:
        return
    for entry in here.mirrored[:1]:
        yield Difference(here.address, Action.RELEASE, "it came from there, and is gone there", entry.reason)
    if here.told is not None:
        nameless = "@" not in here.address
        because = "only here, by its HMAC, which nobody can be told" if nameless else "only here"
        yield Difference(here.address, Action.NONE if nameless else Action.ADD, because, here.told.reason)
    elif here.kept is not None:
        yield Difference(here.address, Action.NONE, "only here, and no fact that is ours to tell there", here.kept.reason)


def _only_there(here: Standing, there: There) -> tuple[Action, str]:
    if here.ended is None or here.ended_at is None:
        return Action.ENTER, "only there"
    if there.since is None:
        return Action.ENTER, "only there; since when isn't said, so it may be newer than what ended here"
    if here.ended_at <= there.since:
        return Action.ENTER, "only there, and newer than what ended here"
    if there.withdrawn and here.ended not in WITHDRAWN:
        return Action.ENTER, f"there it is of a {there.reasons[0]}, which what ended here was not"
    return Action.REMOVE, "ended here after it was entered there"


def differences(here: Iterable[Standing], there: dict[str, There], name: Callable[[str], str] = comparable) -> Iterator[Difference]:
    """Yield what is to be done about all addresses: `here` is how each of ours stands, `there` what the ESP has, by name.

    `name` gives an address as it is compared here. What both have is taken out of `there`.
    """
    for standing in here:
        if standing.address is not None:
            yield from decide(standing, there.pop(name(standing.address), None))
    for one in there.values():
        yield from decide(Standing(), one)
