"""What plugins may implement, and the types that hooks take and give.

    Source    where mail comes from                yields Items and finishes them
    Store     where events and suppressions live   one transaction for all of them
    Webhook   an ESP's events                      verify, then parse: pure
    Parser    a MIME parser                        chosen by name in the settings

A plugin need not inherit from these: what has the methods is one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager  # noqa: TC003  msgspec reads the annotations at run time
from datetime import datetime  # noqa: TC003  as above
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from bounceclass.errors import Refused, Retry

if TYPE_CHECKING:
    from bounceclass.model import Report, Suppression

__all__ = ["Failure", "Item", "Parser", "Refused", "Retry", "Shape", "Source", "Store", "Transaction", "Webhook"]

Shape = tuple[str | None, str | None]
"""Charset and transfer encoding of one part, lower case; where not stated None, or what the parser takes for it."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What a Source yields: one input, whole, with what only its carrier knows.

    `recipient` and `sender` are of the envelope, null where the carrier has none: a VERP address
    stands there, not in the Report. `finish` takes the input away; it is called once, after
    everything about it is stored: with True where it was read, with False where it belongs in quarantine.
    """

    raw: bytes
    source: str
    recipient: str | None = None
    sender: str | None = None
    received_at: datetime | None = None
    finish: Callable[[bool], None] | None = None


@runtime_checkable
class Source(Protocol):
    """A place where mail arrives, opened by its URL."""

    def items(self) -> Iterator[Item]:
        """Yield what is there now, each once until it is finished; raises InputError where the place can't be read."""

    def close(self) -> None:
        """Let go of the place; items that are not finished stay."""


@runtime_checkable
class Transaction(Protocol):
    """What a Store does as one: all of it, or nothing."""

    def seen(self, key: str, report: Report) -> bool:
        """Record an event key; tell whether it is new."""

    def score(self, address: str, points: float) -> float:
        """Add to the score of an address and return it."""

    def suppress(self, suppression: Suppression) -> None:
        """Record an entry; one row for each cause."""

    def enqueue(self, plugin: str, hook: str, payload: bytes) -> None:
        """Put a call of an acting or told hook into the outbox of a plugin's instance."""


@runtime_checkable
class Store(Protocol):
    """Where history lives. What can't offer `transaction` is no store but a plugin that acts."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Begin; commit where the block ends, roll back where it raises."""

    def close(self) -> None:
        """Let go of it."""


@runtime_checkable
class Webhook(Protocol):
    """What an ESP posts. Pure: no network, no clock; `now` is given."""

    name: str

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
        """Tell whether the raw body is the ESP's, fresh, and signed by one of the secrets. Header names are in lower case."""

    def parse(self, body: bytes) -> list[Report]:
        """Return what a body says; junk gives a Report of kind `other`, never an exception."""


@runtime_checkable
class Parser(Hashable, Protocol):
    """What reads MIME header fields: `name` goes into the Report."""

    name: str

    def shapes(self, skeleton: bytes) -> list[Shape]:
        """Return charset and transfer encoding of each part of a skeleton; may raise anything."""

    def decode_header(self, value: str) -> str:
        """Decode the encoded words (RFC 2047) of an unfolded value; never raises."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a hook that did not do its work: whose, which, why.

    `after` is the wish of Retry, in seconds; `final` that nothing is to be tried again (Refused).
    """

    plugin: str
    hook: str
    fault: str
    after: float | None = None
    final: bool = False
