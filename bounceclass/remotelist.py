"""An ESP's own list as it is read: page by page, whole or not at all.

    Readable        what a plugin's list has that can be read: its lists, and one page of each
    entries(...)    all entries of all its lists, one after another
    rows, named     what a page is made of; an answer of another shape is none, and never an empty page
    Patience        makes a call again that asks for later

A page that fails is asked for again; one that goes on failing ends the reading with Retry or Refused. Who catches
that has part of a list, and must not take it for the list.
"""

from __future__ import annotations

import time
from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar, runtime_checkable

import msgspec

from bounceclass.errors import Refused, Retry
from bounceclass.http import LATER
from bounceclass.model import Reason  # noqa: TC001  as above
from bounceclass.payload import Record, as_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Listed", "Page", "Patience", "Readable", "entries", "moment", "named", "rows"]

T = TypeVar("T")
_MOST_PAGES: Final = 50_000
"""Of one list; with 100 entries on each that would be five million."""
_TRIES: Final = 5
_LONG: Final = 5.0
_LONGEST: Final = 120.0
"""Seconds that an operator may be kept waiting; who asks for longer is left for another time."""


class Listed(msgspec.Struct, frozen=True, gc=False):
    """An entry of an ESP's list. `reason` is `suppressed` unless somebody has withdrawn there; `word` is the ESP's own for it.

    `since` is when it was made, or at the latest was changed, None where that isn't said.
    """

    address: str
    reason: Reason
    since: datetime | None
    word: str


class Page(NamedTuple):
    """A page: its entries, and what the next one is asked for by; None where it is the last."""

    entries: tuple[Listed, ...]
    after: str | None


@runtime_checkable
class Readable(Protocol):
    """A list that can be read, beside Remote."""

    @property
    def lists(self) -> tuple[str, ...]:
        """The names of the lists that make it up, in which an address may stand more than once."""

    def page(self, name: str, after: str | None) -> Page:
        """Return a page of one of them, the first where `after` is None. Raises Retry or Refused; reading it changes nothing."""


class Patience:
    """Makes a call again that asks for later, so long as it isn't too long or too often in a row.

    `sleep` waits; `waiting` is told for how long, and why, where that is more than a few seconds.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep, waiting: Callable[[float, str], None] = lambda _seconds, _why: None) -> None:
        """Take how to wait, and who is told."""
        self._sleep = sleep
        self._waiting = waiting

    def call(self, act: Callable[[], T]) -> T:
        """Return what it gives; raises its Retry where patience ends, its Refused at once."""
        for number in range(1, _TRIES):
            try:
                return act()
            except Retry as error:
                wait = error.after * number  # a rate that lets one call through may be too low for the next of the same act
                if wait > _LONGEST:
                    raise
                if wait >= _LONG:
                    self._waiting(wait, str(error))
                self._sleep(wait)
        return act()


def entries(remote: Readable, patience: Patience) -> Iterator[Listed]:
    """Yield the entries of all its lists. Raises Retry or Refused where a page can't be had, Refused for a list without an end."""
    for name in remote.lists:
        yield from _of_list(remote, name, patience)


def _of_list(remote: Readable, name: str, patience: Patience) -> Iterator[Listed]:
    after: str | None = None
    seen: set[int] = set()
    for _ in range(_MOST_PAGES):
        asked = after
        page = patience.call(lambda: remote.page(name, asked))  # noqa: B023  called at once
        yield from page.entries
        if page.after is None:
            return
        marks = {hash((page.after,)), *([hash(tuple(one.address for one in page.entries))] if page.entries else [])}
        if marks & seen:
            msg = f"{name}: a page comes again, so the list has no end"
            raise Refused(msg)
        seen |= marks
        after = page.after
    msg = f"{name}: has more than {_MOST_PAGES:,} pages"
    raise Refused(msg)


def rows(answer: object, *path: str) -> list[Record]:
    """Return the objects of a page, where they stand in the answer. Raises Retry where that isn't a list of objects: it is no page then."""
    here = answer
    for name in path:
        here = here.get(name) if isinstance(here, dict) else None
    if not isinstance(here, list) or not all(isinstance(one, dict) for one in here):
        raise Retry(LATER, "a page of the list can't be read")
    return [Record(one) for one in here]


def named(row: Record, *path: str) -> str:
    """Return whom an entry names. Raises Refused where it names nobody: what else stands there isn't known then."""
    if (found := row.text(*path)) is None:
        msg = f"an entry has no {'.'.join(path)}: the list has another form than it had"
        raise Refused(msg)
    return found


def moment(row: Record, *path: str) -> datetime | None:
    """Return a time; one without a zone is in UTC, as ESPs write it."""
    if (found := row.moment(*path)) is not None:
        return found
    text = row.text(*path)
    return as_moment(f"{text}+00:00") if text else None
