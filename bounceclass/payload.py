"""An ESP's payload read without trusting it: JSON of any shape in, Reports out. Nothing here raises.

    records(body)             an object, a list of objects, or JSON Lines, at most MOST of them
    record.text("mail", "x")  a value by its path, None where it isn't there or is of another shape
    report(...)               what one record says of one or several recipients
    unread, unknown           a Report of kind `other`: a body that is none of theirs, an event that they have added since

The reply in a payload becomes `Event.diagnostic`, and its codes the event's, so the judge reads what
the remote said; the ESP's own word is `Event.label`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

import msgspec

from bounceclass import transcript
from bounceclass.codes import STATUS
from bounceclass.model import Defect, Event, Kind, Original, Report, clean_text, gravest

__all__ = ["MOST", "Outcome", "Record", "as_moment", "bare", "nothing", "records", "report", "unknown", "unread"]

MOST: Final = 10_000
"""Records of one body; no ESP posts more than 1,000 at once."""
_LONGEST: Final = 8192
_PEOPLE: Final = 1000
_ACTIONS: Final = {Kind.BOUNCE: "failed", Kind.DELAY: "delayed", Kind.DELIVERY: "delivered"}
_MILLISECONDS: Final = 100_000_000_000
"""A number of seconds that large would be in the year 5138."""
_STATUS: Final = re.compile(STATUS)
_DECODER: Final = msgspec.json.Decoder()


class Record:
    """A JSON object; every access gives None, or an empty Record, where the shape is another."""

    def __init__(self, value: object) -> None:
        """Take any JSON."""
        self._value: dict[str, Any] = value if isinstance(value, dict) else {}

    def __bool__(self) -> bool:
        """Tell whether there is anything in it."""
        return bool(self._value)

    def raw(self, *path: str) -> object:
        """Return the value at a path, None where there is none."""
        here: object = self._value
        for name in path:
            here = here.get(name) if isinstance(here, dict) else None
        return here

    def text(self, *path: str) -> str | None:
        """Return a string, or a number as one; None for an empty one, and for anything else."""
        value = self.raw(*path)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            return None
        return clean_text(str(value)[:_LONGEST].replace("\0", "")).strip() or None

    def number(self, *path: str) -> int | None:
        """Return an integer, also one that is written as a string."""
        value = self.raw(*path)
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
            return int(value.strip()[:18])
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, *path: str) -> bool:
        """Tell whether a value says yes: true, 1, "1" or "true"."""
        return str(self.raw(*path)).lower() in {"true", "1"}

    def record(self, *path: str) -> Record:
        """Return an object."""
        return Record(self.raw(*path))

    def records(self, *path: str) -> list[Record]:
        """Return a list of objects."""
        value = self.raw(*path)
        return [Record(one) for one in value[:_PEOPLE] if isinstance(one, dict)] if isinstance(value, list) else []

    def texts(self, *path: str) -> list[str]:
        """Return a list of strings, also where one string stands for it."""
        value = self.raw(*path)
        found = value[:_PEOPLE] if isinstance(value, list) else [value]
        return [clean_text(one[:_LONGEST]) for one in found if isinstance(one, str) and one]

    def moment(self, *path: str) -> datetime | None:
        """Return a time: seconds or milliseconds since 1970, RFC 3339, or a mail's date."""
        return as_moment(self.raw(*path))


def records(body: bytes) -> tuple[list[Record], bool] | None:
    """Return the objects of a body and whether there were more than MOST; None where it is no JSON of objects."""
    found = _decode(body)
    if found is None and b"\n" in body.strip():  # JSON Lines
        lines = [line for line in body.split(b"\n", MOST + 1)[: MOST + 1] if line.strip()]
        found = [_decode(line) for line in lines]
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found[:MOST]):
        return None
    return [Record(one) for one in found[:MOST]], len(found) > MOST


def _decode(body: bytes) -> Any:  # noqa: ANN401  any JSON
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return None


def as_moment(value: object) -> datetime | None:
    """Return a time as ESPs write it, in UTC; None where it is none, or has no zone."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
        if not isinstance(value, str):
            return None
        text = value.strip()[:64]
        if text.replace(".", "", 1).isdigit() and text.isascii():
            return as_moment(float(text))
        return _in_words(text)
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        return None


def _in_words(text: str) -> datetime | None:
    iso = text[:4].isdigit() and text[4:5] == "-"
    when = datetime.fromisoformat(text.replace(" UTC", "+00:00")) if iso else parsedate_to_datetime(text)
    return when.astimezone(UTC) if when.tzinfo else None


class Outcome(NamedTuple):
    """What became of the mail of one recipient, in the ESP's words; `said` is the reply, with or without "smtp;"."""

    recipient: str | None
    said: str | None = None
    status: str | None = None
    reply_code: int | None = None
    action: str | None = None
    original: str | None = None
    """Whom we mailed, where the ESP names another: behind a forward."""


def report(  # noqa: PLR0913  what an ESP may say
    format_: str,
    kind: Kind,
    *outcomes: Outcome,
    label: str | None = None,
    id_: str | None = None,
    at: datetime | None = None,
    remote_mta: str | None = None,
    reporting_mta: str | None = None,
    message_id: str | None = None,
    sender: str | None = None,
    subject: str | None = None,
    list_id: str | None = None,
    envid: str | None = None,
    tags: list[str] | None = None,
) -> Report:
    """Return the Report of one record, yet without verdicts: an event for each outcome, nobody named where there is none."""
    events = tuple(_event(kind, one, label, id_, at, remote_mta, reporting_mta) for one in outcomes[:_PEOPLE] or (Outcome(None),))
    original = Original(
        message_id=bare(message_id),
        from_=sender,
        to=None,
        subject=subject,
        list_id=list_id,
        envid=envid,
        headers=tuple(("X-Tag", tag) for tag in tags or ()),
    )
    return Report(kind=gravest(events), events=events, format=format_, original=original if original != Original() else None)


def _event(kind: Kind, outcome: Outcome, label: str | None, id_: str | None, at: datetime | None, remote: str | None, reporting: str | None) -> Event:  # noqa: PLR0913, PLR0917  as above
    type_, said = _typed(outcome.said)
    read = transcript.read(said or "")
    return Event(
        id=id_,
        kind=kind,
        recipient=bare(outcome.recipient),
        original_recipient=bare(outcome.original) if outcome.original != outcome.recipient else None,
        action=outcome.action or _ACTIONS.get(kind),
        reply_code=read.reply_code or _reply(outcome.reply_code),
        enhanced_status=read.enhanced_status or _status(outcome.status),
        diagnostic=said,
        diagnostic_type=type_,
        command=read.command,
        remote_mta=remote or read.remote_host,
        reporting_mta=reporting,
        label=label,
        occurred_at=at,
    )


def _typed(said: str | None) -> tuple[str | None, str | None]:
    text = " ".join((said or "").split())
    head, mark, rest = text.partition(";")
    if mark and head.strip().lower() in {"smtp", "x-unix", "x-postfix", "x-amazon-ses"}:
        return head.strip().lower(), rest.strip() or None
    return None, text or None


def _reply(code: int | None) -> int | None:
    return code if code is not None and 200 <= code < 600 else None  # noqa: PLR2004  replies of SMTP


def _status(text: str | None) -> str | None:
    return text if text and _STATUS.fullmatch(text) else None


def bare(text: str | None) -> str | None:
    """Return an address or Message-ID without the brackets round it."""
    found = (text or "").strip()
    return (found[1:-1] if found.startswith("<") and found.endswith(">") else found) or None


def nothing(format_: str) -> Report:
    """Return the Report of an event that says nothing of a delivery: an open, a click, an acceptance."""
    return Report(kind=Kind.OTHER, format=format_)


def unknown(format_: str, word: str | None) -> Report:
    """Return the Report of an event whose word isn't in the ESP's table: it may be newer than we are."""
    return _noted(format_, "unknown-event", (word or "")[:64])


def unread(format_: str, where: str = "body") -> Report:
    """Return the Report of a body that is none of the ESP's."""
    return _noted(format_, "unread-payload", where)


def _noted(format_: str, code: str, where: str) -> Report:
    return Report(kind=Kind.OTHER, format=format_, defects=(Defect(code, where),))
