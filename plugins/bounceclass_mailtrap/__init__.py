"""Mailtrap: batches of events, as JSON or JSON Lines, signed over their body. Its secret is the webhook's signature secret.

    {"events": [{"event": "bounce", "email": "ruth@example.net", "response": "bounced (550 5.1.1 ...)", "response_code": 550,
                 "bounce_category": "bad-mailbox", "event_id": "...", "message_id": "...", "timestamp": 1773057600}]}

What it rejects was stopped by Mailtrap itself: its words are no remote's.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bounceclass.esp import Inbound, ListSettings, Posts, TwoWay, secret_text
from bounceclass.http import Api
from bounceclass.model import Kind, Report
from bounceclass.payload import MOST, Outcome, Record, nothing, records, report, unknown
from bounceclass.signing import keyed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["LIMITS", "PACK", "Settings", "plugin", "webhook"]

PACK: Final = Path(__file__).with_name("mailtrap.toml")
LIMITS: Final = ("Mailtrap signs no time: a post that is repeated later is known by its bytes only",)
_NAME: Final = "mailtrap"
_KINDS: Final = {
    "bounce": Kind.BOUNCE,
    "soft bounce": Kind.DELAY,
    "soft_bounce": Kind.DELAY,
    "suspension": Kind.DELAY,
    "reject": Kind.BOUNCE,
    "delivery": Kind.DELIVERY,
    "spam": Kind.COMPLAINT,
    "spam complaint": Kind.COMPLAINT,
    "unsubscribe": Kind.UNSUBSCRIBE,
}
_SILENT: Final = frozenset({"open", "click"})
_OTHERS: Final = ("activity_log.", "audit_log.", "inbound.")
_WRAPPED: Final = re.compile(r"\s*(?:(?:soft )?bounced|deferred|delivered|sent|failed)\s*\((.*)\)\s*", re.DOTALL)
_ON_LIST: Final = "suppression list"


class Settings(ListSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape of `[plugins.mailtrap]`."""

    api_url: str = "https://mailtrap.io"
    domain_id: int = 0
    """Mailtrap's number of the sending domain."""
    stream: str = "transactional"
    """The sending stream whose list is kept."""


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
    """Tell whether the body is signed by one of the secrets."""
    del now  # no time is signed
    return keyed(body, headers.get("mailtrap-signature", ""), secrets)


def split(body: bytes) -> tuple[list[Record], bool] | None:
    """Return the events of a body, those within `events` too."""
    found = records(body)
    if found is None:
        return None
    events = [event for record in found[0] for event in (_within(record) if isinstance(record.raw("events"), list) else [record])]
    return events[:MOST], found[1] or len(events) > MOST


def _within(record: Record) -> list[Record]:
    events = record.raw("events")
    return [Record(one) for one in events] if isinstance(events, list) else []


def read(record: Record) -> Report:
    """Return what one event says."""
    word = record.text("event") or ""
    kind = _KINDS.get(word)
    if kind is None:
        return nothing(_NAME) if word in _SILENT or word.startswith(_OTHERS) else unknown(_NAME, word)
    own = word in {"reject", "suspension"}
    response = record.text("response") or ""
    found = _WRAPPED.fullmatch(response)
    said = found[1] if found else response
    return report(
        _NAME,
        kind,
        Outcome(record.text("email"), None if own else said, None, None if own else record.number("response_code")),
        label=_label(word, record) if kind in {Kind.BOUNCE, Kind.DELAY} else None,
        id_=record.text("event_id"),
        at=record.moment("timestamp"),
        message_id=record.text("message_id"),
        list_id=record.text("sending_stream"),
        tags=record.texts("category"),
    )


def _label(word: str, record: Record) -> str:
    """Return Mailtrap's category; of a reject whether it was its list."""
    if word == "reject":
        return f"reject/{_ON_LIST}" if _ON_LIST in (record.text("reason") or "").lower() else word
    return record.text("bounce_category") or word


def webhook() -> Posts:
    """Return what verifies and reads Mailtrap's posts."""
    return Posts(_NAME, verify, read, limits=LIMITS, split=split)


def plugin(settings: Settings) -> Inbound | TwoWay:
    """Make an instance; with a key for the API, one that keeps the list there."""
    inbound = Inbound(webhook(), (PACK,))
    if settings.api_key is None:
        return inbound
    from bounceclass_mailtrap.remote import LIMITS as ACTING  # noqa: PLC0415  for those who act only
    from bounceclass_mailtrap.remote import PER_SECOND, Listing  # noqa: PLC0415  as above

    key = secret_text(settings.api_key, "plugins.mailtrap.api_key")
    api = Api("mailtrap", settings.api_url, {"Authorization": f"Bearer {key}"}, per_second=PER_SECOND, burst=2)
    return TwoWay(inbound, Listing(api, settings.domain_id, settings.stream), scope=settings.scope, limits=ACTING)
