"""Where the returned mail begins in a text, for notices that have no part of its own for it.

    --- Below this line is a copy of the message.

    Return-Path: <list-bounces@example.com>
    Received: from ...
    Message-ID: <1@example.com>

Header fields tell it in any language: three or more in a row, one of them such as only a whole mail has.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from bounceclass.transcript import lower

__all__ = ["cut_off", "find_headers"]

_FIELD: Final = re.compile(r"^[ \t>|]{0,8}([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:")
_OF_A_MAIL: Final = frozenset({"received", "return-path", "message-id", "mime-version", "content-type", "dkim-signature", "delivered-to", "x-mailer"})
_USUAL: Final = _OF_A_MAIL | {"from", "to", "cc", "subject", "date", "sender", "reply-to", "content-transfer-encoding", "precedence", "list-id"}
_FEWEST: Final = 3
_LOST: Final = 8
"""Lines of a Received field that have lost their indentation, as where a notice was pasted or passed on."""


def cut_off(text: str) -> str:
    """Return a text up to the header block of the mail that it returns."""
    block = find_headers(text)
    return text[: block[0]] if block and block[0] > 0 else text


@lru_cache(maxsize=16)  # a text is asked about by each reader of its mail
def find_headers(text: str) -> tuple[int, int] | None:
    """Return start and end of the header block of a mail within a text; None where there is none."""
    if not any(word in text for word in ("Received:", "Message-I", "MIME-V", "Mime-V", "Return-Path:", "Content-Type:")):
        return None
    lowered = lower(text)
    first = min((place for name in _OF_A_MAIL if (place := lowered.find(name)) >= 0), default=-1)
    if first < 0:
        return None
    place = text.rfind("\n\n", 0, first) + 1  # a blank line ends a block, so none that counts begins before
    return _find_block(text, place)


def _find_block(text: str, place: int) -> tuple[int, int] | None:
    """Return start and end of the first header block at or behind a line's start."""
    start, names, lost = -1, set[str](), 0
    for line in text[place:].split("\n"):
        match = _FIELD.match(line) if ":" in line else None
        if match is None and not names:
            place += len(line) + 1
            continue
        name = match[1].lower() if match else ""
        if name in _USUAL or name.startswith("x-") or (name and names):
            start = place if start < 0 else start
            names.add(name)
            lost = _LOST if name == "received" else 0
        elif lost and line.strip():
            lost -= 1
        elif not (line[:1].isspace() and line.strip()):
            if _is_block(names):
                return start, place
            start, names = -1, set()
        place += len(line) + 1
    return (start, len(text)) if _is_block(names) else None


def _is_block(names: set[str]) -> bool:
    return len(names) >= _FEWEST and not names.isdisjoint(_OF_A_MAIL)
