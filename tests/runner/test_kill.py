"""Whatever dies, and wherever: nothing is lost, and nothing takes effect twice. The truth is made from what was put in."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import open_configured_store
from tests.runner.conftest import Sink, World, bounce, log_line

if TYPE_CHECKING:
    from pathlib import Path

CHECKPOINTS = ("listed", "begun", "prepared", "entered", "committed", "finished", "settled", "calling", "called")
PEOPLE = [f"u{number}@example.{'org' if number % 2 else 'net'}" for number in range(36)]


def fill(world: World) -> int:
    """One failure of each person, reported once or more; return how many inputs that are."""
    make = log_line if world.place.kind == "log" else bounce
    inputs = [make(number, person) for number, person in enumerate(PEOPLE)]
    again = [make(number, PEOPLE[number], subject="Postmaster Copy: Undelivered Mail") for number in range(0, 36, 4)]
    again += [make(number, PEOPLE[number]) for number in range(0, 36, 9)]
    for raw in [*inputs[:20], *again, *inputs[20:]]:
        world.place.put(raw)
    return len(inputs) + len(again)


def suppressed(world: World) -> list[str]:
    store = open_configured_store(config.read(str(world.config)).store)
    try:
        return [entry.address or "" for entry in store.suppressions()]
    finally:
        store.close()


@pytest.mark.parametrize("kind", ["maildir", "mbox", "log"])
def test_killed_at_every_checkpoint_in_turn_it_loses_and_doubles_nothing(kind: str, url: str, sink: Sink, tmp_path: Path) -> None:
    survives(World(tmp_path, kind, url, sink), sink)


def survives(world: World, sink: Sink) -> None:
    """Fill a place, kill runs over it at each checkpoint in turn, drain it; nothing may be lost or take effect twice."""
    number = fill(world)
    kills = 0
    for at, checkpoint in enumerate(CHECKPOINTS):
        done = world.run(checkpoint, 1 + at % 3)
        killed = done.returncode == -signal.SIGKILL
        assert killed or done.returncode == 0, done.stderr
        kills += killed
    assert kills >= len(CHECKPOINTS) - 2
    world.drain()
    assert sorted(suppressed(world)) == sorted(PEOPLE)
    assert sink.recipients == {"bounce": set(PEOPLE), "suppress": set(PEOPLE)}
    assert len(sink.calls) == 2 * len(PEOPLE)
    assert max(sink.calls.values()) <= 3  # the two kills amid calls may have repeated one, under its first key
    assert (world.place.processed(), world.place.quarantined(), world.place.left()) == (number, 0, 0)
    rerun = world.run()
    assert (rerun.returncode, sorted(suppressed(world))) == (0, sorted(PEOPLE))


def test_a_runner_that_moves_first_loses_bounces_under_the_same_test(sink: Sink, tmp_path: Path) -> None:
    world = World(tmp_path, "maildir", f"sqlite:///{tmp_path / 'b.db'}", sink)
    fill(world)
    assert world.run("moved", 5, "--move-first").returncode == -signal.SIGKILL
    world.drain()
    assert set(suppressed(world)) < set(PEOPLE)


@pytest.mark.parametrize("checkpoint", ["prepared", "entered"])
def test_an_input_that_ends_the_process_each_time_goes_into_quarantine_and_no_other_does(checkpoint: str, sink: Sink, tmp_path: Path) -> None:
    world = World(tmp_path, "maildir", f"sqlite:///{tmp_path / 'b.db'}", sink)
    for number in range(3):
        world.place.put(bounce(number, PEOPLE[number]))
    assert [world.run(checkpoint).returncode for _ in range(3)] == [-signal.SIGKILL] * 3
    done = world.run()
    assert done.returncode == 0, done.stderr
    assert (world.place.processed(), world.place.quarantined()) == (2, 1)
    assert sorted(suppressed(world)) == sorted(PEOPLE[1:3])
    (reason,) = (world.place.path / ".Quarantine" / "why").iterdir()
    assert reason.read_text() == "attempted 3 times: it ended the process"
