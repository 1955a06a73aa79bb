"""MailerSend: webhooks signed over their body. Its secret is the webhook's signing secret.

    {"type": "activity.hard_bounced", "created_at": "2026-03-09T12:00:00.000000Z", "domain_id": "...",
     "data": {"id": "...", "type": "hard_bounced", "recipient": "ruth@example.net", "message_id": "...", "tags": ["spring"],
              "meta": {"bounce_reason": "...", "bounce_code": 550}}}

The older form has `data.email` with message and recipient, and `data.morph` with the reason.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bounceclass.esp import Inbound, ListSettings, Posts, TwoWay, secret_text
from bounceclass.http import Api
from bounceclass.model import Kind, Report
from bounceclass.payload import Outcome, Record, nothing, report, unknown
from bounceclass.signing import keyed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["LIMITS", "PACK", "Settings", "plugin", "webhook"]

PACK: Final = Path(__file__).with_name("mailersend.toml")
LIMITS: Final = (
    "MailerSend signs no time: a post that is repeated later is known by its bytes only",
    "MailerSend passes on little of what the remote said: its word counts, and suppresses nobody at once",
)
_NAME: Final = "mailersend"
_KINDS: Final = {
    "hard_bounced": Kind.BOUNCE,
    "soft_bounced": Kind.BOUNCE,
    "suppressed": Kind.BOUNCE,
    "rejected": Kind.BOUNCE,
    "deferred": Kind.DELAY,
    "delivered": Kind.DELIVERY,
    "spam_complaint": Kind.COMPLAINT,
    "spam_complaints": Kind.COMPLAINT,
    "unsubscribed": Kind.UNSUBSCRIBE,
}
_SILENT: Final = frozenset({"sent", "opened", "opened_unique", "clicked", "clicked_unique", "queued", "survey_opened", "survey_submitted"})
_PREFIX: Final = "activity."


class Settings(ListSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of `[plugins.mailersend]`."""

    api_url: str = "https://api.mailersend.com"
    domain_id: str = ""
    """MailerSend's id of the domain whose lists are kept."""


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
    """Tell whether the body is signed by one of the secrets."""
    del now  # no time is signed
    return keyed(body, headers.get("signature", ""), secrets)


def read(record: Record) -> Report:
    """Return what one event says."""
    data, full = record.record("data"), record.text("type") or ""
    word = full.removeprefix(_PREFIX)
    kind = _KINDS.get(word)
    if kind is None:
        return nothing(_NAME) if word in _SILENT or (full and not full.startswith(_PREFIX)) else unknown(_NAME, word)
    email, meta = data.record("email"), data.record("meta")
    failed = kind in {Kind.BOUNCE, Kind.DELAY} and word != "suppressed"
    said = meta.text("bounce_reason") or meta.text("reject_reason") or data.text("morph", "readable_reason") or data.text("morph", "reason")
    return report(
        _NAME,
        kind,
        Outcome(data.text("recipient") or email.text("recipient", "email"), said if failed else None, None, meta.number("bounce_code") if failed else None),
        label=word if kind in {Kind.BOUNCE, Kind.DELAY} else None,
        id_=data.text("id"),
        at=record.moment("created_at") or data.moment("created_at"),
        message_id=data.text("message_id") or email.text("message", "id"),
        sender=email.text("from") or data.text("from"),
        subject=email.text("subject") or data.text("subject"),
        tags=data.texts("tags") or email.texts("tags"),
    )


def webhook() -> Posts:
    """Return what verifies and reads MailerSend's posts."""
    return Posts(_NAME, verify, read, limits=LIMITS)


def plugin(settings: Settings) -> Inbound | TwoWay:
    """Make an instance; with a key for the API, one that keeps the list there."""
    inbound = Inbound(webhook(), (PACK,))
    if settings.api_key is None:
        return inbound
    from bounceclass_mailersend.remote import LIMITS as ACTING  # noqa: PLC0415  for those who act only
    from bounceclass_mailersend.remote import Listing  # noqa: PLC0415  as above

    key = secret_text(settings.api_key, "plugins.mailersend.api_key")
    api = Api("mailersend", settings.api_url, {"Authorization": f"Bearer {key}"})
    return TwoWay(inbound, Listing(api, settings.domain_id), scope=settings.scope, limits=ACTING)
