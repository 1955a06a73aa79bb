"""Raw bytes to parts, as offsets: boundaries are found by `bytes.find`, nothing is copied.

Broken structure is read as far as it goes and named as a defect: a boundary that never occurs or
differs, a fold that lost its blank, a missing end, too many or too deep parts.
"""

from __future__ import annotations

import email.message
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from bounceclass.mime.headers import end_of_headers, raw_field, searchable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.settings import Limits

__all__ = ["PRINTABLE", "Part", "Splitter"]

PRINTABLE: Final = bytes(byte if 0x20 <= byte <= 0x7E else ord(";") for byte in range(256))  # noqa: PLR2004  the visible ones
"""What a MIME field is put through: a byte that none may hold (RFC 2045 5.1) ends a parameter; of the parsers, one takes it into the word."""

_BOUNDARY: Final = re.compile(rb"boundary\s*=\s*(?:\"([^\"\r\n]{1,200})\"?|'([^'\r\n]{1,200})'|([^\s;\"]{1,200}))", re.IGNORECASE)
_TYPE: Final = re.compile(rb"\s*\"?([a-z]+/[\w.+-]+)", re.IGNORECASE)
_ANY_DELIMITER: Final = re.compile(rb"^--([^\s-][^\r\n]{0,199}?)[ \t]*\r?\n(?:content-|x-|mime-)[\w-]{1,60}[ \t]*:", re.IGNORECASE | re.MULTILINE)
_MISSES: Final = 100
_WHITE: Final = b" \t\r"
_SEARCHED: Final = 256 * 1024

_Found = tuple[int, int, bool]
"""A delimiter line: its start (the line end before it included), its end, whether it closes."""


@lru_cache(maxsize=256)
def _type(field: bytes) -> str:
    match = _TYPE.match(field)
    return match[1].decode("ascii").lower() if match else "text/plain"


def _continued(field: bytes) -> bytes:
    """Return a boundary that is split into pieces (RFC 2231 3), as the standard library reads it."""
    holder = email.message.Message()
    holder["Content-Type"] = " ".join(field.decode("ascii", "replace").split())
    return (holder.get_boundary() or "").encode("ascii", "replace")


class Part:
    """A leaf: its type in lower case, and where its headers and its body stand in the raw bytes."""

    __slots__ = ("body", "content_type", "end", "field", "head", "searched")

    def __init__(self, content_type: str, field: bytes, head: bytes, searched: bytes, *, body: int, end: int) -> None:  # noqa: PLR0913  what it is, and where
        """Keep the raw Content-Type field and header block, and its searchable form, beside the offsets."""
        self.content_type = content_type
        self.field = field
        self.head = head
        self.searched = searched
        self.body = body
        self.end = end

    def encoding(self) -> bytes | None:
        """Return the transfer encoding, in lower case."""
        value = raw_field(self.head, self.searched, b"\ncontent-transfer-encoding")
        return None if value is None else value.strip()[:100].lower().translate(PRINTABLE)

    def encoding_is_opaque(self) -> bool:
        """Tell whether the body must be decoded before its structure can be seen."""
        return (self.encoding() or b"").startswith((b"base64", b"quoted-printable"))


class Splitter:
    """Splits one message; counts parts over all of it and gathers defects."""

    def __init__(self, raw: bytes, limits: Limits) -> None:
        """Prepare; `defects` is filled as (code, where), `head` and `searched` with the header block of what is split first."""
        self.raw = raw
        self.limits = limits
        self.defects: dict[tuple[str, str], None] = {}
        self.head = self.searched = b""
        self._count = 0

    def split(self, start: int, end: int, depth: int = 0) -> list[Part]:
        """Return the leaves of the entity raw[start:end], in order."""
        leaves: list[Part] = []
        self._split(start, end, depth, leaves)
        return leaves

    def _split(self, start: int, end: int, depth: int, leaves: list[Part]) -> None:
        head_end, body = end_of_headers(self.raw, start, end, self.limits.header_block)
        head = self.raw[start:head_end]
        searched = searchable(head)
        if not self._count:
            self.head, self.searched = head, searched
        self._count += 1
        field = raw_field(head, searched, b"\ncontent-type") or b""
        content_type = _type(field)
        if not content_type.startswith("multipart/"):
            leaves.append(Part(content_type, field, head, searched, body=body, end=end))
            return
        if depth >= self.limits.depth:
            self._defect("too-deep", content_type)
            leaves.append(Part("application/octet-stream", b"", head, searched, body=body, end=end))
            return
        delimiter = self._delimiter(field, body, end, content_type)
        if delimiter is None:
            leaves.append(Part("text/plain", b"", head, searched, body=body, end=end))
            return
        for left, right in self._entities(*delimiter, end):
            if self._count >= self.limits.parts:
                self._defect("too-many-parts", content_type)
                return
            self._split(left, right, depth + 1, leaves)

    def _delimiter(self, field: bytes, body: int, end: int, content_type: str) -> tuple[bytes, _Found | None] | None:
        """Return what each delimiter line of a body begins with, and the first of them; None where the body has none."""
        match = _BOUNDARY.search(field)
        stated = (match[1] or match[2] or match[3] or b"").rstrip() if match else b""
        if b"boundary*" in field.lower():
            stated = _continued(field)
        mark = b"--" + stated
        first = self._find(mark, body, end) if stated else None
        if first is not None:
            return mark, first
        self._defect("boundary-not-found" if stated else "boundary-missing", content_type)
        found = _ANY_DELIMITER.search(self.raw, body, min(end, body + _SEARCHED))
        return None if found is None else (mark := b"--" + found[1], self._find(mark, body, end))

    def _entities(self, mark: bytes, found: _Found | None, end: int) -> Iterator[tuple[int, int]]:
        """Yield (start, end) of each entity between the delimiters that begin with `mark`, the first of which was found."""
        while found is not None:
            _, start, closing = found
            if closing:
                return
            found = self._find(mark, start, end)
            if found is None:
                self._defect("boundary-unclosed", "")
                yield start, end
                return
            yield start, max(start, found[0])

    def _find(self, mark: bytes, start: int, end: int) -> _Found | None:
        """Return the next delimiter line."""
        raw = self.raw
        at = start if raw.startswith(mark, start, end) else raw.find(b"\n" + mark, start, end) + 1 or -1
        misses = 0
        while at >= 0:
            after = at + len(mark)
            closing = raw.startswith(b"--", after)
            after += 2 * closing
            line_end = raw.find(b"\n", after, end)
            line_end = end if line_end < 0 else line_end
            if line_end == after or not raw[after : min(line_end, after + 80)].strip(_WHITE):
                before = at - 1 if at > start else at  # the line end before it is the delimiter's
                before = before - 1 if before > start and raw.startswith(b"\r", before - 1) else before
                return before, min(line_end + 1, end), closing
            misses += 1
            at = self._next(mark, after, end) if misses < _MISSES else self._next_sure(mark, after, end)
        return None

    def _next_sure(self, mark: bytes, start: int, end: int) -> int:
        """Find the next delimiter line among many that only begin like one, at the speed of `re`."""
        match = re.compile(b"\n" + re.escape(mark) + rb"(?:--)?[ \t\r]*(?=\n|\Z)").search(self.raw, start, end)
        return match.start() + 1 if match else -1

    def _next(self, mark: bytes, start: int, end: int) -> int:
        at = self.raw.find(b"\n" + mark, start, end)
        return at + 1 if at >= 0 else -1

    def _defect(self, code: str, where: str) -> None:
        self.defects.setdefault((code, where))
