"""What is known of an address and its domain when the policy decides about one event of it.

A store reads it, the policy is given it; so the policy needs no store, and is tested as tables.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time

import msgspec

from bounceclass.model import Reason, Suppression  # noqa: TC001  as above

__all__ = ["NOTHING", "Delivery", "DomainHistory", "FailedMailing", "History"]


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


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one addressed recipient."""

    failures: tuple[FailedMailing, ...] = ()
    """What counted since the address last healed, oldest first, one for each mailing, the newest 100."""
    delivered_at: datetime | None = None
    """The last delivery; `relayed` is none."""
    delivered_mailing: str | None = None
    """Which mailing that was: it is provisional until no failure of the same one has come."""
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
