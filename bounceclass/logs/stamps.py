"""Times as logs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["epoch", "read_stamp"]

_MONTHS: Final = {name: number for number, name in enumerate(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1)}
_SYSLOG: Final = re.compile(r"([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.\d+)?(?= )")
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?\d*(?: ?[+-]\d\d:?\d\d|Z)?")
_AHEAD: Final = timedelta(days=1)


def read_stamp(text: str, now: datetime) -> tuple[datetime | None, int]:
    """Return the time at the head of a line, in UTC, and where the rest begins; None and 0 where there is none.

    A time without a zone is this host's, as logs are; one without a year (RFC 3164) is the last such day that is not in the future.
    """
    if found := _ISO.match(text):
        try:
            return datetime.fromisoformat(found[0].replace(" +", "+").replace(" -", "-")).astimezone(UTC), found.end()
        except (ValueError, OverflowError):
            return None, found.end()
    if (found := _SYSLOG.match(text)) and found[1] in _MONTHS:
        return _dated(_MONTHS[found[1]], *(int(found[at]) for at in range(2, 6)), now=now), found.end()
    return None, 0


def _dated(month: int, day: int, hour: int, minute: int, second: int, *, now: datetime) -> datetime | None:  # noqa: PLR0913  a time
    for year in (now.year + 1, now.year, now.year - 1):
        try:
            at = datetime(year, month, day, hour, minute, min(second, 59)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
        if at <= now + _AHEAD:
            return at
    return None


def epoch(seconds: object) -> datetime | None:
    """Return a time given in seconds since 1970, None where it is none."""
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC)
    except (ValueError, OverflowError, OSError):
        return None
