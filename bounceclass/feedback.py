"""Complaints: ARF (RFC 5965), and Microsoft's JMRP, which is none.

    Feedback-Type: abuse                    the event's label
    Original-Rcpt-To: <user@example.net>    who complained; may be redacted, may be several

A redacted recipient stays unknown: To of the original is never taken for it. JMRP names the
recipient in a header of the returned original, X-HmXmrOriginalRecipient.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from bounceclass.dsn import host_name, parse_date
from bounceclass.fields import address, paragraphs, typed
from bounceclass.message import FEEDBACK
from bounceclass.model import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounceclass.message import Message

__all__ = ["ARF", "JMRP", "read", "read_jmrp"]

ARF: Final = "rfc5965"
JMRP: Final = "jmrp"
_JMRP_HEADER: Final = "x-hmxmroriginalrecipient"


def read(message: Message) -> list[Event]:
    """Return an event for each recipient that the feedback reports name, one without if none is named."""
    if not message.of_type(FEEDBACK):
        return []
    limit = message.limits.recipients
    events = list(islice((event for text in message.status_texts(FEEDBACK) for event in _events(message, text)), limit + 1))
    if len(events) > limit:
        message.add_defect("too-many-recipients", f"read {limit}")
    return events[:limit]


def _events(message: Message, text: str) -> Iterable[Event]:
    fields = [field for paragraph in paragraphs(text) for field in paragraph.fields]
    first = dict(reversed(fields))
    named = [address(value) for name, value in fields if name in {"original-rcpt-to", "removal-recipient"}]
    people = list(dict.fromkeys(name for name in named if name and _is_person(name)))
    for recipient in (*people,) or (None,):
        yield Event(
            kind=Kind.COMPLAINT,
            recipient=recipient,
            label=(first.get("feedback-type") or "").split("(")[0].strip().lower() or None,
            reporting_mta=host_name(typed(first.get("reporting-mta"))[1]),
            occurred_at=parse_date(first.get("arrival-date") or first.get("received-date") or message.headers.get("date"), message),
        )


def _is_person(name: str) -> bool:
    return "@" in name and "redacted" not in name.lower()


def read_jmrp(message: Message) -> list[Event]:
    """Return the event of a report by Microsoft's Junk Mail Reporting Programme, none for other mail."""
    original = message.original()
    value = original.get(_JMRP_HEADER) if original else None
    if value is None:
        return []
    return [Event(kind=Kind.COMPLAINT, recipient=address(value), label="abuse", occurred_at=parse_date(message.headers.get("date"), message))]
