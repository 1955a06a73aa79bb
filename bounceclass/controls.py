"""Characters that steer what shows a text, or turn its direction: spelt out, wherever text of others is written."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["escape_json", "printable", "printable_lines", "steers"]

_STEERING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_BEYOND: Final = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""The same but for what JSON escapes by itself."""


def printable(text: str) -> str:
    r"""Return text that a terminal shows and does not obey: control characters as `\xNN` or `\uNNNN`."""
    return _STEERING.sub(_spell, text)


def printable_lines(text: str) -> str:
    """Return the same of text that may have lines and tabs of its own, such as a cell of a table."""
    return _STEERING.sub(lambda match: match[0] if match[0] in "\n\t" else _spell(match), text)


def steers(text: str) -> bool:
    """Tell whether there is such a character in a text."""
    return _STEERING.search(text) is not None


def _spell(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004  two digits or four


def escape_json(data: bytes) -> bytes:
    r"""Return the same JSON with every such character as `\uNNNN`: RFC 8259 asks that only of those below U+0020."""
    if data.isascii() and b"\x7f" not in data:
        return data
    return _BEYOND.sub(lambda match: f"\\u{ord(match[0]):04x}", data.decode("utf-8")).encode()
