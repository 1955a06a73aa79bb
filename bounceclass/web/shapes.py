"""What the API takes and gives, where the model has no word for it. What is taken knows no other keys; times have a zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from bounceclass.model import Advice, Details, Evidence, Permanence, Reason, Scope, Suppression
from bounceclass.store.records import Cause  # noqa: TC001  msgspec reads the annotations at run time
from bounceclass.wrapping import is_address

__all__ = [
    "MOST",
    "Added",
    "Answered",
    "Checked",
    "Lifted",
    "Listed",
    "NewSent",
    "NewSuppression",
    "NewSuppressions",
    "Recorded",
    "Replies",
    "Reply",
    "SentLog",
    "in_utc",
    "reason_of",
]

MOST: Final = 1000
"""Of anything, in one request."""
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Text = Annotated[str, msgspec.Meta(max_length=1000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Reply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An SMTP reply as `smtplib` or a log gives it; `host` is who said so, `command` the phase where it was said."""

    text: Annotated[str, msgspec.Meta(max_length=65536)]
    host: Text | None = None
    recipient: Text | None = None
    command: Text | None = None


class Replies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Replies to be judged."""

    replies: Annotated[list[Reply], msgspec.Meta(max_length=MOST)]


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One reply and its verdict, flat: what `bounceclass reply` prints."""

    text: str
    reply_code: int | None
    enhanced_status: str | None
    permanence: Permanence
    reason: Reason
    scope: Scope
    advice: Advice
    confidence: float
    details: Details
    evidence: tuple[Evidence, ...]


class NewSuppression(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is not to be mailed: exactly one of `address` and `domain`; `scope` is a list or stream, null all; `until` null for ever."""

    address: Name | None = None
    domain: Name | None = None
    scope: Name | None = None
    reason: str = Reason.SUPPRESSED.value
    until: Moment | None = None

    def __post_init__(self) -> None:
        """Refuse to be about nobody, about two, or about what is no address."""
        if (self.address is None) == (self.domain is None):
            msg = "exactly one of address and domain is needed"
            raise ValueError(msg)
        if not is_address(self.address or f"x@{self.domain}"):
            msg = "it is no address" if self.address else "it is no domain"
            raise ValueError(msg)
        reason_of(self.reason)
        if self.until is not None:
            in_utc(self.until)

    def entry(self, by: str, now: datetime) -> Suppression:
        """Return the entry of the list."""
        until = None if self.until is None else in_utc(self.until)
        return Suppression(address=self.address, domain=self.domain, scope=self.scope, reason=reason_of(self.reason), since=now, until=until, by=by)


class NewSuppressions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Entries to be made; `why` is for the history."""

    suppressions: Annotated[list[NewSuppression], msgspec.Meta(max_length=MOST)]
    why: Text = "entered by the API"


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """How many entries were new, and how many known already."""

    added: int
    known: int


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """Entries in their order, and the cursor that gives those after them, null at the end."""

    suppressions: list[Cause]
    next: str | None


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Whether somebody is suppressed now, and one entry that says so, null where there is none."""

    suppressed: bool
    suppression: Suppression | None


class Lifted(msgspec.Struct, frozen=True, kw_only=True):
    """What was lifted."""

    lifted: list[Suppression]


class NewSent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mail that you sent: `mailing` is its ENVID or Message-ID, without angle brackets; `at` by default now."""

    mailing: Name
    recipient: Name
    at: Moment | None = None
    stream: Name | None = None

    def __post_init__(self) -> None:
        """Refuse what is no address."""
        if not is_address(self.recipient):
            msg = "recipient: it is no address"
            raise ValueError(msg)
        if self.at is not None:
            in_utc(self.at)


class SentLog(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mails that you sent."""

    sent: Annotated[list[NewSent], msgspec.Meta(max_length=MOST)]


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """How many of them were new."""

    new: int


def reason_of(word: str) -> Reason:
    """Return the reason of a word. Raises ValueError for one that is none."""
    if word not in {reason.value for reason in Reason}:
        msg = f"reason: {word!r} is none"
        raise ValueError(msg)
    return Reason(word)


def in_utc(at: datetime) -> datetime:
    """Return a time in UTC. Raises ValueError where the calendar ends before that."""
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        msg = "the time is outside the calendar"
        raise ValueError(msg) from error
