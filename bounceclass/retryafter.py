"""Retry-After: how long a server asks to be left alone (RFC 9110, 10.2.3), a number of seconds or a date."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["AGAIN", "LATER", "seconds_asked"]

LATER: Final = 60.0
"""Seconds, where the answer names no time."""
_LONGEST: Final = 86400.0
AGAIN: Final = frozenset({408, 425, 429})
"""What of 4xx is about the moment and not about us: RFC 9110, 15.5.9; RFC 8470; RFC 6585."""


def seconds_asked(after: str | None) -> float:
    """Return for how many seconds the field asks: one at least, a day at most; LATER where it is missing, or can't be read."""
    text = (after or "").strip()
    if text.isascii() and text.isdigit():
        return min(max(float(text[:9]), 1.0), _LONGEST)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return LATER
    left = (when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime.now(UTC)
    return min(max(left.total_seconds(), 1.0), _LONGEST)
