"""Brevo: transactional webhooks. Nothing is signed: the secret is `user:password` of the URL, or a token.

    {"event": "hard_bounce", "email": "ruth@example.net", "reason": " RecipientError: 550 5.1.1 ...", "message-id": "<...>", "ts_epoch": 1773057600000}

`date` and `ts` are of the account's time zone, which isn't stated; `ts_epoch` is not.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bounceclass.esp import Inbound, ListSettings, Posts, TwoWay, by_password, secret_text
from bounceclass.http import Api
from bounceclass.model import Kind, Report
from bounceclass.payload import Outcome, Record, nothing, report, unknown

__all__ = ["LIMITS", "PACK", "Settings", "plugin", "webhook"]

PACK: Final = Path(__file__).with_name("brevo.toml")
LIMITS: Final = (
    "Brevo signs nothing: a password or a token over TLS is all the proof; no time is signed, so an old post is known by its bytes only",
    "Brevo gives up a post for ever that is answered with 4xx, 429 excepted",
)
_NAME: Final = "brevo"
_KINDS: Final = {
    "hard_bounce": Kind.BOUNCE,
    "soft_bounce": Kind.BOUNCE,
    "blocked": Kind.BOUNCE,
    "invalid_email": Kind.BOUNCE,
    "error": Kind.BOUNCE,
    "deferred": Kind.DELAY,
    "delivered": Kind.DELIVERY,
    "spam": Kind.COMPLAINT,
    "complaint": Kind.COMPLAINT,
    "unsubscribe": Kind.UNSUBSCRIBE,
    "unsubscribed": Kind.UNSUBSCRIBE,
}
_SILENT: Final = frozenset({
    "request", "sent", "opened", "unique_opened", "proxy_open", "unique_proxy_open", "click", "clicked",
    "list_addition", "contact_updated", "contact_deleted",
})  # fmt: skip
_WRAPPED: Final = re.compile(r"\A\s*\w{1,40}Error\s*:\s*")
"""How Brevo's own server introduces a reply."""
_OWN_WORDS: Final = frozenset({"blocked", "invalid_email"})
"""Where `reason` is Brevo's: nobody else was asked."""


class Settings(ListSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of `[plugins.brevo]`."""

    token_header: str | None = None
    """Besides basic auth: the header in which a token is sent."""
    api_url: str = "https://api.brevo.com"


def read(record: Record) -> Report:
    """Return what one event says."""
    word = record.text("event") or ""
    kind = _KINDS.get(word)
    if kind is None:
        return nothing(_NAME) if word in _SILENT else unknown(_NAME, word)
    said = None if word in _OWN_WORDS or kind in {Kind.COMPLAINT, Kind.UNSUBSCRIBE} else _WRAPPED.sub("", record.text("reason") or "", count=1)
    return report(
        _NAME,
        kind,
        Outcome(record.text("email"), said),
        label=word if kind in {Kind.BOUNCE, Kind.DELAY} else None,
        at=record.moment("ts_epoch"),
        message_id=record.text("message-id"),
        sender=record.text("sender_email"),
        subject=record.text("subject"),
        tags=record.texts("tags") or record.texts("tag"),
    )


def webhook(header: str | None = None) -> Posts:
    """Return what verifies by a password, or by a token in a header, and reads the posts."""
    return Posts(_NAME, by_password(header), read, limits=LIMITS)


def plugin(settings: Settings) -> Inbound | TwoWay:
    """Make an instance; with a key for the API, one that keeps the list there."""
    inbound = Inbound(webhook(settings.token_header), (PACK,))
    if settings.api_key is None:
        return inbound
    from bounceclass_brevo.remote import LIMITS as ACTING  # noqa: PLC0415  for those who act only
    from bounceclass_brevo.remote import Listing  # noqa: PLC0415  as above

    key = secret_text(settings.api_key, "plugins.brevo.api_key")
    api = Api("brevo", settings.api_url, {"api-key": key})
    return TwoWay(inbound, Listing(api), scope=settings.scope, limits=ACTING)
