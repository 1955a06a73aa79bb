"""Mandrill (Mailchimp Transactional): a form with a JSON list, signed with the URL. Its secret is the webhook's authentication key.

    mandrill_events=[{"event": "hard_bounce", "_id": "...", "ts": 1773057600,
        "msg": {"_id": "...", "email": "ruth@example.net", "diag": "smtp;550 5.1.1 ...", "bounce_description": "bad_mailbox"}}]

The URL is signed as Mandrill knows it: the public one, not what a proxy makes of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from bounceclass.errors import SettingsError
from bounceclass.esp import Inbound, ListSettings, Posts, TwoWay, secret_text
from bounceclass.http import Api
from bounceclass.model import Kind, Report
from bounceclass.payload import Outcome, Record, nothing, records, report, unknown
from bounceclass.signing import keyed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["LIMITS", "PACK", "Settings", "plugin", "webhook"]

PACK: Final = Path(__file__).with_name("mandrill.toml")
LIMITS: Final = ("Mandrill signs by HMAC-SHA1, and no time: a post that is repeated later is known by its bytes only",)
_NAME: Final = "mandrill"
_FIELD: Final = "mandrill_events"
_MOST: Final = 16
"""Fields of a form; Mandrill posts one."""
_KINDS: Final = {
    "hard_bounce": Kind.BOUNCE,
    "soft_bounce": Kind.BOUNCE,
    "reject": Kind.BOUNCE,
    "deferral": Kind.DELAY,
    "delivered": Kind.DELIVERY,
    "spam": Kind.COMPLAINT,
    "unsub": Kind.UNSUBSCRIBE,
}
_SILENT: Final = frozenset({"send", "open", "click", "inbound"})
_LISTS: Final = frozenset({"blacklist", "whitelist", "denylist", "allowlist"})
"""Changes of Mandrill's own lists: what led to them was told before."""


class Settings(ListSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of `[plugins.mandrill]`."""

    url: str = ""
    """Where Mandrill posts, as it was entered there: it is part of what is signed."""
    api_url: str = "https://mandrillapp.com"
    subaccount: str | None = None
    """The subaccount whose reject list is kept; null: the account's."""


def form(body: bytes) -> list[tuple[str, str]] | None:
    """Return the fields of a form, None where it is none."""
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MOST, errors="surrogateescape")
    except (ValueError, UnicodeDecodeError):
        return None


def split(body: bytes) -> tuple[list[Record], bool] | None:
    """Return the events of a form, or of the JSON that stands in it."""
    if not body.startswith(_FIELD.encode() + b"="):
        return records(body)
    events = dict(form(body) or ()).get(_FIELD, "")
    return ([], False) if events == "[]" else records(events.encode("utf-8", "surrogateescape"))


def read(record: Record) -> Report:
    """Return what one event says."""
    word, message = record.text("event") or "", record.record("msg")
    kind = _KINDS.get(word)
    if kind is None:
        return nothing(_NAME) if word in _SILENT or record.text("type") in _LISTS else unknown(_NAME, word)
    attempts = message.records("smtp_events")
    said = message.text("diag") or (attempts[-1].text("diag") if attempts else None)
    return report(
        _NAME,
        kind,
        Outcome(message.text("email"), said if kind in {Kind.BOUNCE, Kind.DELAY, Kind.DELIVERY} else None),
        label=_label(word, message),
        id_=record.text("_id"),
        at=record.moment("ts"),
        remote_mta=attempts[-1].text("destination_ip") if attempts else None,
        message_id=message.text("_id"),
        sender=message.text("sender"),
        subject=message.text("subject"),
        list_id=message.text("subaccount"),
        tags=message.texts("tags"),
    )


def _label(word: str, message: Record) -> str | None:
    """Return Mandrill's word: `bad_mailbox` of a bounce, `reject/unsub` of what it didn't send."""
    if word == "reject":
        return "/".join(one for one in (word, message.text("reject", "reason") or message.text("reject")) if one)
    return message.text("bounce_description") or word if word in {"hard_bounce", "soft_bounce"} else None


def webhook(url: str) -> Posts:
    """Return what verifies posts to a URL, and reads them."""

    def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
        del now  # no time is signed
        fields = form(body)
        if not url or not fields:
            return False
        signed = url + "".join(name + value for name, value in sorted(fields))
        return keyed(signed.encode("utf-8", "surrogateescape"), headers.get("x-mandrill-signature", ""), secrets, digest="sha1", encoding="base64")

    return Posts(_NAME, verify, read, limits=LIMITS, split=split)


def plugin(settings: Settings) -> Inbound | TwoWay:
    """Make an instance; raises SettingsError without the URL, for nothing could be verified."""
    if not settings.url.startswith(("https://", "http://")):
        msg = "url: is the address where Mandrill posts, as it was entered there"
        raise SettingsError(msg)
    inbound = Inbound(webhook(settings.url), (PACK,))
    if settings.api_key is None:
        return inbound
    from bounceclass_mandrill.remote import LIMITS as ACTING  # noqa: PLC0415  for those who act only
    from bounceclass_mandrill.remote import Listing  # noqa: PLC0415  as above

    key = secret_text(settings.api_key, "plugins.mandrill.api_key")
    api = Api("mandrill", settings.api_url, {})
    return TwoWay(inbound, Listing(api, key, settings.subaccount), scope=settings.scope, limits=ACTING)
