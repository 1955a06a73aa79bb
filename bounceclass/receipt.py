"""Receipts: message disposition notifications (RFC 8098), and refusals that come dressed as one.

    Final-Recipient: rfc822; user@example.org
    Disposition: automatic-action/MDN-sent-automatically; displayed

Dovecot's LDA sends a Sieve `reject` and a full mailbox in this dress, with the disposition
`deleted`; for the sender that is a failed delivery. A person's "deleted without being read" has the
same disposition, so the words decide.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bounceclass import transcript
from bounceclass.dsn import host_name, parse_date
from bounceclass.fields import address, paragraphs
from bounceclass.message import DISPOSITION
from bounceclass.model import Event, Kind

if TYPE_CHECKING:
    from bounceclass.message import Message

__all__ = ["FORMAT", "read"]

FORMAT: Final = "rfc8098"
_REFUSED: Final = re.compile(r"(?:automatically )?(?:rejected|refused|discarded)[^\n]{0,80}:\s*(?P<why>.{0,2000})", re.DOTALL | re.IGNORECASE)
_REFUSAL_SUBJECTS: Final = ("rejected:", "automatically rejected mail", "undelivered")


def read(message: Message) -> list[Event]:
    """Return an event for each disposition notification of a message."""
    events = []
    for text in message.status_texts(DISPOSITION):
        fields = dict(reversed([field for paragraph in paragraphs(text) for field in paragraph.fields]))
        events.append(_event(message, fields))
    return events


def _event(message: Message, fields: dict[str, str]) -> Event:
    disposition = fields.get("disposition", "")
    why = _refusal(message, disposition)
    said = transcript.read(why or "")
    return Event(
        kind=Kind.RECEIPT if why is None else Kind.BOUNCE,
        recipient=address(fields.get("final-recipient")) or address(fields.get("original-recipient")),
        original_recipient=address(fields.get("original-recipient")),
        reply_code=said.reply_code,
        enhanced_status=said.enhanced_status,
        diagnostic=why or None,
        reporting_mta=host_name(fields.get("reporting-ua", "").partition(";")[0]),
        label=disposition.rpartition(";")[2].partition("/")[0].strip().lower() or None,
        occurred_at=parse_date(message.headers.get("date"), message),
    )


def _refusal(message: Message, disposition: str) -> str | None:
    """Return the words of a refusal, None where the mail was accepted."""
    if "deleted" not in disposition.lower() or "automatic-action" not in disposition.lower():
        return None
    found = _REFUSED.search(message.text())
    subject = (message.headers.get("subject") or "").lower()
    if found is None and not subject.startswith(_REFUSAL_SUBJECTS):
        return None
    return " ".join((found["why"] if found else message.text()).split())[: message.limits.diagnostic]
