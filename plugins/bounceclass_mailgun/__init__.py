"""Mailgun: webhooks signed in their body. Its secret is the HTTP webhook signing key.

    {"signature": {"timestamp": "1773057600", "token": "...", "signature": "..."},
     "event-data": {"event": "failed", "severity": "permanent", "reason": "bounce", "recipient": "ruth@example.net",
                    "delivery-status": {"code": 550, "message": "5.1.1 ...", "mx-host": "mx.example.net"}, ...}}

Signed are time and token, not what is said: so the token names the post, and TLS is what keeps the rest.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bounceclass.esp import Inbound, ListSettings, Posts, TwoWay, secret_text
from bounceclass.http import Api
from bounceclass.model import Kind, Report
from bounceclass.payload import Outcome, Record, nothing, records, report, unknown
from bounceclass.signing import is_fresh, keyed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["LIMITS", "PACK", "WINDOW", "Settings", "plugin", "webhook"]

PACK: Final = Path(__file__).with_name("mailgun.toml")
LIMITS: Final = (
    "Mailgun signs a time and a token, not the body: who sees one post can write another; a token is taken once only",
    "posts are repeated for 8 hours, so a signature holds for 12",
)
WINDOW: Final = timedelta(hours=12)
_NAME: Final = "mailgun"
_KINDS: Final = {
    "failed/permanent": Kind.BOUNCE,
    "failed/temporary": Kind.DELAY,
    "rejected": Kind.BOUNCE,
    "delivered": Kind.DELIVERY,
    "complained": Kind.COMPLAINT,
    "unsubscribed": Kind.UNSUBSCRIBE,
}
_SILENT: Final = frozenset({"accepted", "opened", "clicked", "stored", "list_member_uploaded", "list_member_upload_error", "list_uploaded"})
_OWN_CODES: Final = frozenset({498})
"""Mailgun's numbers that look like replies; those from 600 on don't."""


class Settings(ListSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of `[plugins.mailgun]`."""

    api_url: str = "https://api.mailgun.net"
    domain: str = ""
    """The sending domain whose lists are kept."""


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
    """Tell whether time and token are signed by one of the keys, and fresh."""
    del headers
    found = records(body)
    signature = found[0][0].record("signature") if found is not None else Record(None)
    stamp, token, given = (signature.raw(name) for name in ("timestamp", "token", "signature"))
    if not isinstance(token, str) or not token or not isinstance(given, str) or not is_fresh(stamp, now, WINDOW):
        return False
    return keyed(f"{stamp}{token}".encode("utf-8", "surrogatepass"), given, secrets)


def token_of(headers: Mapping[str, str], body: bytes) -> str | None:
    """Return the token, which is the same when a post is repeated."""
    del headers
    found = records(body)
    return found[0][0].text("signature", "token") if found is not None else None


def read(record: Record) -> Report:
    """Return what one post says."""
    event = record.record("event-data")
    word = event.text("event") or ""
    kind = _KINDS.get(f"{word}/{event.text('severity')}" if word == "failed" else word)
    if kind is None:
        return nothing(_NAME) if word in _SILENT else unknown(_NAME, word)
    code = event.number("delivery-status", "code")
    message = event.record("message", "headers")
    return report(
        _NAME,
        kind,
        Outcome(event.text("recipient"), _said(event), event.text("delivery-status", "enhanced-code"), None if code in _OWN_CODES else code),
        label=_label(word, event),
        id_=event.text("id"),
        at=event.moment("timestamp"),
        remote_mta=event.text("delivery-status", "mx-host"),
        message_id=message.text("message-id"),
        sender=event.text("envelope", "sender"),
        subject=message.text("subject"),
        list_id=event.text("mailing-list", "list-id"),
        tags=event.texts("tags"),
    )


def _said(event: Record) -> str | None:
    """Return the reply: of what Mailgun's own list stopped, none."""
    if (event.text("reason") or "").startswith("suppress-"):
        return None
    return event.text("delivery-status", "message") or event.text("delivery-status", "description")


def _label(word: str, event: Record) -> str | None:
    if word == "rejected":
        return "rejected"
    return f"{event.text('severity')}/{event.text('reason')}" if word == "failed" else None


def webhook() -> Posts:
    """Return what verifies and reads Mailgun's posts."""
    return Posts(_NAME, verify, read, limits=LIMITS, replay=token_of)


def plugin(settings: Settings) -> Inbound | TwoWay:
    """Make an instance; with a key for the API, one that keeps the list there."""
    inbound = Inbound(webhook(), (PACK,))
    if settings.api_key is None:
        return inbound
    from bounceclass_mailgun.remote import LIMITS as ACTING  # noqa: PLC0415  for those who act only
    from bounceclass_mailgun.remote import Listing  # noqa: PLC0415  as above

    key = secret_text(settings.api_key, "plugins.mailgun.api_key")
    api = Api("mailgun", settings.api_url, {}, auth=("api", key))
    return TwoWay(inbound, Listing(api, settings.domain), scope=settings.scope, limits=ACTING)
