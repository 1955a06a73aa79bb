"""Runs over mailboxes on a server: what is counted, what is waited for, and what is left untouched."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import opened
from tests.mailbox.conftest import new_box
from tests.mailbox.places import Remote
from tests.runner.conftest import ROOT, Sink, World, bounce
from tests.runner.test_kill import suppressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.mailbox.dovecot import Box, Dovecot
    from tests.mailbox.proxy import Proxy


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
    names = [f"reader{number}@mail{number % 700}.example" for number in range(1_000)]
    for number in range(10_000):
        box.put(bounce(number, names[number % 1_000], mailing=f"m{number % 1_000}"))
    with opened(config.read(str(world.config))) as parts:
        parts.runner.run(parts.sources, once=True)
        counts, troubled = parts.runner.counts, parts.runner.troubled
    assert (counts["inputs"], counts["kind bounce"], counts["quarantined"], troubled) == (10_000, 10_000, 0, False)
    assert counts["decision suppress"] == 1_000
    assert sorted(suppressed(world)) == sorted(names)
    assert (box.count(), world.place.quarantined()) == (0, 0)


class Running:
    """A run that goes on, in a thread."""

    def __init__(self, world: World) -> None:
        self._opened = opened(config.read(str(world.config)))
        self.parts = self._opened.__enter__()
        self._thread = threading.Thread(target=self.parts.runner.run, args=(self.parts.sources,), daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """End it; return how long that took."""
        begun = time.monotonic()
        if self._thread.is_alive():
            self.parts.runner.stop()
            self._thread.join(30)
            assert not self._thread.is_alive()
            self._opened.__exit__(None, None, None)
        return time.monotonic() - begun


@pytest.fixture
def running() -> Iterator[Callable[[World], Running]]:
    """Start runs, which are ended whatever happens."""
    started: list[Running] = []

    def start(world: World) -> Running:
        started.append(Running(world))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_mail_wakes_a_run_that_waits_and_it_ends_at_once_when_told(running: Callable[[World], Running], box: Box, sink: Sink, tmp_path: Path) -> None:
    world = world_of("imap", box, sink, tmp_path)
    without_plugins(world, 10, poll=120)
    run = running(world)
    until((box.path / ".Processed").exists)
    for number in range(2):
        time.sleep(1)  # it waits by then
        begun = time.monotonic()
        box.put(bounce(number, f"ruth{number}@example.net"))
        until(lambda: world.place.left() == 0)
        assert time.monotonic() - begun < 10
    assert run.stop() < 5
    assert (run.parts.runner.counts["inputs"], world.place.processed()) == (2, 2)


@pytest.mark.parametrize("kind", ["imap", "imaps", "pop3", "pop3s"])
def test_connections_that_are_cut_in_the_middle_lose_and_double_nothing(
    running: Callable[[World], Running], kind: str, box: Box, sink: Sink, tmp_path: Path, proxy: Callable[..., Proxy], caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"reader{number}@mail{number}.example" for number in range(60)]
    for number, name in enumerate(names):
        box.put(bounce(number, name))
    relay = proxy(box.server.ports[kind], [9_000, 20_000, 40_000, 60_000, 75_000])
    world = world_of(kind, box, sink, tmp_path, port=relay.port)
    without_plugins(world, 10, poll=0.05)
    run = running(world)
    until(lambda: world.place.left() == 0 and not relay.cuts, 60)
    run.stop()
    assert sorted(suppressed(world)) == sorted(names)
    assert run.parts.runner.counts["decision suppress"] == 60
    assert (world.place.processed(), world.place.quarantined()) == (60, 0)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert said
    assert all(line.endswith("; nothing is lost, it is tried again") and "correct-horse" not in line for line in said), said


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_server_that_is_away_is_waited_for(
    running: Callable[[World], Running], kind: str, own: Callable[..., Dovecot], sink: Sink, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = own(extra="# restarted")
    box = new_box(server)
    world = world_of(kind, box, sink, tmp_path)
    without_plugins(world, 10, poll=0.1)
    box.put(bounce(1, "ruth@example.net"))
    run = running(world)
    until(lambda: world.place.left() == 0)
    server.stop()
    box.put(bounce(2, "paul@example.net"))
    until(lambda: any("Connection refused" in record.getMessage() for record in caplog.records))
    server.start()
    until(lambda: world.place.left() == 0)
    run.stop()
    assert sorted(suppressed(world)) == ["paul@example.net", "ruth@example.net"]
    assert "it goes on" in [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_dry_run_leaves_no_trace_on_the_server(kind: str, box: Box, sink: Sink, tmp_path: Path) -> None:
    world = world_of(kind, box, sink, tmp_path)
    box.put(bounce(1, "ruth@example.net"))
    before = box.state()
    command = [sys.executable, "-m", "bounceclass", "--config", str(world.config), "run", "--dry-run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  our own command
    assert (done.returncode, done.stdout.split()[:2]) == (0, ["suppress", "ruth@example.net"]), done.stderr
    assert box.state() == before
    assert not (tmp_path / "bad").exists()
