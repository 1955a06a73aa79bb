"""SES's events, alone or in an SNS message: notifications (`notificationType`) and event publishing (`eventType`).

    {"eventType": "Bounce", "mail": {"messageId": "...", "destination": ["ruth@example.net"], "commonHeaders": {"messageId": "<...>"}},
     "bounce": {"bounceType": "Permanent", "bounceSubType": "NoEmail", "feedbackId": "...", "timestamp": "2026-03-09T12:00:00.000Z",
                "reportingMTA": "dsn; a8-70.smtp-out.amazonses.com",
                "bouncedRecipients": [{"emailAddress": "ruth@example.net", "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 ..."}]}}

A bounce is told only after SES has stopped trying, a transient one too. Who is named is the final
recipient, behind a forward the target: whom we mailed is `destination`, where that is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bounceclass.model import Defect, Kind, Report
from bounceclass.payload import MOST, Outcome, Record, nothing, records, report, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["read", "split"]

_NAME: Final = "ses"
_ON_LIST: Final = "OnAccountSuppressionList"


def split(body: bytes) -> tuple[list[Record], bool] | None:
    """Return the events of a body; an SNS notification is opened."""
    found = records(body)
    if found is None:
        return None
    opened: list[Record] = []
    for record in found[0]:
        inner = record.raw("Message") if record.text("Type") == "Notification" else None
        events = records(inner.encode("utf-8", "surrogatepass")) if isinstance(inner, str) else None
        opened += events[0] if events else [record]
        if len(opened) > MOST:
            break
    return opened[:MOST], found[1] or len(opened) > MOST


def read(record: Record) -> Report:
    """Return what one event says."""
    if record.text("Type") in {"SubscriptionConfirmation", "UnsubscribeConfirmation"}:
        code = "subscription-unconfirmed" if record.text("Type") == "SubscriptionConfirmation" else "subscription-ended"
        return Report(kind=Kind.OTHER, format=_NAME, defects=(Defect(code, record.text("TopicArn") or ""),))
    word = record.text("eventType") or record.text("notificationType")
    reader = _EVENTS.get(word or "")
    return reader(record) if reader else unknown(_NAME, word or record.text("Type"))


def _common(record: Record) -> dict[str, Any]:
    mail = record.record("mail")
    headers = {(one.text("name") or "").lower(): one.text("value") for one in mail.records("headers")}
    tags = [value for name, values in sorted(_items(mail.raw("tags"))) if not name.startswith("ses:") for value in values]
    return {
        "message_id": mail.text("commonHeaders", "messageId") or headers.get("message-id") or mail.text("messageId"),
        "sender": mail.text("source"),
        "subject": mail.text("commonHeaders", "subject"),
        "list_id": headers.get("list-id"),
        "tags": tags,
    }


def _items(value: object) -> list[tuple[str, list[str]]]:
    found = value.items() if isinstance(value, dict) else ()
    return [(name, [one for one in values if isinstance(one, str)]) for name, values in found if isinstance(values, list)]


def _mailed(record: Record, named: int) -> str | None:
    """Return whom we mailed, where that is certain."""
    destination = record.texts("mail", "destination")
    return destination[0] if len(destination) == 1 and named == 1 else None


def _outcomes(record: Record, people: list[Record]) -> list[Outcome]:
    original = _mailed(record, len(people))
    return [Outcome(one.text("emailAddress"), one.text("diagnosticCode"), one.text("status"), None, _lower(one.text("action")), original) for one in people]


def _bounce(record: Record) -> Report:
    bounce = record.record("bounce")
    return report(
        _NAME,
        Kind.BOUNCE,
        *_outcomes(record, bounce.records("bouncedRecipients")),
        label=f"{bounce.text('bounceType')}/{bounce.text('bounceSubType')}",
        id_=bounce.text("feedbackId"),
        at=bounce.moment("timestamp"),
        reporting_mta=_host(bounce.text("reportingMTA")),
        **_common(record),
    )


def _complaint(record: Record) -> Report:
    complaint = record.record("complaint")
    stopped = complaint.text("complaintSubType") == _ON_LIST  # SES accepted the mail and did not send it
    people = [Outcome(one.text("emailAddress")) for one in complaint.records("complainedRecipients")]
    return report(
        _NAME,
        Kind.BOUNCE if stopped else Kind.COMPLAINT,
        *people,
        label=_ON_LIST if stopped else complaint.text("complaintFeedbackType"),
        id_=complaint.text("feedbackId"),
        at=complaint.moment("timestamp"),
        **_common(record),
    )


def _delivery(record: Record) -> Report:
    delivery = record.record("delivery")
    people = [Outcome(one, delivery.text("smtpResponse")) for one in delivery.texts("recipients")]
    return report(
        _NAME,
        Kind.DELIVERY,
        *people,
        at=delivery.moment("timestamp"),
        remote_mta=delivery.text("remoteMtaIp"),
        reporting_mta=_host(delivery.text("reportingMTA")),
        **_common(record),
    )


def _delay(record: Record) -> Report:
    delay = record.record("deliveryDelay")
    people = _outcomes(record, delay.records("delayedRecipients"))
    at, reporting = delay.moment("timestamp"), _host(delay.text("reportingMTA"))
    return report(_NAME, Kind.DELAY, *people, label=f"Delay/{delay.text('delayType')}", at=at, reporting_mta=reporting, **_common(record))


def _refused(record: Record) -> Report:
    """Read what SES itself didn't send: a virus, a template that could not be filled in."""
    reason = record.text("reject", "reason")
    people = [Outcome(one, record.text("failure", "errorMessage")) for one in record.texts("mail", "destination")]
    label = f"Reject/{reason}" if reason else "Rendering Failure"
    return report(_NAME, Kind.BOUNCE, *people, label=label, at=record.moment("mail", "timestamp"), **_common(record))


def _subscription(record: Record) -> Report:
    chosen = record.record("subscription")
    if not chosen.flag("newTopicPreferences", "unsubscribeAll"):
        return nothing(_NAME)
    common = {**_common(record), "list_id": chosen.text("contactList")}
    return report(_NAME, Kind.UNSUBSCRIBE, Outcome(_mailed(record, 1)), at=chosen.moment("timestamp"), **common)


def _nothing(_: Record) -> Report:
    return nothing(_NAME)


def _host(text: str | None) -> str | None:
    """Return the name in "dsn; mta.example.com"."""
    return (text or "").rpartition(";")[2].strip() or None


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None


_EVENTS: Final[dict[str, Callable[[Record], Report]]] = {
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Delivery": _delivery,
    "DeliveryDelay": _delay,
    "Reject": _refused,
    "Rendering Failure": _refused,
    "Subscription": _subscription,
    "Send": _nothing,
    "Open": _nothing,
    "Click": _nothing,
    "AmazonSnsSubscriptionSucceeded": _nothing,
}
