"""Accounting files of bulk MTAs: PowerMTA's CSV, KumoMTA's JSON lines. Each record says all, so nothing is remembered.

    type,timeLogged,...,orig,rcpt,orcpt,dsnAction,dsnStatus,dsnDiag,dsnMta,bounceCat,...,vmta,jobId,envId
    b,2026-03-09 12:00:00+0000,...,b@lists.example.com,ruth@example.net,,failed,5.1.1 (bad destination mailbox address),smtp;550 5.1.1 User unknown,...

    {"type":"Bounce","id":"...","sender":"b@lists.example.com","recipient":"ruth@example.net","response":{"code":550,
     "enhanced_code":{"class":5,"subject":1,"detail":1},"content":"User unknown","command":"RCPT TO:<...>"},"timestamp":1773057600}

Columns of the first by name, in any order, and a quoted cell may hold line ends (`joining`); of the second both the record of one recipient and
that of several.
"""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from bounceclass.codes import STATUS
from bounceclass.logs.record import Memory, Outcome
from bounceclass.logs.stamps import epoch, read_stamp
from bounceclass.model import Kind

__all__ = ["Kumomta", "Powermta"]

_CELL: Final = re.compile(r'"(?:[^"]|"")*("?)[^,]*(?:,|\Z)|[^,]*(?:,|\Z)')
"""A cell with what separates it; one that begins with a quote has its end in the group (RFC 4180, section 2)."""
_TYPE: Final = re.compile(r"[a-z]{1,5}")
_STATUS: Final = re.compile(STATUS)
_RECORDS: Final = {"b": Kind.BOUNCE, "rb": Kind.BOUNCE, "t": Kind.DELAY, "d": Kind.DELIVERY}
_TYPES: Final = {
    "bounce": Kind.BOUNCE, "adminbounce": Kind.BOUNCE, "expiration": Kind.BOUNCE, "oob": Kind.BOUNCE,
    "transientfailure": Kind.DELAY, "delivery": Kind.DELIVERY,
}  # fmt: skip
_COMMANDS: Final = {"RCPT": "rcpt", "MAIL": "mail", "DATA": "data", ".": "body", "EHLO": "ehlo", "HELO": "ehlo", "STARTTLS": "starttls", "AUTH": "auth"}
_ID_HEADERS: Final = ("header_message-id", "header_message_id", "messageid")


class Powermta:
    """PowerMTA's accounting file; its first line names the columns."""

    name = "powermta-accounting"

    def __init__(self, heading: str = "") -> None:
        """Take the line of columns, or wait for it."""
        self._columns = _columns(heading)

    def knows(self, line: str) -> bool:
        """See Dialect."""
        return line.startswith("type,") and ",rcpt" in line

    def read(self, line: str, memory: Memory, now: datetime) -> list[Outcome]:  # noqa: ARG002  each record says all
        """See Dialect."""
        if self.knows(line):
            self._columns = _columns(line)
            return []
        row = dict(zip(self._columns, _cells(line), strict=False))
        kind, recipient = _RECORDS.get(row.get("type", "")), row.get("rcpt", "")
        if kind is None or not recipient:
            return []
        return [_of_row(kind, recipient, row, now)]

    def is_open(self, text: str) -> bool:
        """Tell whether text ends within a quoted cell, so that the record goes on in the next line."""
        return '"' in text and any(cell[0].startswith('"') and not cell[1] for cell in _CELL.finditer(text))

    def begins(self, line: str) -> bool:
        """Tell whether a record begins with a line: a type and a time stand in their columns, or it has as many cells as there are columns."""
        cells = _cells(line)
        row = dict(zip(self._columns, cells, strict=False))
        if _TYPE.fullmatch(row.get("type", "")) is None:
            return False
        return len(cells) == len(self._columns) or _logged_at(row.get("timelogged", ""), datetime.now(UTC)) is not None


def _columns(heading: str) -> list[str]:
    return [name.strip().lower() for name in heading.split(",")]


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


def _of_row(kind: Kind, recipient: str, row: dict[str, str], now: datetime) -> Outcome:
    status = row.get("dsnstatus", "").partition(" ")[0]
    diagnostic, logged = row.get("dsndiag", ""), row.get("timelogged", "")
    return Outcome(
        kind=kind,
        recipient=recipient,
        original_recipient=row.get("orcpt", "").removeprefix("rfc822;") or None,
        said=diagnostic.partition(";")[2].strip() if diagnostic.lower().startswith("smtp;") else diagnostic,
        status=status if _is_status(status) else None,
        remote_mta=row.get("dsnmta", "").partition(" ")[0] or None,
        reporting_mta=row.get("srcmta", "").partition(" ")[0] or None,
        label=row.get("bouncecat") or None,
        at=_logged_at(logged, now),
        message_id=next((row[name].strip("<>") for name in _ID_HEADERS if row.get(name)), None),
        sender=row.get("orig") or None,
        envid=row.get("envid") or None,
    )


def _logged_at(text: str, now: datetime) -> datetime | None:
    return read_stamp(text, now)[0] or epoch(text)


class Kumomta:
    """KumoMTA's log records, one JSON object a line."""

    name = "kumomta-log"

    def knows(self, line: str) -> bool:
        """See Dialect."""
        return line.startswith("{") and '"type"' in line and '"recipient"' in line

    def read(self, line: str, memory: Memory, now: datetime) -> list[Outcome]:  # noqa: ARG002  each record says all
        """See Dialect."""
        try:
            record: Any = msgspec.json.decode(line)
        except msgspec.DecodeError:
            return []
        if not isinstance(record, dict):
            return []
        kind = _TYPES.get(str(record.get("type")).lower())
        named = record.get("recipient")
        recipients = [one for one in (named if isinstance(named, list) else [named]) if isinstance(one, str) and one]
        return [_of_record(kind, recipient, record) for recipient in recipients] if kind else []


def _of_record(kind: Kind, recipient: str, record: dict[str, Any]) -> Outcome:
    response, peer, headers = (_table(record.get(name)) for name in ("response", "peer_address", "headers"))
    code, parts = response.get("code"), _table(response.get("enhanced_code"))
    status = ".".join(str(parts.get(name)) for name in ("class", "subject", "detail"))
    content = str(response.get("content") or "")
    command = str(response.get("command") or "").upper().replace(":", " ").split()
    known = code if isinstance(code, int) and 200 <= code < 600 else None  # noqa: PLR2004  replies of SMTP
    identity = next((value for name, value in headers.items() if name.lower() == "message-id"), None)
    return Outcome(
        kind=kind,
        recipient=recipient,
        said=" ".join(str(one) for one in (known, status if _is_status(status) else None, content) if one),
        status=status if _is_status(status) else None,
        command=_COMMANDS.get(command[0]) if command else None,
        queue=str(record["id"]) if record.get("id") else None,
        remote_mta=str(peer["name"]).rstrip(".") if peer.get("name") else None,
        reporting_mta=str(record["nodename"]) if record.get("nodename") else None,
        label=str(record["bounce_classification"]) if record.get("bounce_classification") not in {None, "", "Uncategorized"} else None,
        at=epoch(record.get("timestamp")),
        message_id=str(identity).strip().strip("<>") or None if identity else None,
        sender=str(record["sender"]) if record.get("sender") else None,
    )


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_status(text: str) -> bool:
    return _STATUS.fullmatch(text) is not None
