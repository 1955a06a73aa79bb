"""Postmark: bounces, complaints, deliveries and unsubscribes. Nothing is signed: the secret is `user:password` of the URL, or a token in a header.

    {"RecordType": "Bounce", "Type": "HardBounce", "ID": 42, "Email": "ruth@example.net", "Details": "smtp;550 5.1.1 ...",
     "BouncedAt": "2026-03-09T12:00:00Z", "MessageID": "...", "MessageStream": "outbound", "Tag": "spring"}

`Description` is Postmark's wording for the type, not the remote's, and is not read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from bounceclass.esp import Inbound, Posts, by_password
from bounceclass.model import Kind, Report
from bounceclass.payload import Outcome, Record, nothing, report, unknown

__all__ = ["LIMITS", "PACK", "Settings", "plugin", "webhook"]

PACK: Final = Path(__file__).with_name("postmark.toml")
LIMITS: Final = ("Postmark signs nothing: a password or a token over TLS is all the proof; no time is signed, so an old post is known by its bytes only",)
_NAME: Final = "postmark"
_TYPES: Final = {
    "Transient": Kind.DELAY,
    "Unsubscribe": Kind.UNSUBSCRIBE,
    "SpamComplaint": Kind.COMPLAINT,
    "AutoResponder": Kind.AUTO_REPLY,
    "AddressChange": Kind.AUTO_REPLY,
    "ChallengeVerification": Kind.AUTO_REPLY,
}
"""What is called a bounce there and is none."""
_NO_EVENTS: Final = frozenset({"Subscribe", "OpenRelayTest"})
_SILENT: Final = frozenset({"Open", "Click", "SMTPApiError", "Inbound"})


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of `[plugins.postmark]`."""

    token_header: str | None = None
    """Besides basic auth: the header in which a token is sent."""


def read(record: Record) -> Report:
    """Return what one post says."""
    word = record.text("RecordType") or ""
    if word in {"Bounce", "SpamComplaint"}:
        return _bounce(record, record.text("Type") or word)
    if word == "Delivery":
        return _told(record, Kind.DELIVERY, Outcome(record.text("Recipient"), record.text("Details")), "DeliveredAt")
    if word == "SubscriptionChange":
        return _change(record)
    return nothing(_NAME) if word in _SILENT else unknown(_NAME, word)


def _bounce(record: Record, type_: str) -> Report:
    if type_ in _NO_EVENTS:
        return nothing(_NAME)
    kind = _TYPES.get(type_, Kind.BOUNCE)
    return _told(record, kind, Outcome(record.text("Email"), record.text("Details")), "BouncedAt", None if kind is Kind.COMPLAINT else type_)


def _change(record: Record) -> Report:
    """Read a change of Postmark's list: by the recipient it is an unsubscribe; others follow from a bounce, or were made by hand."""
    if record.flag("SuppressSending") and record.text("Origin") == "Recipient" and record.text("SuppressionReason") == "ManualSuppression":
        return _told(record, Kind.UNSUBSCRIBE, Outcome(record.text("Recipient")), "ChangedAt")
    return nothing(_NAME)


def _told(record: Record, kind: Kind, outcome: Outcome, at: str, label: str | None = None) -> Report:
    return report(
        _NAME,
        kind,
        outcome,
        label=label,
        id_=record.text("ID"),
        at=record.moment(at),
        message_id=record.text("MessageID"),
        sender=record.text("From"),
        subject=record.text("Subject"),
        list_id=record.text("MessageStream"),
        tags=record.texts("Tag"),
    )


def webhook(header: str | None = None) -> Posts:
    """Return what verifies by a password, or by a token in a header, and reads the posts."""
    return Posts(_NAME, by_password(header), read, limits=LIMITS)


def plugin(settings: Settings) -> Inbound:
    """Make an instance."""
    return Inbound(webhook(settings.token_header), (PACK,))
