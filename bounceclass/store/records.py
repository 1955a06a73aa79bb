"""What goes into the store and comes out of it, where `model` and `history` have no word for it."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time

import msgspec

from bounceclass.model import Kind, Reason, Report, Suppression, Trust  # noqa: TC001  as above

__all__ = ["Call", "Cause", "Entry", "Held", "Incident", "Past", "Recorded", "Selection", "Sent"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the history: who did what to whom, when and why. `event` is the key that it rests on."""

    at: datetime
    by: str
    what: str
    why: str
    address: str | None = None
    domain: str | None = None
    event: str | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a plugin's hook that waits in the outbox."""

    id: int
    plugin: str
    hook: str
    key: str
    payload: bytes
    attempts: int
    state: str
    not_before: datetime | None = None
    fault: str | None = None


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One mail that we sent: `mailing` is its ENVID or Message-ID, without angle brackets."""

    mailing: str
    recipient: str
    at: datetime
    stream: str | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the store has it. `report` is the one that decided, with this event alone; `evidence` the later ones.

    `recipient` is as written, `addressed` whom we mailed, as it is compared here.
    """

    key: str
    kind: Kind
    recipient: str | None
    addressed: str | None
    stream: str | None
    mailing: str
    reason: Reason
    grade: Trust
    at: datetime
    report: Report
    reports: int
    replaced_by: str | None
    action: str | None
    because: str | None
    evidence: tuple[Report, ...]


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the suppression list as the store has it, active or not."""

    id: int
    suppression: Suppression
    account: str | None
    provider: str | None
    lifted_at: datetime | None
    lifted_by: str | None
    active: bool


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of an address, and why it is suppressed or not. Entries of its domain are among the causes."""

    causes: tuple[Cause, ...]
    events: tuple[Recorded, ...]
    history: tuple[Entry, ...]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that waits: `suppression` is what it would enter, null where nobody is known."""

    id: int
    incident: str | None
    event: str
    suppression: Suppression | None
    because: str
    at: datetime
    until: datetime | None


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Something out of the ordinary that holds decisions: open until `closed_at`."""

    name: str
    opened_at: datetime
    closed_at: datetime | None
    because: str


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries of the suppression list: what is given must fit, null fits all.

    `active_at` leaves out what is lifted, has run out or has not begun then; `stream` takes entries for all streams, too.
    """

    address: str | None = None
    domain: str | None = None
    stream: str | None = None
    reason: Reason | None = None
    by: str | None = None
    provider: str | None = None
    account: str | None = None
    since: datetime | None = None
    active_at: datetime | None = None
