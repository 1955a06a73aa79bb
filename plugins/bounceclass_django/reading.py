"""From a tracking event of django-anymail to a report of ours: the server's own words are read again, the ESP's word is kept as `label`. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bounceclass.model import Event, Kind, Original, Report

if TYPE_CHECKING:
    from bounceclass.engine import Engine

__all__ = ["PACK", "read"]

PACK: Final = Path(__file__).with_name("anymail.toml")
"""What anymail's own words mean, where the server's are not passed on. Its name is the format of our reports."""
_KINDS: Final = {
    "bounced": Kind.BOUNCE,
    "rejected": Kind.BOUNCE,
    "failed": Kind.BOUNCE,
    "deferred": Kind.DELAY,
    "delivered": Kind.DELIVERY,
    "complained": Kind.COMPLAINT,
    "unsubscribed": Kind.UNSUBSCRIBE,
    "autoresponded": Kind.AUTO_REPLY,
}
"""Others (opened, clicked, queued) say nothing about an address."""
_ACTIONS: Final = {Kind.BOUNCE: "failed", Kind.DELAY: "delayed", Kind.DELIVERY: "delivered"}
_ABUSE: Final = "abuse"


def read(event: Any, esp_name: str, engine: Engine) -> Report | None:  # noqa: ANN401  anymail has no types
    """Return what an AnymailTrackingEvent says, judged; None where it tells of no outcome."""
    kind = _KINDS.get(event.event_type)
    if kind is None:
        return None
    diagnostic_type, text = _diagnostic(event.mta_response)
    said = engine.reply(text, recipient=event.recipient) if text else Event(kind=kind, recipient=event.recipient)
    label = "/".join(str(word) for word in (event.event_type, event.reject_reason) if word)
    one = msgspec.structs.replace(
        said,
        id=event.event_id,
        kind=kind,
        action=_ACTIONS.get(kind),
        diagnostic_type=diagnostic_type,
        label=_ABUSE if kind is Kind.COMPLAINT else label,
        occurred_at=event.timestamp,
    )
    original = Original(message_id=event.message_id)
    return engine.judge(Report(source=esp_name, kind=kind, events=(one,), format=PACK.stem, original=original))


def _diagnostic(response: object) -> tuple[str | None, str]:
    """Return the type that stands before a server's words, if one does, and the words."""
    text = response.strip() if isinstance(response, str) else ""
    head, mark, rest = text.partition(";")
    return ("smtp", rest.strip()) if mark and head.strip().lower() == "smtp" else (None, text)
