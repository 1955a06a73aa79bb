"""How fast an API is asked, how long one waits for it, and what of an address gets into a path."""

from __future__ import annotations

import pytest

from bounceclass.errors import Retry
from bounceclass.http import Pace, checked, retry_after, segment
from tests.esp.loopback import Answer, Server
from tests.esp.remotes import acting, entry


class Time:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds


def test_calls_are_paced() -> None:
    clock = Time()
    pace = Pace(2, 1, clock, clock.sleep)
    for _ in range(4):
        pace.wait()
    assert clock.slept == [0.5, 0.5, 0.5]


def test_some_may_come_at_once_and_one_that_would_wait_long_asks_for_later() -> None:
    clock = Time()
    pace = Pace(0.1, 2, clock, clock.sleep)
    pace.wait()
    pace.wait()
    with pytest.raises(Retry) as caught:
        pace.wait()
    assert (caught.value.after, clock.slept) == (10.0, [])
    clock.now = 10.0
    pace.wait()


def test_after_a_429_nobody_calls_for_so_long(server: Server) -> None:
    server.answers = [Answer(429, headers=(("Retry-After", "30"),))]
    plugin = acting("resend", server)
    for _ in range(3):
        with pytest.raises(Retry):
            plugin.bounceclass_suppress(suppression=entry(), key="k1")
    assert len(server.asked) == 1


@pytest.mark.parametrize(("text", "seconds"), [("7", 7.0), ("0", 1.0), ("99999999", 86400.0), ("", 60.0), (None, 60.0), ("soon", 60.0), ("-3", 60.0), ("Mon, 09 Mar 2020 12:00:00 GMT", 1.0)])
def test_how_long_to_wait(text: str | None, seconds: float) -> None:
    assert retry_after(text) == seconds


def test_an_address_is_one_segment() -> None:
    assert segment("a/b?c#d%e@example.net") == "a%2Fb%3Fc%23d%25e@example.net"
    assert checked('"a b"@example.net') == '"a b"@example.net'
