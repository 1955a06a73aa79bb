"""Whatever dies, and wherever, over IMAP and POP3: nothing is lost, and nothing takes effect twice."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.mailbox.places import Remote
from tests.runner.conftest import Sink, World, bounce
from tests.runner.test_kill import PEOPLE, suppressed, survives

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mailbox.dovecot import Box


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_killed_at_every_checkpoint_in_turn_it_loses_and_doubles_nothing(kind: str, box: Box, sink: Sink, tmp_path: Path) -> None:
    survives(World(tmp_path, kind, f"sqlite:///{tmp_path / 'b.db'}", sink, place=Remote(kind, box, tmp_path)), sink)


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_an_input_that_ends_the_process_each_time_goes_into_quarantine_and_no_other_does(kind: str, box: Box, sink: Sink, tmp_path: Path) -> None:
    world = World(tmp_path, kind, f"sqlite:///{tmp_path / 'b.db'}", sink, place=Remote(kind, box, tmp_path))
    for number in range(3):
        world.place.put(bounce(number, PEOPLE[number]))
    assert [world.run("prepared").returncode for _ in range(3)] == [-signal.SIGKILL] * 3
    done = world.run()
    assert done.returncode == 0, done.stderr
    assert (world.place.processed(), world.place.quarantined(), world.place.left()) == (2, 1, 0)
    assert sorted(suppressed(world)) == sorted(PEOPLE[1:3])
