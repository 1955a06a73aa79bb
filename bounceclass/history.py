"""What happened, and what is known of an address and its domain when the policy decides about it.

A store keeps the one and reads the other, the policy is given it; so the policy needs no store, and is tested as tables.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from enum import IntEnum

import msgspec

from bounceclass.model import Event, Reason, Report, Suppression, Trust  # noqa: TC001  as above

__all__ = ["NOTHING", "Delivery", "DomainHistory", "FailedMailing", "History", "Occurrence", "Sighting"]


class Sighting(IntEnum):
    """What an occurrence is to the store: true where there is something to decide.

    `RAISED`: it is known already, and this report is believed more, or equally and says something graver: decide anew; it does not count again.
    """

    AGAIN = 0
    NEW = 1
    RAISED = 2


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a report under its key: who was mailed, in which mailing, and how surely it is ours.

    `mailing` is the identity of the original message, as the event key has it; `at` when the report arrived.
    """

    key: str
    report: Report
    event: Event
    addressed: str | None
    stream: str | None = None
    mailing: str
    grade: Trust
    at: datetime


class FailedMailing(msgspec.Struct, frozen=True, kw_only=True):
    """One message of ours that did not arrive, however many reports told of it.

    `mailing` is the identity of the original message, as the event key has it; `points` is 1, or less where it is believed less.
    """

    at: datetime
    mailing: str
    reason: Reason
    points: float = 1.0
    stream: str | None = None


class Delivery(msgspec.Struct, frozen=True):
    """One mailing that a host took."""

    at: datetime
    mailing: str
    stream: str | None = None


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one addressed recipient."""

    failures: tuple[FailedMailing, ...] = ()
    """What counted since the address last healed, oldest first, one for each mailing, the newest 100."""
    delivered_at: datetime | None = None
    """The last delivery; `relayed` is none."""
    delivered_mailing: str | None = None
    """Which mailing that was: it is provisional until no failure of the same one has come."""
    delivered_stream: str | None = None
    deliveries: tuple[Delivery, ...] = ()
    """Those since the first of `failures`, the newest 100: without them only `delivered_at` can heal, and of somebody mailed daily it is never old enough."""
    known_since: datetime | None = None
    """When the address was first mailed or heard of."""
    active: tuple[Suppression, ...] = ()
    """What suppresses it now, one for each cause; entries of its domain are not among them."""
    lapsed: int = 0
    """How many entries that the policy made have run out: a repeat offender."""


class DomainHistory(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the recipient's domain."""

    failures: tuple[FailedMailing, ...] = ()
    """What counted against the domain since its last success, oldest first, the newest 100."""
    addresses: int = 0
    """How many of its addresses are among those failures."""
    known_addresses: int = 0
    """How many of its addresses we know."""
    delivered_at: datetime | None = None
    active: tuple[Suppression, ...] = ()
    lapsed: int = 0


NOTHING = History()
"""An address that was never heard of."""
