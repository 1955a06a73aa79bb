"""The thread of a plugin: it ends when it is let go, and comes back when it is needed."""

from __future__ import annotations

import threading

from bounceclass.isolation import Lane, describe


def test_a_lane_that_is_closed_ends_its_thread_and_starts_another_when_it_is_called_again() -> None:
    lane, threads = Lane("a", seconds=10), []
    for _ in range(2):
        assert lane.call("bounce", lambda: threads.append(threading.current_thread()), {}) is None
        lane.close()
        threads[-1].join(10)
        assert not threads[-1].is_alive()
    assert threads[0] is not threads[1]
    Lane("b", seconds=10).close()  # which was never called


def test_a_long_fault_is_cut_between_two_words_so_that_no_half_of_an_address_is_left() -> None:
    said = describe(ValueError("x " * 240 + "ruth@example.org and more"))
    assert said.endswith(" x ...")
    assert len(said) <= 504
    assert describe(ValueError()) == "ValueError"
