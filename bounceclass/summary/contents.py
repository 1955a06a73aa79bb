"""The summary as data: its JSON, whose keys are a contract, and what text and HTML are made of."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import Final

import msgspec

__all__ = [
    "FIXES",
    "Backscatter",
    "Bar",
    "Day",
    "Duplicates",
    "Fix",
    "Held",
    "Link",
    "Open",
    "Quarantined",
    "Rates",
    "Rule",
    "Summary",
    "Suppressed",
    "Unknown",
    "Unknowns",
]

FIXES: Final = ("listed", "blocked", "reputation", "reverse-dns", "authentication", "sender", "rate", "message", "other")
"""The words of `Fix.what`."""


class Link(msgspec.Struct, frozen=True):
    """Where to ask: a page of `name`'s own."""

    name: str
    url: str


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """Something that only the sender can end. `what` is one of FIXES; what is not known of it is null.

    `list` is the block list that is named, `providers` whose servers said so, the most first; `checks` which of dmarc, spf
    and dkim are named. `believed` counts the reports that are surely about mail of ours. `url` is what the example
    itself points to, as written by whoever sent it; `link` is ours.
    """

    what: str
    reason: str
    ip: str | None = None
    domain: str | None = None
    list: str | None = None
    checks: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    count: int
    believed: int
    first: datetime
    last: datetime
    example: str | None = None
    url: str | None = None
    link: Link | None = None


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that is open, or was in the span; `held` are the decisions that it holds now."""

    name: str
    because: str
    since: datetime
    until: datetime | None
    held: int


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions that wait for somebody to look, without an incident; at `until` the first is dropped."""

    because: str
    count: int
    since: datetime
    until: datetime | None


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """On whose word entries were made, and a text that it decided on."""

    rule: str
    pack: str
    count: int
    text: str | None


class Suppressed(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of one reason that began in the span.

    `domains` are those of whole domains, `by_hand` those that no event led to, `lifted` those that were lifted since.
    """

    reason: str
    count: int
    domains: int
    by_hand: int
    lifted: int
    rules: tuple[Rule, ...]


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """Texts of one template that no rule knows."""

    count: int
    template: str
    codes: tuple[str, ...]
    example: str | None


class Unknowns(msgspec.Struct, frozen=True, kw_only=True):
    """What ended `undetermined`: `count` in all, of which the newest `read` were grouped, `by` drain3 or by wording; null where no text is kept."""

    count: int
    read: int
    by: str | None
    groups: tuple[Unknown, ...]


class Bar(msgspec.Struct, frozen=True):
    """A name and how many; the last of a list may be `other`, the rest."""

    name: str
    count: int


class Backscatter(msgspec.Struct, frozen=True, kw_only=True):
    """Reports that nothing, or little, ties to mail of ours, and that led to nothing; `domains` are those that the mail was said to be from."""

    none: int
    plausible: int
    domains: tuple[Bar, ...]


class Duplicates(msgspec.Struct, frozen=True):
    """Events that were told of more than once, and how many reports that were beyond the first."""

    events: int
    reports: int


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs of one source that could not be processed; `why` is what is said of the newest. `count` is null where it can't be read."""

    source: str
    count: int | None
    oldest: datetime | None
    why: str | None


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of what was sent since `since`: `basis` is `sent` (the sent log), `deliveries` (deliveries and bounces that were reported), or null: not known."""

    basis: str | None = None
    since: datetime | None = None
    of: int | None = None
    bounces: int | None = None
    complaints: int | None = None
    bounce_rate: float | None = None
    complaint_rate: float | None = None


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day in UTC; the first and the last may be cut by the span."""

    day: date
    bounces: int
    delays: int
    complaints: int
    other: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The whole, in the order of the page."""

    version: int = 1
    since: datetime
    until: datetime
    kinds: dict[str, int]
    fix: tuple[Fix, ...]
    fix_omitted: int
    incidents: tuple[Open, ...]
    held: tuple[Held, ...]
    suppressions: tuple[Suppressed, ...]
    unknowns: Unknowns
    backscatter: Backscatter
    duplicates: Duplicates
    quarantine: tuple[Quarantined, ...] | None
    rates: Rates
    days: tuple[Day, ...]
    reasons: tuple[Bar, ...]
    providers: tuple[Bar, ...]
    scopes: tuple[Bar, ...]

    @property
    def waiting(self) -> int:
        """How many decisions wait."""
        return sum(one.held for one in self.incidents) + sum(one.count for one in self.held)

    @property
    def suppressed(self) -> int:
        """How many entries of the list began."""
        return sum(one.count for one in self.suppressions)
