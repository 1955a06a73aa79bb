"""What the policy is given: one event of a report, and what is known around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.addresses import comparable
from bounceclass.history import NOTHING, DomainHistory, History
from bounceclass.model import Advice, Kind, Trust

if TYPE_CHECKING:
    from datetime import datetime

    from bounceclass.domains import DomainFacts
    from bounceclass.model import Event
    from bounceclass.trust import Standing

__all__ = ["ACTING", "Case"]

ACTING: Final = frozenset({Trust.SIGNED, Trust.OWN_MTA, Trust.KNOWN})
"""Grades of which one report is enough."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a report, and what is known around it.

    `key` is the event key; `mailing` the identity of the original as `history` has it; `received_at` when
    the report arrived; `domain` what DNS says, where it was asked. `history` and `domain_history` may hold
    this event already or not.
    """

    event: Event
    standing: Standing
    key: str
    mailing: str
    received_at: datetime
    history: History = NOTHING
    domain_history: DomainHistory = DomainHistory()
    domain: DomainFacts | None = None

    @property
    def recipient(self) -> str | None:
        """Whom we mailed, where that is an address."""
        named = self.standing.recipient or ""
        return named if all(named.rpartition("@")) else None

    @property
    def domain_name(self) -> str:
        """The recipient's domain as it is compared."""
        return comparable(self.recipient or "").rpartition("@")[2]

    @property
    def blames(self) -> bool:
        """Whether it is a failure that the judge lays at the recipient's door."""
        return self.event.kind is Kind.BOUNCE and self.event.verdict.advice in {Advice.SUPPRESS, Advice.COUNT}

    @property
    def may_act(self) -> bool:
        """Whether the report is believed enough for one to be enough."""
        return self.standing.grade in ACTING
