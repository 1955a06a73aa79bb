"""Postmark: bounces, complaints, deliveries and unsubscribes. Nothing is signed: the secret is `user:password` of the URL, or a token in a header.

    {"RecordType": "Bounce", "Type": "HardBounce", "ID": 42, "Email": "ruth@example.net", "Details": "smtp;550 5.1.1 ...",
     "BouncedAt": "2026-03-09T12:00:00Z", "MessageID": "...", "MessageStream": "outbound", "Tag": "spring"}

`Description` is Postmark's wording for the type, not the remote's, and is not read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bounceclass.esp import Inbound, ListSettings, Posts, TwoWay, by_password, secret_text
from bounceclass.http import Api
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


class Settings(ListSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of `[plugins.postmark]`."""

    token_header: str | None = None
    """Besides basic auth: the header in which a token is sent."""
    api_url: str = "https://api.postmarkapp.com"
    stream: str = "outbound"
    """The message stream whose list is kept."""


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


def plugin(settings: Settings) -> Inbound | TwoWay:
    """Make an instance; with a key for the API, one that keeps the list there."""
    inbound = Inbound(webhook(settings.token_header), (PACK,))
    if settings.api_key is None:
        return inbound
    from bounceclass_postmark.remote import LIMITS as ACTING  # noqa: PLC0415  for those who act only
    from bounceclass_postmark.remote import Listing  # noqa: PLC0415  as above

    key = secret_text(settings.api_key, "plugins.postmark.api_key")
    api = Api("postmark", settings.api_url, {"X-Postmark-Server-Token": key})
    return TwoWay(inbound, Listing(api, settings.stream), scope=settings.scope, limits=ACTING)
