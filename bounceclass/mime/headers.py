"""A header block by offset: looked up without parsing what nobody asks for.

Values are unfolded and decoded: raw bytes as text, encoded words (RFC 2047) by the MIME parser.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from bounceclass.mime.charsets import GUESSED, decode_telling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from bounceclass.protocols import Parser
    from bounceclass.settings import Limits

__all__ = ["Headers", "end_of_headers", "raw_field", "searchable"]

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_UNFOLD: Final = re.compile(rb"\r?\n[ \t]?")
_BLANKS: Final = (b" ", b"\t")
_B: Final = (b"b", b"B")
_GOES_ON: Final = b" \tbB"
"""What a line may begin with that belongs to the field above it: a fold, or `boundary=` where the fold was lost."""
_FIELD: Final = re.compile(rb"(?:^|\n)([!-9;-~]{1,100})[ \t]*:")


def end_of_headers(raw: bytes, start: int, end: int, limit: int) -> tuple[int, int]:
    """Return where the header block of raw[start:end] ends, and where the body starts."""
    if raw.startswith((b"\n", b"\r\n"), start, end):  # no headers at all
        return start, start + (1 if raw[start : start + 1] == b"\n" else 2)
    stop = min(end, start + limit)
    blank = _BLANK_LINE.search(raw, start, stop)
    return (blank.start() + 1, blank.end()) if blank else (stop, stop)


def searchable(raw: bytes) -> bytes:
    """Return a header block as `raw_field` looks through it: in lower case, below a line end."""
    return b"\n" + raw.lower()


def raw_field(raw: bytes, searched: bytes, name: bytes) -> bytes | None:
    """Return the folded value of the first field `name` (lower case, behind a line end) of a header block; `searched` is its searchable form."""
    start = _value(searched, name)
    if start < 0:
        return None
    end = raw.find(b"\n", start)
    return raw[start : end if end >= 0 and raw[end + 1 : end + 2] not in _GOES_ON else _end_of_value(raw, start)]


def _value(searched: bytes, name: bytes) -> int:
    """Return where, in the block itself, the value of a field begins: `searched` has one character more."""
    at = searched.find(name)
    while at >= 0:
        colon = at + len(name)
        if searched.startswith(b":", colon):
            return colon
        while (mark := searched[colon : colon + 1]) in _BLANKS:
            colon += 1
        if mark == b":":
            return colon
        at = searched.find(name, colon)
    return -1


def _end_of_value(raw: bytes, at: int) -> int:
    """Return the end of a field: the first line end that no blank follows, or a lost fold."""
    while True:
        at = raw.find(b"\n", at)
        if at < 0:
            return len(raw)
        after = raw[at + 1 : at + 2]
        if after not in _BLANKS and not (after in _B and _lost_fold(raw, at)):
            return at
        at += 1


def _lost_fold(raw: bytes, at: int) -> bool:
    """Tell whether the next line is a parameter whose fold lost its blank: `;` LF `boundary=`."""
    return raw[max(0, at - 2) : at].rstrip(b"\r").endswith(b";") and raw[at + 1 : at + 10].lower().startswith(b"boundary=")


def _without_nul(text: str) -> str:
    """NUL means nothing in text; flanker drops a word that has one, and databases refuse it."""
    return text.replace("\0", "") if "\0" in text else text


@lru_cache(maxsize=256)
def _key(name: str) -> bytes:
    return b"\n" + name.lower().encode("ascii", "replace")


class Headers:
    """The fields of one header block, by name in any case; the first of several counts."""

    __slots__ = ("_defects", "_limits", "_parser", "_raw", "_searched", "_values")

    def __init__(
        self, raw: bytes, parser: Parser, limits: Limits, defects: dict[tuple[str, str], None] | None = None, searched: bytes | None = None
    ) -> None:
        """Keep the block and, where it was made, its searchable form; nothing is read before it is asked for.

        Into `defects` go those that are met: code and where.

        They are no function: a mail would hold its headers, and they the mail, until the collector comes.
        """
        self._defects = {} if defects is None else defects
        if len(raw) >= limits.header_block:
            self._note("header-cut", "block")
        self._raw = raw[: limits.header_block]
        self._searched = searchable(self._raw) if searched is None else searched
        self._parser = parser
        self._limits = limits
        self._values: dict[str, str | None] = {}

    def _note(self, code: str, where: str) -> None:
        self._defects.setdefault((code, where))

    def __bool__(self) -> bool:
        """Tell whether the block holds anything."""
        return bool(self._raw.strip())

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a field."""
        return _value(self._searched, _key(name)) >= 0

    def get(self, name: str) -> str | None:
        """Return the decoded value of a field, None where there is none; it is looked up once."""
        values = self._values
        if name in values:
            return values[name]
        start = _value(self._searched, _key(name))
        values[name] = value = None if start < 0 else self._read(start)
        return value

    def _read(self, start: int) -> str:
        """Return the value that begins there; most take one line and hold nothing that is to be decoded."""
        raw = self._raw
        end = raw.find(b"\n", start)
        value = raw[start:end]
        if end >= 0 and raw[end + 1 : end + 2] not in _GOES_ON and value.isascii() and len(value) <= self._limits.header_value:
            text = value.strip().decode("ascii")
            if "=?" not in text and text.isprintable():
                return text
        return self._decode(raw[start : _end_of_value(raw, start)])

    def items(self, names: AbstractSet[str] | None = None) -> Iterator[tuple[str, str]]:
        """Yield every field's name as written and decoded value, in order; with `names` (lower case) only theirs."""
        for count, match in enumerate(_FIELD.finditer(self._raw)):
            if count >= self._limits.headers:
                self._note("header-cut", "fields")
                return
            name = match[1].decode("ascii")
            if names is None or name.lower() in names:
                yield name, self._read(match.end())

    def _decode(self, value: bytes) -> str:
        if len(value) > self._limits.header_value:
            self._note("header-cut", "value")
            value = value[: self._limits.header_value]
        if b"\n" in value:
            value = _UNFOLD.sub(b" ", value)
        text, guessed = decode_telling(value.strip(), among=self._raw)
        text = _without_nul(text)
        if guessed is not None:
            self._note(GUESSED, guessed)
        if "=?" not in text:
            return text
        if text.count("=?") > self._limits.encoded_words:
            self._note("header-cut", "encoded words")
            return text
        return _without_nul(self._parser.decode_header(text))
