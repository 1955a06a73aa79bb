"""From a tracking event of django-anymail to a report of ours: the server's own words are read again, the ESP's word is kept as `label`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from bounceclass.model import Advice, Details, Event, Evidence, Kind, Original, Permanence, Reason, Report, Scope, Verdict

if TYPE_CHECKING:
    from bounceclass.engine import Engine

__all__ = ["read"]

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
_LISTED: Final = frozenset({"bounced", "spam", "unsubscribed"})
"""Reasons for which an ESP did not even try: it has the address on a list of its own."""
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
    report = engine.judge(Report(source=esp_name, kind=kind, events=(one,), format="anymail", original=original))
    if event.event_type == "rejected" and event.reject_reason in _LISTED and not text:
        report = msgspec.structs.replace(report, events=(msgspec.structs.replace(report.events[0], verdict=_listed(esp_name, label)),))
    return report


def _diagnostic(response: object) -> tuple[str | None, str]:
    """Return the type that stands before a server's words, if one does, and the words."""
    text = response.strip() if isinstance(response, str) else ""
    head, mark, rest = text.partition(";")
    return ("smtp", rest.strip()) if mark and head.strip().lower() == "smtp" else (None, text)


def _listed(esp_name: str, label: str) -> Verdict:
    """Return the verdict of what an ESP's own list stopped: no new fact, so it holds for that ESP alone."""
    evidence = Evidence("esp-list", "anymail", "label", 0, len(label), label)
    return Verdict(Permanence.PERMANENT, Reason.SUPPRESSED, Scope.ADDRESS, Advice.SUPPRESS, 0.9, Details(list=esp_name), (evidence,))
