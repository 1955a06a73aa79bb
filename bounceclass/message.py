"""Bytes to the parts of a mail that matter, with decoded text. Never raises on any bytes.

    top headers        who says it
    text               the notice for people: the first text part
    status parts       message/delivery-status, feedback-report, disposition-notification
    original           the headers of what came back; its body is never parsed

LF, CRLF and CR line ends read the same. All limits bite here and in `mime`, and what they cut is a
defect of the Report.
"""

from __future__ import annotations

import base64
import html
import quopri
import re
import string
from functools import lru_cache
from itertools import islice
from textwrap import dedent
from typing import TYPE_CHECKING, Final

from bounceclass.mime.charsets import GUESSED, decode_telling
from bounceclass.mime.headers import Headers, end_of_headers
from bounceclass.mime.parsers import parser_named, read_shape
from bounceclass.mime.split import PRINTABLE, Part, Splitter
from bounceclass.model import Defect
from bounceclass.returned import find_headers
from bounceclass.transcript import lower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bounceclass.protocols import Parser, Shape
    from bounceclass.settings import Settings

__all__ = ["DELIVERY", "DISPOSITION", "FEEDBACK", "Message", "as_text"]

DELIVERY: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
FEEDBACK: Final = frozenset({"message/feedback-report"})
DISPOSITION: Final = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_ENCLOSED: Final = frozenset({"message/rfc822", "message/global"})
_STATUS: Final = DELIVERY | FEEDBACK | DISPOSITION
_HEADERS_ONLY: Final = frozenset({"text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global-headers"})
_FIELDS: Final = 2048
_TRIED: Final = 3
"""Text parts that are looked at for the notice."""
_BEHIND_QUOTE: Final = re.compile(rb'("[^"]*")(?=[^; ])')
_TELLING: Final = 64 * 1024
"""Bytes of a mail that tell how its lines end."""
_LONGEST: Final = {"base64": 6, "quoted-printable": 13}
"""Raw bytes that a character may take, line ends included; in other encodings four."""
_NO_BASE64: Final = bytes(set(range(256)) - set(string.ascii_letters.encode() + string.digits.encode() + b"+/"))
_TAGS: Final = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d)[^<>]{0,200}>(?:[ \t]*\n)?|<[^<>]{1,1000}>", re.IGNORECASE)
_INLINE: Final = re.compile(r"<(?!/|br\b)|</(?:a|b|i|u|em|strong|span|font|tt|code|small|big|su[bp]|label)\b", re.IGNORECASE)
"""A tag that ends no line: one that opens, or closes a part of one."""
_BESIDE: Final = "\0"
"""For a tag within a line, until it is known whether a line begins there; NUL stands in no text."""
_LINE_START: Final = re.compile(rf"^[ {_BESIDE}]*{_BESIDE}", re.MULTILINE)
_MAILTO: Final = re.compile(r"<a\s[^<>]{0,500}?href\s*=\s*[\"']?mailto:([^\"'<>?\s]{3,320})[^<>]{0,500}>([^<@]{0,200})</a>", re.IGNORECASE)
"""A link to an address under another name than its own."""
_UNSEEN: Final = re.compile(r"<(style|script|head)\b")


class Message:
    """One mail, read as far as asked: text and status are decoded when first used. `of_daemon` is what `autoreply` has told of its sender.

    `headers` are the mail's own; `notice_headers` those of the notice itself, which differ where it
    was forwarded within another mail.
    """

    def __init__(self, raw: bytes, settings: Settings, parser: Parser | None = None, *, cut: bool = False) -> None:
        """Split the bytes and choose the parts; `cut` tells that they are only the head of a larger mail.

        `parser` is by default the built-in one that the settings name.
        """
        limits = settings.limits
        self.limits = limits
        self.engine = parser or parser_named(settings.parser)
        self.parser = self.engine.name
        self._defects: dict[tuple[str, str], None] = {}
        if cut or len(raw) > limits.message:
            raw = raw[: limits.head]
            self.add_defect("message-too-large", f"read up to byte {limits.head}")
        self.raw = raw = _with_line_ends(raw)
        splitter = Splitter(raw, limits)
        self.parts: list[Part] = splitter.split(0, len(raw))
        self.headers = self.notice_headers = Headers(splitter.head, self.engine, limits, self._defects, splitter.searched)
        self._look_within(splitter)
        self._defects |= splitter.defects
        self._decoded: dict[int, str] = {}
        self._text: str | None = None
        self.of_daemon: bool | None = None

    def _look_within(self, splitter: Splitter) -> None:
        """Take the parts of a notice that is enclosed in this mail, where the mail is none itself."""
        self._types = {part.content_type for part in self.parts}
        inner = self._first_enclosed() if self._types.isdisjoint(_STATUS) else None
        if inner is not None:
            within = splitter.split(inner.body, inner.end, depth=1)
            if any(part.content_type in _STATUS for part in within):
                self.parts, self._types = within, {part.content_type for part in within}
                self.notice_headers = self._original(inner)

    def _first_enclosed(self) -> Part | None:
        clear = [part for part in self.of_type(_ENCLOSED) if not part.encoding_is_opaque()]
        return clear[0] if clear else None

    @property
    def defects(self) -> tuple[Defect, ...]:
        """What was wrong with the input, in the order in which it was met."""
        return tuple([Defect(code, where) for code, where in self._defects])

    def add_defect(self, code: str, where: str) -> None:
        """Note a defect once."""
        self._defects.setdefault((code, where))

    def of_type(self, types: frozenset[str]) -> list[Part]:
        """Return the parts of some types, in order."""
        return [] if self._types.isdisjoint(types) else [part for part in self.parts if part.content_type in types]

    def text(self) -> str:
        """Return the notice for people: the first text/plain part, else the first text/html without its tags."""
        if self._text is None:
            self._text = self._find_text()
        return self._text

    def _find_text(self) -> str:
        for wanted in ("text/plain", "text/html"):
            for part in self.parts:
                if part.content_type == wanted and (text := self.decoded(part, self.limits.text)).strip():
                    return _without_tags(text) if wanted == "text/html" else text
        return ""

    def take_text(self, tells: Callable[[str], bool]) -> None:
        """Take for the notice the first of a few text/plain parts that `tells`, where one does: a gateway's banner may stand before it."""
        if len([part for part in self.parts if part.content_type == "text/plain"]) > 1:
            texts = (self.decoded(part, self.limits.text) for part in self.parts if part.content_type == "text/plain")
            self._text = next(filter(tells, islice(filter(str.strip, texts), _TRIED)), None)

    def status_texts(self, types: frozenset[str]) -> Iterator[str]:
        """Yield the text of each machine-readable part of some types, of all of them together no more than `limits.status`."""
        room = self.limits.status
        for part in self.of_type(types):
            if room <= 0:
                self.add_defect("text-cut", part.content_type)
                return
            text = self.decoded(part, room)
            room -= len(text)
            yield text

    def decoded(self, part: Part, limit: int) -> str:
        """Return the text of a part, at most `limit` characters of it, with LF line ends; decoded once."""
        if id(part) not in self._decoded:
            self._decoded[id(part)] = self._decode(part, limit)
        return self._decoded[id(part)]

    def _decode(self, part: Part, limit: int) -> str:
        charset, encoding = self._shape(part)
        length = limit * _LONGEST.get(encoding or "", 4)
        whole = part.end - part.body <= length
        data = self.raw[part.body : part.end if whole else part.body + length]
        if encoding in {"base64", "quoted-printable"}:
            data = _transfer_decoded(data, encoding)
        text, guessed = decode_telling(data, charset, whole=whole)
        if guessed is not None:
            self.add_defect(GUESSED, guessed)
        if "\0" in text:  # means nothing in text, and databases refuse it
            text = text.replace("\0", "")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if len(text) > limit or not whole:
            text = text[:limit]
            self.add_defect("text-cut", part.content_type)
        return text

    def original(self, *, in_text: bool = False) -> Headers | None:
        """Return the headers of what came back of the original message; None where nothing did.

        `in_text` tells to look for them in the notice too, where no part holds them.
        """
        for part in self.parts:
            kind = part.content_type
            if kind in _HEADERS_ONLY or (kind.startswith("message/") and kind not in _STATUS):
                return self._original(part)
        block = find_headers(text := self.text()) if in_text else None
        if block is None:
            return None
        found = text[slice(*block)]
        found = dedent(found) if found[:1].isspace() else found
        return Headers(found.encode("utf-8", "replace"), self.engine, self.limits, self._defects)

    def _original(self, part: Part) -> Headers:
        block = self.limits.header_block
        if part.encoding_is_opaque():
            data = _transfer_decoded(self.raw[part.body : min(part.end, part.body + block)], self._shape(part)[1] or "")
            head_end, _ = end_of_headers(data, 0, len(data), block)
            return Headers(data[:head_end], self.engine, self.limits, self._defects)
        head_end, _ = end_of_headers(self.raw, part.body, part.end, block)
        return Headers(self.raw[part.body : head_end], self.engine, self.limits, self._defects)

    def _shape(self, part: Part) -> Shape:
        if not part.content_type.startswith(("text/", "message/")):
            return None, None
        name, shape = read_shape(self.engine, as_text(part.field), part.encoding())
        if name != self.engine.name:
            self.parser = name
        return shape


def as_text(field: bytes) -> bytes:
    """Return a Content-Type as that of a text, in lower case: only the charset is asked for, and flanker fails on message types that it does not know.

    Each parser makes something else of a quote that never ends, or that a semicolon does not follow: they get none.
    """
    return _as_text(field[:_FIELDS])


@lru_cache(maxsize=256)
def _as_text(field: bytes) -> bytes:
    parameters = b" ".join(field.partition(b";")[2].split()).lower().translate(PRINTABLE)
    if b"charset" not in parameters:
        return b"text/plain"
    parameters += b'"' * (parameters.count(b'"') % 2)
    return b"text/plain; " + _BEHIND_QUOTE.sub(rb"\1;", parameters)


def _with_line_ends(raw: bytes) -> bytes:
    """Return mail whose lines end in CR alone, most of them, with LF; anything else as it is."""
    first = raw.find(b"\r")
    if first < 0 or (raw.startswith(b"\n", first + 1) and raw.startswith(b"\n", raw.find(b"\r", first + 1) + 1)):
        return raw
    head = raw[:_TELLING]
    alone = head.count(b"\r") - head.count(b"\r\n")
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if alone > head.count(b"\n") else raw


def _transfer_decoded(data: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return quopri.decodestring(data)
    data = data.translate(None, _NO_BASE64)
    if len(data) % 4 == 1:  # no byte is that short
        data = data[:-1]
    return base64.b64decode(data + b"=" * (-len(data) % 4))


def _without_tags(text: str) -> str:
    text = _without_unseen(text)
    if "mailto:" in text:
        text = _MAILTO.sub(r"\2 &lt;\1&gt;", text)
    text = _LINE_START.sub("", _TAGS.sub(_in_place_of, text)).replace(_BESIDE, " ")
    return html.unescape(text).replace("\xa0", " ") if "&" in text else text


def _in_place_of(tag: re.Match[str]) -> str:
    """Return the line's end, the paragraph's end or the blank that a tag stands for; no blank where a line begins."""
    if _INLINE.match(tag[0]):
        return _BESIDE
    return "\n\n" if tag[0][1] == "/" and tag[0][2:3] in "pPhH" else "\n"


def _without_unseen(text: str) -> str:
    """Return HTML without style sheets, scripts and head; one that is never closed stays."""
    lowered, kept, place = lower(text), list[str](), 0
    unclosed: set[str] = set()
    for match in _UNSEEN.finditer(lowered):
        name = match[1]
        if match.start() < place or name in unclosed:
            continue
        end = lowered.find(f"</{name}>", match.end())
        if end < 0:
            unclosed.add(name)
            continue
        kept += (text[place : match.start()], " ")
        place = end + len(name) + 3
    return "".join((*kept, text[place:]))
