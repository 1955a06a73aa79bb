"""Resend: webhooks signed by svix. Its secret is the signing secret, `whsec_...`.

    {"type": "email.bounced", "created_at": "2026-03-09T12:00:00.000Z",
     "data": {"email_id": "...", "from": "Garden <garden@example.com>", "to": ["ruth@example.net"], "subject": "Spring seeds",
              "bounce": {"type": "Permanent", "subType": "General", "message": "..."}}}

`message` is Resend's wording, not the remote's, and is not read. Of several in `to` nobody knows whom an event is about.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bounceclass.esp import Inbound, ListSettings, Posts, TwoWay, secret_text
from bounceclass.http import Api
from bounceclass.model import Kind, Report
from bounceclass.payload import Outcome, Record, nothing, report, unknown
from bounceclass.signing import SVIX_WINDOW, svix

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LIMITS", "PACK", "WINDOW", "Settings", "plugin", "webhook"]

PACK: Final = Path(__file__).with_name("resend.toml")
LIMITS: Final = (
    "Resend doesn't pass on what the remote said: its word counts, and suppresses nobody at once",
    "Resend doesn't say which of several recipients of one mail it means: send to each alone",
)
WINDOW: Final = SVIX_WINDOW
_NAME: Final = "resend"
_KINDS: Final = {
    "email.bounced": Kind.BOUNCE,
    "email.failed": Kind.BOUNCE,
    "email.suppressed": Kind.BOUNCE,
    "email.delivery_delayed": Kind.DELAY,
    "email.delivered": Kind.DELIVERY,
    "email.complained": Kind.COMPLAINT,
}
_SILENT: Final = frozenset({"email.sent", "email.opened", "email.clicked", "email.scheduled", "email.received", "suppression.added", "suppression.removed"})
_OTHERS: Final = ("contact.", "domain.")


class Settings(ListSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of `[plugins.resend]`."""

    api_url: str = "https://api.resend.com"


def read(record: Record) -> Report:
    """Return what one event says."""
    word, data = record.text("type") or "", record.record("data")
    if word == "contact.updated" and data.flag("unsubscribed"):
        return report(_NAME, Kind.UNSUBSCRIBE, Outcome(data.text("email")), at=record.moment("created_at"))
    kind = _KINDS.get(word)
    if kind is None:
        return nothing(_NAME) if word in _SILENT or word.startswith(_OTHERS) else unknown(_NAME, word)
    said = next(iter(data.texts("bounce", "diagnosticCode")), None)
    to = data.texts("to")
    people = [Outcome(one, said) for one in to] if len(to) == 1 or kind is Kind.COMPLAINT else [Outcome(None, said)]
    return report(
        _NAME,
        kind,
        *people,
        label=_label(word, data),
        at=record.moment("created_at"),
        message_id=data.text("message_id") or data.text("email_id"),
        sender=data.text("from"),
        subject=data.text("subject"),
        list_id=data.text("broadcast_id"),
        tags=_tags(data),
    )


def _label(word: str, data: Record) -> str | None:
    if word == "email.bounced":
        return "/".join(one for one in (data.text("bounce", "type"), data.text("bounce", "subType")) if one) or "bounced"
    return word.removeprefix("email.") if word in {"email.failed", "email.suppressed", "email.delivery_delayed"} else None


def _tags(data: Record) -> list[str]:
    """Return the values of tags, which are an object, or a list of objects."""
    tags = data.raw("tags")
    return [one for one in tags.values() if isinstance(one, str)] if isinstance(tags, dict) else [one.text("value") or "" for one in data.records("tags")]


def _named(headers: Mapping[str, str], body: bytes) -> str | None:
    """Return svix's name of a post, the same when it is repeated."""
    del body
    return headers.get("svix-id") or headers.get("webhook-id")


def webhook() -> Posts:
    """Return what verifies and reads Resend's posts."""
    return Posts(_NAME, svix, read, limits=LIMITS, replay=_named)


def plugin(settings: Settings) -> Inbound | TwoWay:
    """Make an instance; with a key for the API, one that keeps the list there."""
    inbound = Inbound(webhook(), (PACK,))
    if settings.api_key is None:
        return inbound
    from bounceclass_resend.remote import LIMITS as ACTING  # noqa: PLC0415  for those who act only
    from bounceclass_resend.remote import Listing  # noqa: PLC0415  as above

    key = secret_text(settings.api_key, "plugins.resend.api_key")
    api = Api("resend", settings.api_url, {"Authorization": f"Bearer {key}"}, per_second=2)
    return TwoWay(inbound, Listing(api), scope=settings.scope, limits=ACTING)
