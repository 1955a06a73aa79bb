"""A header block by offset: looked up without parsing what nobody asks for.

Values are unfolded and decoded: raw bytes as text, encoded words (RFC 2047) by the MIME parser.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bounceclass.mime.charsets import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bounceclass.protocols import Parser
    from bounceclass.settings import Limits

__all__ = ["Headers", "end_of_headers", "raw_field"]

_UNFOLD: Final = re.compile(rb"\r?\n[ \t]?")
_FIELD: Final = re.compile(rb"(?:^|\n)([!-9;-~]{1,100})[ \t]*:")


def end_of_headers(raw: bytes, start: int, end: int, limit: int) -> tuple[int, int]:
    """Return where the header block of raw[start:end] ends, and where the body starts."""
    if raw.startswith((b"\n", b"\r\n"), start, end):  # no headers at all
        return start, start + (1 if raw[start : start + 1] == b"\n" else 2)
    stop = min(end, start + limit)
    bare, mac = raw.find(b"\n\n", start, stop), raw.find(b"\n\r\n", start, stop)
    if bare >= 0 and (mac < 0 or bare < mac):
        return bare + 1, bare + 2
    if mac >= 0:
        return mac + 1, mac + 3
    return stop, stop


def raw_field(raw: bytes, lowered: bytes, name: bytes) -> bytes | None:
    """Return the folded value of the first field `name` (lower case) of a header block."""
    span = _place(lowered, name, 0)
    return None if span is None else raw[span[0] : span[1]]


def _place(lowered: bytes, name: bytes, start: int) -> tuple[int, int] | None:
    at = 0 if start == 0 and lowered.startswith(name) else lowered.find(b"\n" + name, start) + 1
    while at > 0 or (start == 0 and lowered.startswith(name) and at == 0):
        colon = at + len(name)
        while lowered[colon : colon + 1] in (b" ", b"\t"):
            colon += 1
        if lowered[colon : colon + 1] == b":":
            return colon + 1, _end_of_value(lowered, colon)
        start = at + 1
        at = lowered.find(b"\n" + name, start) + 1
    return None


def _end_of_value(raw: bytes, at: int) -> int:
    """Return the end of a field: the first line end that no blank follows, or a lost fold."""
    while True:
        at = raw.find(b"\n", at)
        if at < 0:
            return len(raw)
        after = raw[at + 1 : at + 2]
        if after not in (b" ", b"\t") and not _lost_fold(raw, at):
            return at
        at += 1


def _lost_fold(raw: bytes, at: int) -> bool:
    """Tell whether the next line is a parameter whose fold lost its blank: `;` LF `boundary=`."""
    return raw[max(0, at - 2) : at].rstrip(b"\r").endswith(b";") and raw[at + 1 : at + 10].lower().startswith(b"boundary=")


class Headers:
    """The fields of one header block, by name in any case; the first of several counts."""

    __slots__ = ("_limits", "_lowered", "_noted", "_parser", "_raw", "_values")

    def __init__(self, raw: bytes, parser: Parser, limits: Limits, note: Callable[[str, str], None] | None = None) -> None:
        """Keep the block; nothing is read before it is asked for. `note` takes defects: code and where."""
        self._noted = note
        if len(raw) >= limits.header_block:
            self._note("header-cut", "block")
        self._raw = raw[: limits.header_block]
        self._lowered = self._raw.lower()
        self._parser = parser
        self._limits = limits
        self._values: dict[str, str | None] = {}

    def _note(self, code: str, where: str) -> None:
        if self._noted is not None:
            self._noted(code, where)

    def __bool__(self) -> bool:
        """Tell whether the block holds anything."""
        return bool(self._raw.strip())

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a field."""
        return _place(self._lowered, name.lower().encode("ascii", "replace"), 0) is not None

    def get(self, name: str) -> str | None:
        """Return the decoded value of a field, None where there is none; it is looked up once."""
        if name not in self._values:
            value = raw_field(self._raw, self._lowered, name.lower().encode("ascii", "replace"))
            self._values[name] = None if value is None else self._decode(value)
        return self._values[name]

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield every field's name as written and decoded value, in order."""
        for count, match in enumerate(_FIELD.finditer(self._raw)):
            if count >= self._limits.headers:
                self._note("header-cut", "fields")
                return
            yield match[1].decode("ascii"), self._decode(self._raw[match.end() : _end_of_value(self._raw, match.end())])

    def _decode(self, value: bytes) -> str:
        if len(value) > self._limits.header_value:
            self._note("header-cut", "value")
        text = decode(_UNFOLD.sub(b" ", value[: self._limits.header_value]).strip()).replace("\0", "")
        if "=?" not in text:
            return text
        if text.count("=?") > self._limits.encoded_words:
            self._note("header-cut", "encoded words")
            return text
        return self._parser.decode_header(text)
