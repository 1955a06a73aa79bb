"""Hostile mail up to 10 MB is read in bounded time and memory: each bomb in a child with limits, as a runaway would take the tests with it."""

from __future__ import annotations

import pytest

from tests.bombs import BOMBS, cost_of

SECONDS = 4.0
"""The bound is 1 s on the machine of docs/limits.md; a runaway takes minutes anywhere."""
MEGABYTES = 200.0


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_does_not_go_off(name: str) -> None:
    cost = cost_of(name)
    assert cost.seconds < SECONDS
    assert cost.megabytes < MEGABYTES
