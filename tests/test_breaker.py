"""The circuit breaker: what it lets through, by a table and against whatever may happen."""

from __future__ import annotations

from copy import copy
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bounceclass.breaker import IN_A_ROW, Breaker

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
LONGEST = timedelta(hours=6)
ROW = ["fail"] * IN_A_ROW


def play(steps: list[object]) -> tuple[Breaker, datetime]:
    """Go through steps: `ok`, `refused`, `fail` or a number that a failure asks for come of a call; `+30` lets seconds pass; `lost` is a call of which nothing is heard."""
    breaker, now = Breaker(), NOW
    for step in steps:
        if isinstance(step, str) and step[0] in "+-":
            now += timedelta(seconds=int(step))
            continue
        assert breaker.take(now), step
        if step == "ok":
            breaker.succeed()
        elif step == "refused":
            breaker.refuse(now)
        elif step != "lost":
            breaker.fail(now, None if step == "fail" else timedelta(seconds=float(str(step))))
    return breaker, now


@pytest.mark.parametrize(
    ("steps", "room", "left"),
    [
        ([], 100, None),
        (ROW[1:], 100, None),  # one more is needed
        ([*ROW[1:], "ok", *ROW[1:]], 100, None),  # in a row
        ([*ROW[1:], "refused", "refused"], 100, None),  # says nothing of the others, neither way
        ([*ROW[1:], "refused", "fail"], 0, 30),
        (ROW, 0, 30),
        ([*ROW, "+29"], 0, 1),
        ([*ROW, "+30"], 1, 0),  # half open
        ([*ROW[2:], 90, 5], 0, 90),  # the longest that was asked for
        ([5] * IN_A_ROW, 0, 5),  # a server that is sooner back says so
        ([0.01] * IN_A_ROW, 0, 1),
        ([10**8] * IN_A_ROW, 0, 6 * 3600),
        ([*ROW, "+30", "ok"], 100, None),
        ([*ROW, "+30", "ok", *ROW[1:]], 100, None),  # all is forgotten
        ([*ROW, "+30", "refused"], 1, 0),  # the next one is the probe
        ([*ROW, "+30", "lost"], 0, 30),  # there is one at a time
        ([*ROW, "+30", "lost", "+30"], 1, 0),  # but not for ever
        ([*ROW, "+30", "fail"], 0, 60),
        ([*ROW, "+30", "fail", "+60", "fail"], 0, 120),
        ([*ROW, "+30", 100], 0, 100),
        ([*ROW, *["+900", "fail"] * 9], 0, 900),
        ([*([3600] * IN_A_ROW), "+3600", "fail"], 0, 900),  # what was asked for once is not doubled
        ([*ROW, "+30", "fail", "+60", "ok", *ROW], 0, 30),
        ([*ROW, "-5"], 1, 35),  # a clock that was put back
    ],
)
def test_how_many_calls_may_be_made_and_how_long_none_after(steps: list[object], room: int, left: int | None) -> None:
    breaker, now = play(steps)
    assert (breaker.room(now, 100), (breaker.until - now).total_seconds() if breaker.until else None) == (room, left)
    assert breaker.take(now) is bool(room)


def test_it_tells_once_that_it_opens_and_once_that_it_closes() -> None:
    breaker, now = Breaker(), NOW
    told: list[bool] = []
    for _ in range(IN_A_ROW + 3):
        told.append(breaker.fail(now, None))
        now += timedelta(hours=1)
    assert told == [number == IN_A_ROW - 1 for number in range(IN_A_ROW + 3)]
    assert [breaker.succeed(), breaker.succeed()] == [True, False]


class Anything(RuleBasedStateMachine):
    """Calls, answers and times in any order; what is promised is kept beside it, in other words."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now = Breaker(), NOW
        self.failures = 0
        """In a row, so that there is a pause from IN_A_ROW on."""
        self.pause = timedelta(0)
        """How long the last one is at least."""
        self.last = NOW
        """When the last call was made, or answered, in the pause."""

    @rule(seconds=strategies.sampled_from([0.0, 0.5, 1.0, 29.9, 30.0, 300.0, 900.0, 21600.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(outcome=strategies.sampled_from(["ok", "fail", "refused", "lost"]), asked=strategies.none() | strategies.integers(-10, 10**6), slow=strategies.integers(0, 30))
    def call(self, outcome: str, asked: int | None, slow: int) -> None:
        paused = self.failures >= IN_A_ROW
        if not self.breaker.take(self.now):
            assert paused
            return
        if paused:
            assert self.now - self.last >= self.pause, "called while it is open, or a second probe"
            self.last = self.now
            assert not self.breaker.take(self.now), "a second probe at once"
        self.now += timedelta(seconds=slow)
        if outcome == "ok":
            self.breaker.succeed()
            self.failures = 0
        elif outcome == "refused":
            self.breaker.refuse(self.now)
            self.pause = timedelta(0)
        elif outcome == "fail":
            after = None if asked is None else timedelta(seconds=asked)
            self.breaker.fail(self.now, after)
            self.failures += 1
            self.pause, self.last = min(max(timedelta(seconds=30) if after is None else after, timedelta(seconds=1)), LONGEST), self.now

    @invariant()
    def a_pause_is_what_follows_a_row_of_failures(self) -> None:
        assert (self.breaker.until is not None) == (self.failures >= IN_A_ROW)
        assert self.breaker.room(self.now, 100) in ({0, 1} if self.failures >= IN_A_ROW else {100})

    @invariant()
    def it_always_tries_again_in_the_end(self) -> None:
        assert copy(self.breaker).take(self.now + LONGEST)


TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
