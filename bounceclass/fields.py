"""The fields of machine-readable parts (RFC 3464 2.1, 5965 3, 8098 3.1): text to groups of fields.

    Reporting-MTA: dns; mx.example.org         one block about the message

    Final-Recipient: rfc822; user@example.net  and one for each recipient
    Diagnostic-Code: smtp; 550 5.1.1
        No such user

Read as MTAs write them, not only as the RFC says: a blank before the colon, junk lines, blank lines
within a group, a fold that lost its blank.
"""

from __future__ import annotations

import re
from functools import lru_cache
from io import StringIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Group", "address", "decode_xtext", "paragraphs", "typed"]

Group = dict[str, str]
"""Fields by name in lower case; the first of several counts. Values are unfolded."""

_NAME: Final = re.compile(r"([A-Za-z][\w.-]{1,60})[ \t]*\Z")
_LONGEST: Final = 100
"""Characters before a colon, blanks included."""
_AT_ONCE: Final = 64 * 1024
_XTEXT: Final = re.compile(r"\+(2B|3D)")
_ALNUM: Final = re.compile(r"[^\W_]")
_EMBEDDED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_TYPE: Final = re.compile(r"[\w-]{1,40}\Z")


@lru_cache(maxsize=256)  # they are a dozen, nearly always
def _name(written: str) -> str:
    """Return the field's name in lower case that stands before a colon, "" where it is none."""
    match = _NAME.match(written)
    return match[1].lower() if match else ""


class Paragraph:
    """Fields between two blank lines, and how many lines among them are none."""

    __slots__ = ("_lines", "junk")

    def __init__(self) -> None:
        """Start without fields."""
        self._lines: list[tuple[str, list[str]]] = []
        self.junk = 0

    def __bool__(self) -> bool:
        """Tell whether there are fields."""
        return bool(self._lines)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The fields, unfolded, in order."""
        return [(name, " ".join(lines)) for name, lines in self._lines]

    def add(self, line: str) -> None:
        """Take a line: a field, a continuation, or junk."""
        if line[0] in " \t" and self._lines:
            self._lines[-1][1].append(line.strip())
            return
        written, mark, value = line.partition(":")
        if mark and len(written) <= _LONGEST and (name := _name(written)):
            self._lines.append((name, [value.strip()]))
        elif self._lines and self._lines[-1][0] == "diagnostic-code":  # nullmailer does not fold a multi-line reply
            self._lines[-1][1].append(line.strip())
        else:
            self.junk += 1


def paragraphs(text: str) -> Iterator[Paragraph]:
    """Yield the paragraphs of fields of a status part."""
    current = Paragraph()
    # Taken apart at once, two million characters of short lines are fifty million bytes.
    for line in text.split("\n") if len(text) <= _AT_ONCE else StringIO(text, "\n"):
        if line.strip():
            current.add(line)
        elif current:
            yield current
            current = Paragraph()
    if current:
        yield current


def typed(value: str | None) -> tuple[str | None, str]:
    """Split "dns; mx.example.org" into its type, in lower case, and the rest; no type: None."""
    if value is None:
        return None, ""
    kind, mark, rest = value.partition(";")
    if mark and len(kind) <= _LONGEST and (name := _type(kind)):
        return name, rest.strip()
    return None, value.strip()


@lru_cache(maxsize=256)
def _type(written: str) -> str:
    word = written.strip()
    return word.lower() if _TYPE.match(word) else ""


def address(value: str | None) -> str | None:
    """Return the address of a Final- or Original-Recipient field as written, None where it names nobody.

    Only what wraps it is taken off: the type, angle brackets, a comment behind it (RFC 3464 2.3.2).
    """
    kind, text = typed(value)
    if kind == "utf-8":
        text = _EMBEDDED.sub(_character, text)  # RFC 6533 3: utf-8-addr-unitext
    text = text.strip().strip('"') if text.startswith('"<') else text.strip()
    if text.startswith("<") and ">" in text:
        text = text[1 : text.index(">")]
    elif " (" in text and "@" in text.partition(" (")[0]:
        text = text.partition(" (")[0]
    elif text.endswith(">") and "<" in text:
        text = text[text.rindex("<") + 1 : -1]
    text = text.strip().strip("<>").strip()
    return text if text and _ALNUM.search(text) else None


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match[0]  # noqa: PLR2004  Unicode's range


def decode_xtext(text: str | None) -> str | None:
    """Undo xtext (RFC 3461 4) of what an address may hold and xtext must encode: "+" and "="."""
    if text is None or "+" not in text:
        return text
    return _XTEXT.sub(lambda match: chr(int(match[1], 16)), text)
