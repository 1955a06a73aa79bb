"""What a survey of the store brings: counts, the keys of examples, and nothing of single people."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003  msgspec reads the annotations at run time

import msgspec

__all__ = ["Entered", "Fault", "Origin", "Sender", "Span", "Tally", "Waiting"]


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Events that are alike: of one day (in UTC), kind, reason, scope, grade and decision.

    `again` are those that more than one report told of, `further` those reports beyond the first.
    """

    day: date
    kind: str
    reason: str
    scope: str
    grade: str
    action: str | None
    count: int
    again: int
    further: int


class Origin(msgspec.Struct, frozen=True):
    """Failures of one domain as one host told of them."""

    domain: str | None
    host: str | None
    count: int


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Refusals that the sender can end, alike in all that is given here; `key` is the event key of one of them."""

    reason: str
    domain: str | None
    host: str | None
    ip: str | None
    blocklist: str | None
    ours: str | None
    dmarc: bool
    spf: bool
    dkim: bool
    count: int
    believed: int
    first: datetime
    last: datetime
    key: str


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of the suppression list of one reason, by one rule (none where no event led to them); `key` as above."""

    reason: str
    by: str
    rule: str | None
    pack: str | None
    count: int
    lifted: int
    domains: int
    key: str | None


class Sender(msgspec.Struct, frozen=True):
    """Reports about mail that is not known to be ours, by the sender that it claimed."""

    claimed: str | None
    count: int


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions that are held, by one incident, or for one reason where there is none."""

    incident: str | None
    because: str | None
    count: int
    since: datetime
    until: datetime | None


class Span(msgspec.Struct, frozen=True):
    """How much was sent, and since when the sent log tells; None where it is empty."""

    since: datetime | None
    count: int
