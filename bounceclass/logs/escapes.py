r"""Octets as logs spell them out: `\n`, `\\`, and `\320\237` for what is beyond ASCII (string_printing() of Exim's source, str2prt() of Sendmail's)."""

from __future__ import annotations

import re
from typing import Final

from bounceclass.mime import charsets

__all__ = ["unescape"]

_ESCAPES: Final = re.compile(rb"\\(?:([0-7]{3})|([nrtbvf\\]))")
_WHITE: Final = {b"n": b"\n", b"r": b"\n", b"t": b"\t", b"\\": b"\\"}


def unescape(text: str) -> str:
    """Return the text that was spelt out."""
    if "\\" not in text:
        return text
    return charsets.decode(_ESCAPES.sub(_octet, text.encode("utf-8", "replace")))


def _octet(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 8) & 0xFF]) if match[1] else _WHITE.get(match[2], b" ")
