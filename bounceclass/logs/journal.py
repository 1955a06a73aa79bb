"""journald's JSON, `journalctl -o json`: entries of any program that syslog's dialects know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from bounceclass.logs.stamps import epoch
from bounceclass.logs.syslog import Entry
from bounceclass.mime import charsets

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bounceclass.logs.record import Memory, Outcome
    from bounceclass.logs.syslog import Syslog

__all__ = ["Journal"]


class Journal:
    """The format of each report is that of the program that speaks."""

    def __init__(self, dialects: Sequence[Syslog]) -> None:
        """Take the dialects of programs."""
        self._dialects = dialects
        self.name = dialects[0].name

    def knows(self, line: str) -> bool:
        """See Dialect."""
        return line.startswith("{") and '"__REALTIME_TIMESTAMP"' in line

    def read(self, line: str, memory: Memory, now: datetime) -> list[Outcome]:  # noqa: ARG002  the journal has years
        """See Dialect."""
        try:
            fields: Any = msgspec.json.decode(line)
        except msgspec.DecodeError:
            return []
        if not isinstance(fields, dict):
            return []
        entry = _entry(fields)
        dialect = next((one for one in self._dialects if one.takes(entry)), None)
        if dialect is None:
            return []
        self.name = dialect.name
        return dialect.said(entry, memory)


def _entry(fields: dict[str, Any]) -> Entry:
    text = fields.get("MESSAGE")
    if isinstance(text, list):  # octets that are no UTF-8
        text = charsets.decode(bytes(one & 0xFF for one in text if isinstance(one, int)))
    stamp = str(fields.get("__REALTIME_TIMESTAMP") or "")
    at = epoch(int(stamp) / 1_000_000) if stamp.isascii() and stamp.isdigit() else None
    return Entry(str(fields.get("_HOSTNAME") or ""), str(fields.get("SYSLOG_IDENTIFIER")), str(text).rstrip(), at)
