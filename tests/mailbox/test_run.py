"""Runs over mailboxes on a server: what is counted, what is waited for, and what is left untouched."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import opened
from tests.mailbox.places import Remote
from tests.runner.conftest import Sink, World, bounce
from tests.runner.test_kill import suppressed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.mailbox.dovecot import Box


def world_of(kind: str, box: Box, sink: Sink, folder: Path, **options: str | int) -> World:
    return World(folder, kind, f"sqlite:///{folder / 'b.db'}", sink, place=Remote(kind, box, folder, **options))


def without_plugins(world: World, batch: int, poll: float = 30) -> None:
    text = world.config.read_text().partition("[plugins.exec]")[0]
    world.config.write_text(text.replace("batch = 10", f"batch = {batch}, poll_seconds = {poll}"))


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert true()


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_of_ten_thousand_bounces_each_counts_once(kind: str, box: Box, sink: Sink, tmp_path: Path) -> None:
    world = world_of(kind, box, sink, tmp_path, **({"processed": ""} if kind == "imap" else {}))
    if kind == "pop3":
        world.config.write_text(world.config.read_text().replace(f"processed={tmp_path / 'done'}", "processed="))
    without_plugins(world, 500)
    names = [f"reader{number}@mail{number % 700}.example" for number in range(9_000)]
    for number, name in enumerate(names):
        box.put(bounce(number, name))
    for number in range(1_000):
        box.put(bounce(number, names[number]))
    with opened(config.read(str(world.config))) as parts:
        parts.runner.run(parts.sources, once=True)
        counts, troubled = parts.runner.counts, parts.runner.troubled
    assert (counts["inputs"], counts["kind bounce"], counts["quarantined"], troubled) == (10_000, 10_000, 0, False)
    assert counts["decision suppress"] == 9_000
    assert sorted(suppressed(world)) == sorted(names)
    assert (box.count(), world.place.quarantined()) == (0, 0)


class Running:
    """A run that goes on, in a thread."""

    def __init__(self, world: World) -> None:
        self._opened = opened(config.read(str(world.config)))
        self.parts = self._opened.__enter__()
        self._thread = threading.Thread(target=self.parts.runner.run, args=(self.parts.sources,))
        self._thread.start()

    def stop(self) -> float:
        """End it; return how long that took."""
        begun = time.monotonic()
        self.parts.runner.stop()
        self._thread.join(30)
        took = time.monotonic() - begun
        self._opened.__exit__(None, None, None)
        assert not self._thread.is_alive()
        return took
