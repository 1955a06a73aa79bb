"""Twilio SendGrid: the signed event webhook. Its secret is the verification key, in base64, which is a public one.

    [{"event": "bounce", "type": "bounce", "email": "ruth@example.net", "timestamp": 1773057600, "status": "5.1.1",
      "reason": "550 5.1.1 ...", "bounce_classification": "Invalid Address", "smtp-id": "<...>", "sg_event_id": "..."}]

What was dropped was stopped by SendGrid itself: its words and its status are no remote's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bounceclass.errors import MissingExtraError
from bounceclass.esp import Inbound, ListSettings, Posts, TwoWay, secret_text
from bounceclass.http import Api
from bounceclass.model import Kind, Report
from bounceclass.payload import Outcome, Record, nothing, report, unknown

try:
    from bounceclass_sendgrid.signature import verify
except ImportError as error:
    raise MissingExtraError("cryptography", "sendgrid") from error  # noqa: EM101  a name, not a message

__all__ = ["LIMITS", "PACK", "Settings", "plugin", "webhook"]

PACK: Final = Path(__file__).with_name("sendgrid.toml")
LIMITS: Final = ("posts are repeated for 24 hours, so a signature holds for 25",)
_NAME: Final = "sendgrid"
_KINDS: Final = {
    "bounce": Kind.BOUNCE,
    "dropped": Kind.BOUNCE,
    "deferred": Kind.DELAY,
    "delivered": Kind.DELIVERY,
    "spamreport": Kind.COMPLAINT,
    "unsubscribe": Kind.UNSUBSCRIBE,
    "group_unsubscribe": Kind.UNSUBSCRIBE,
}
_SILENT: Final = frozenset({"processed", "open", "click", "group_resubscribe", "account_status_change"})


class Settings(ListSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of `[plugins.sendgrid]`."""

    api_url: str = "https://api.sendgrid.com"
    group: int | None = None
    """The unsubscribe group (ASM) whose list is kept; null: the global one."""


def read(record: Record) -> Report:
    """Return what one event says."""
    word = record.text("event") or ""
    kind = _KINDS.get(word)
    if kind is None:
        return nothing(_NAME) if word in _SILENT else unknown(_NAME, word)
    dropped = word == "dropped"  # SendGrid's own words and status: nobody else was asked
    said = None if dropped else record.text("reason") or record.text("response")
    return report(
        _NAME,
        kind,
        Outcome(record.text("email"), said, None if dropped else record.text("status")),
        label=_label(word, record),
        id_=record.text("sg_event_id"),
        at=record.moment("timestamp"),
        message_id=record.text("smtp-id") or record.text("sg_message_id"),
        list_id=record.text("asm_group_id"),
        tags=record.texts("category"),
    )


def _label(word: str, record: Record) -> str | None:
    """Return SendGrid's verdict: `bounce/Invalid Address`, `blocked/Reputation`, `dropped/Bounced Address`."""
    if word == "dropped":
        return f"dropped/{record.text('reason')}"
    if word != "bounce":
        return None
    return "/".join(one for one in (record.text("type") or word, record.text("bounce_classification")) if one)


def webhook() -> Posts:
    """Return what verifies and reads SendGrid's posts."""
    return Posts(_NAME, verify, read, limits=LIMITS)


def plugin(settings: Settings) -> Inbound | TwoWay:
    """Make an instance; with a key for the API, one that keeps the list there."""
    inbound = Inbound(webhook(), (PACK,))
    if settings.api_key is None:
        return inbound
    from bounceclass_sendgrid.remote import LIMITS as ACTING  # noqa: PLC0415  for those who act only
    from bounceclass_sendgrid.remote import Listing  # noqa: PLC0415  as above

    key = secret_text(settings.api_key, "plugins.sendgrid.api_key")
    api = Api("sendgrid", settings.api_url, {"Authorization": f"Bearer {key}"})
    return TwoWay(inbound, Listing(api, settings.group), scope=settings.scope, limits=ACTING)
