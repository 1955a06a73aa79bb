"""What plugins may implement, and the types that hooks take and give.

    Source    where mail comes from                yields Items and finishes them
              Watchable, Peekable                  what one may be able to do besides
    Store     where events and suppressions live   one transaction for all of them
    Webhook   an ESP's events                      verify, then parse: pure
              Forthright, Replayable               what one may say besides
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
from bounceclass.model import Report, Trust  # noqa: TC001  as above

if TYPE_CHECKING:
    from bounceclass.history import DomainHistory, FailedMailing, History, Occurrence, Sighting
    from bounceclass.model import Decision, Scope, Suppression

__all__ = [
    "Failure",
    "Forthright",
    "Item",
    "Parser",
    "Peekable",
    "Refused",
    "Replayable",
    "Retry",
    "Shape",
    "Source",
    "Store",
    "Transaction",
    "Voucher",
    "Watchable",
    "Webhook",
]

Shape = tuple[str | None, str | None]
"""Charset and transfer encoding of one part, lower case; where not stated None, or what the parser takes for it."""


class Voucher(msgspec.Struct, frozen=True, kw_only=True):
    """What a carrier answers for: that its reports are about mail of ours, and why it knows.

    A log of our own MTA is one, and a webhook whose signature verifies. A tag of ours is still asked
    first, for it names whom we mailed. `stream` is the list or the ESP's account that it speaks for.
    """

    grade: Trust
    because: str
    stream: str | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What a Source yields: one input, with what only its carrier knows.

    `source` names it for people, `key` for attempts: the same where it is met again after a crash.
    `cut` tells that `raw` is only the head of a larger mail. `recipient` and `sender` are of the
    envelope, null where the carrier has none: a VERP address stands there, not in the Report. `finish`
    takes the input away; it is called once, after everything about it is stored: with None, or with
    why it belongs in quarantine. It raises OSError where it can't; then the input is met again.

    `reports` is what the carrier has read itself, yet without verdicts (a log line, an ESP's payload): then
    `raw` is not read as mail, only kept. `reader` is what gives them where that may fail: it is called when an attempt
    at the input is counted, and what it raises is why it goes into quarantine. `voucher` tells how far they are to be believed.
    """

    raw: bytes
    source: str
    key: str = ""
    cut: bool = False
    recipient: str | None = None
    sender: str | None = None
    received_at: datetime | None = None
    finish: Callable[[str | None], None] | None = None
    reports: tuple[Report, ...] | None = None
    reader: Callable[[], tuple[Report, ...]] | None = None
    voucher: Voucher | None = None


@runtime_checkable
class Source(Protocol):
    """A place where mail arrives, opened by its URL. One process has it at a time."""

    url: str

    def items(self) -> Iterator[Item]:
        """Yield what is there now, the oldest first, each once a call.

        Raises InputError where the place can't be read now, or another process has it.
        """

    def settle(self) -> None:
        """Make durable what was finished; called now and then."""

    def close(self) -> None:
        """Let go of the place; items that are not finished stay."""


@runtime_checkable
class Watchable(Protocol):
    """A Source that is told when mail arrives. Asked only where it is the only one; then nobody sleeps meanwhile."""

    def watch(self, timeout: float) -> bool:
        """Wait until there is something to look at, at most `timeout` seconds; tell whether there is. Raises nothing."""


@runtime_checkable
class Peekable(Protocol):
    """A Source that can be read without a trace, for a dry run."""

    def peek(self) -> Iterator[Item]:
        """Yield what is there now, as `items` does; nothing is locked, made, moved or marked. Items have no `finish`."""


@runtime_checkable
class Transaction(Protocol):
    """What a Store does as one: all of it, or nothing."""

    def seen(self, occurrence: Occurrence) -> Sighting:
        """Record an event under its key; tell whether there is something to decide."""

    def history(self, address: str, stream: str | None, now: datetime) -> History:
        """Return what is known of an address."""

    def domain_history(self, domain: str, now: datetime) -> DomainHistory:
        """Return what is known of a domain."""

    def record_failure(self, address: str, failure: FailedMailing, scope: Scope) -> None:
        """Count a mailing that did not arrive, once for each address."""

    def record_delivery(self, address: str, mailing: str, at: datetime, stream: str | None = None) -> bool:
        """Keep a delivery; it heals nothing by itself. Tell whether there is an entry of the address that it may lift."""

    def heal(self, address: str, at: datetime) -> int:
        """Let the failures of an address count no longer; return how many."""

    def suppress(self, suppression: Suppression, *, account: str | None = None, provider: str | None = None) -> bool:
        """Record an entry, one row for each cause; tell whether it is new."""

    def release(self, suppression: Suppression, *, at: datetime, by: str) -> int:
        """Lift the entries of the same whom, stream, reason and by; return how many."""

    def remaining(self, ended: Suppression, now: datetime) -> Suppression | None:
        """Return what else suppresses whom an ended entry did, on the same stream: the one that lasts longest; None where nothing does."""

    def enqueue(self, plugin: str, hook: str, payload: bytes, key: str, *, address: str | None = None) -> None:
        """Put a call of an acting or told hook into the outbox of a plugin's instance, once for plugin, hook and key."""

    def record_decision(self, key: str, decision: Decision) -> None:
        """Keep what was decided about an event, and why."""


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
        """Tell whether the raw body is the ESP's, fresh, and signed by one of the secrets. Header names are in lower case.

        Raises Retry where that can't be told now: the ESP is asked to come again.
        """

    def parse(self, body: bytes) -> list[Report]:
        """Return what a body says; junk gives a Report of kind `other`, never an exception."""


@runtime_checkable
class Forthright(Protocol):
    """A Webhook that says what its ESP can't do, or doesn't sign: sentences for the operator, told at start."""

    limits: tuple[str, ...]


@runtime_checkable
class Replayable(Protocol):
    """A Webhook whose ESP names each post: the receiver takes one of the same name for a repetition, whatever its bytes."""

    def replay_id(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the name of a post that was verified, None where it has none. Raises nothing."""


@runtime_checkable
class Parser(Hashable, Protocol):
    """What reads MIME header fields: `name` goes into the Report."""

    name: str

    def shape(self, skeleton: bytes) -> Shape:
        """Return charset and transfer encoding that a skeleton states, a mail without anything else; may raise anything."""

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
