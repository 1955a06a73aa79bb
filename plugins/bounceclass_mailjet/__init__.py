"""Mailjet: events, alone or in groups. Nothing is signed: the secret is `user:password` of the URL.

    [{"event": "bounce", "time": 1773057600, "email": "ruth@example.net", "MessageID": 19421777835146490, "blocked": false,
      "hard_bounce": true, "error_related_to": "recipient", "error": "user unknown", "comment": ""}]

There is no reply but in `comment`, and often not there: then Mailjet's word stands alone, and is believed less.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bounceclass.esp import Inbound, ListSettings, Posts, TwoWay, by_password, secret_text
from bounceclass.http import Api
from bounceclass.model import Kind, Report
from bounceclass.payload import Outcome, Record, nothing, report, unknown

__all__ = ["LIMITS", "PACK", "Settings", "plugin", "webhook"]

PACK: Final = Path(__file__).with_name("mailjet.toml")
LIMITS: Final = (
    "Mailjet signs nothing: a password over TLS is all the proof; no time is signed, so an old post is known by its bytes only",
    "Mailjet seldom passes on what the remote said: its word counts, and suppresses nobody at once",
)
_NAME: Final = "mailjet"
_KINDS: Final = {
    "bounce": Kind.BOUNCE,
    "blocked": Kind.BOUNCE,
    "sent": Kind.DELIVERY,
    "spam": Kind.COMPLAINT,
    "unsub": Kind.UNSUBSCRIBE,
}
_SILENT: Final = frozenset({"open", "click", "parseapi"})


class Settings(ListSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of `[plugins.mailjet]`."""

    token_header: str | None = None
    """Besides basic auth: the header in which a token is sent."""
    api_url: str = "https://api.mailjet.com"
    api_user: str = ""
    """The public half of the API key."""


def read(record: Record) -> Report:
    """Return what one event says."""
    word = record.text("event") or ""
    kind = _KINDS.get(word)
    if kind is None:
        return nothing(_NAME) if word in _SILENT else unknown(_NAME, word)
    if record.text("error") == "greylisted" and not record.flag("hard_bounce"):  # Mailjet goes on trying
        kind = Kind.DELAY
    said = {Kind.DELIVERY: "smtp_reply", Kind.BOUNCE: "comment", Kind.DELAY: "comment"}.get(kind, "")
    return report(
        _NAME,
        kind,
        Outcome(record.text("email"), record.text(said)),
        label=_label(word, record) if kind in {Kind.BOUNCE, Kind.DELAY} else None,
        at=record.moment("time"),
        message_id=record.text("Message_GUID") or record.text("MessageID"),
        list_id=record.text("mj_list_id"),
        tags=record.texts("customcampaign"),
    )


def _label(word: str, record: Record) -> str:
    """Return Mailjet's word for the error, else what it says of the bounce."""
    return record.text("error") or ("hard_bounce" if record.flag("hard_bounce") else "soft_bounce" if word == "bounce" else word)


def webhook(header: str | None = None) -> Posts:
    """Return what verifies by a password, or by a token in a header, and reads the posts."""
    return Posts(_NAME, by_password(header), read, limits=LIMITS)


def plugin(settings: Settings) -> Inbound | TwoWay:
    """Make an instance; with a key for the API, one that keeps the list there."""
    inbound = Inbound(webhook(settings.token_header), (PACK,))
    if settings.api_key is None:
        return inbound
    from bounceclass_mailjet.remote import LIMITS as ACTING  # noqa: PLC0415  for those who act only
    from bounceclass_mailjet.remote import Listing  # noqa: PLC0415  as above

    key = secret_text(settings.api_key, "plugins.mailjet.api_key")
    api = Api("mailjet", settings.api_url, {}, auth=(settings.api_user, key))
    return TwoWay(inbound, Listing(api), scope=settings.scope, limits=ACTING)
