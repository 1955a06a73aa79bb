"""Whether a plugin is called now: a circuit breaker, so that thousands of calls don't each wait for a server that is away.

    closed       every call may be made              "not now" so many times in a row: open
    open         none may, for a time                that is over: half open
    half open    one may, and tells for all          it came through: closed; "not now": open again, for twice as long

Rule 1: the time is an argument; nothing here waits or has a thread.
Rule 2: a call that was refused says nothing of the others: the next may be made, in whatever state.
Rule 3: a probe that never comes back (the store was away) holds nothing up: after as long again there is another.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

__all__ = ["IN_A_ROW", "Breaker"]

IN_A_ROW: Final = 5
"""Calls that fail one after the other, before no more are made."""
_FIRST: Final = timedelta(seconds=30)
_DOUBLED: Final = timedelta(minutes=15)
"""How far doubling goes: so late, at most, is a server that is back noticed."""
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(hours=6)
"""Of what a server may ask for."""


class Breaker:
    """The breaker of one plugin instance: asked before each call, told what came of it."""

    def __init__(self) -> None:
        """Begin closed."""
        self._failures = 0
        self._wait = timedelta(0)
        """How long none is called; while closed the longest that was asked for in this row of failures."""
        self._pause: tuple[datetime, datetime] | None = None
        """From when until when none is called; None where closed."""

    @property
    def until(self) -> datetime | None:
        """When one call may be tried again, None where all may be made."""
        return self._pause[1] if self._pause else None

    def room(self, now: datetime, most: int) -> int:
        """Return how many calls may be made, at most so many: all, one, or none."""
        if self._pause is None:
            return most
        since, until = self._pause
        return 0 if since <= now < until else min(most, 1)  # a clock that was put back is no reason to wait

    def take(self, now: datetime) -> bool:
        """Tell whether a call may be made now; the one that may while half open is the only one for as long again."""
        if not self.room(now, 1):
            return False
        if self._pause is not None:
            self._pause = (now, now + self._wait)
        return True

    def succeed(self) -> bool:
        """Note that a call came through; return whether calls were paused until then."""
        was_paused = self._pause is not None
        self._failures, self._wait, self._pause = 0, timedelta(0), None
        return was_paused

    def refuse(self, now: datetime) -> None:
        """Note a call that was about itself: the next one may be the probe."""
        if self._pause is not None:
            self._pause = (now, now)

    def fail(self, now: datetime, after: timedelta | None) -> bool:
        """Note a "not now", with the wait that it asks for; return whether calls are paused from here on, which they were not."""
        wait = _FIRST if after is None else min(max(after, _SHORTEST), _LONGEST)
        if self._pause is not None:
            self._wait = max(wait, min(_DOUBLED, 2 * self._wait))
            self._pause = (now, now + self._wait)
            return False
        self._failures += 1
        self._wait = max(self._wait, wait)
        if self._failures < IN_A_ROW:
            return False
        self._pause = (now, now + self._wait)
        return True
