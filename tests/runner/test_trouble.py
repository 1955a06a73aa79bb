"""What is waited for, and said once: a mailbox or a database that can't be used, another runner, a disk that is full."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import open_configured_store, opened
from bounceclass.errors import InputError
from bounceclass.settings import Limits
from bounceclass.sources.maildir import Maildir
from bounceclass.sources.mbox import Mbox
from tests.runner.conftest import ROOT, Place, Sink, World, bounce

if TYPE_CHECKING:
    from pathlib import Path

    from tests.store.conftest import Server


@pytest.fixture
def world(tmp_path: Path, sink: Sink) -> World:
    return World(tmp_path, "maildir", f"sqlite:///{tmp_path / 'b.db'}", sink)


@pytest.mark.parametrize(
    ("kind", "made", "fault"),
    [
        ("maildir", "nothing", "No such file or directory"),
        ("maildir", "folder", "is no Maildir: it has no folder new"),
        ("mbox", "nothing", "No such file or directory"),
        ("mbox", "folder", "Is a directory"),
    ],
)
def test_a_place_that_can_t_be_read_is_named_and_left_as_it_was(kind: str, made: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "box"
    if made == "folder":
        path.mkdir()
    source = (Maildir if kind == "maildir" else Mbox)(f"{kind}:{path}", Limits())
    with pytest.raises(InputError, match=fault):
        list(source.items())
    source.close()
    assert not path.exists() or list(path.iterdir()) == []


def test_an_mbox_goes_on_where_it_was_and_begins_anew_when_it_was_rotated(tmp_path: Path) -> None:
    place = Place("mbox", tmp_path)
    source = Mbox(place.url, Limits())

    def read() -> list[str]:
        found = []
        for item in source.items():
            found.append(item.raw.partition(b"Subject: ")[2].partition(b"\n")[0].decode())
            assert item.finish is not None
            item.finish(None)
        source.settle()
        return found

    place.put(bounce(1, "ruth@example.org", subject="one"))
    place.put(bounce(2, "ruth@example.org", subject="two"))
    told = [read(), read()]
    place.put(bounce(3, "ruth@example.org", subject="three"))
    told.append(read())
    place.path.unlink()
    place.put(bounce(4, "ruth@example.org", subject="four"))
    told.append(read())
    source.close()
    assert told == [["one", "two"], [], ["three"], ["four"]]


def test_what_is_not_finished_of_an_mbox_is_given_again(tmp_path: Path) -> None:
    place = Place("mbox", tmp_path)
    for number in range(3):
        place.put(bounce(number, "ruth@example.org"))
    source = Mbox(place.url, Limits())
    first, _, third = source.items()
    for item in (first, third):
        assert item.finish is not None
        item.finish("it is bad" if item is third else None)
    source.settle()
    assert (len(list(source.items())), place.quarantined()) == (2, 1)
    source.close()


def test_two_runners_don_t_work_on_one_mailbox_and_the_second_takes_over(world: World) -> None:
    command = [sys.executable, "-m", "bounceclass", "--config", str(world.config), "run"]
    world.place.put(bounce(1, "ruth@example.org"))
    first = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603  our own command
    try:
        deadline = time.monotonic() + 30
        while world.place.left() and time.monotonic() < deadline:
            time.sleep(0.1)
        world.place.put(bounce(2, "paul@example.org"))
        second = subprocess.run([*command, "--once"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  as above
        assert (second.returncode, "another bounceclass works on it" in second.stderr) == (75, True), second.stderr
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    assert world.run().returncode == 0
    assert (world.place.left(), world.place.quarantined()) == (0, 0)


def test_a_database_that_goes_away_in_the_middle_is_waited_for_and_nothing_is_lost_or_doubled(tmp_path: Path, sink: Sink, server: Server) -> None:
    world = World(tmp_path, "maildir", server.url(), sink)
    world.config.write_text(world.config.read_text().replace("batch = 10", "batch = 10, poll_seconds = 0.2"))
    names = [f"reader{number}@mail{number}.example" for number in range(300)]
    for number, name in enumerate(names[:280]):
        world.place.put(bounce(number, name))
    command = [sys.executable, "-m", "bounceclass", "--config", str(world.config), "run"]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603  our own command

    def wait_until_left(number: int) -> None:
        deadline = time.monotonic() + 60
        while world.place.left() > number and time.monotonic() < deadline and running.poll() is None:
            time.sleep(0.02)
        assert world.place.left() <= number

    try:
        wait_until_left(240)
        server.stop()
        still = world.place.left()
        assert still > 0
        for number, name in enumerate(names[280:], start=280):
            world.place.put(bounce(number, name))
        time.sleep(1)
        assert (running.poll(), world.place.left() >= 20) == (None, True)
        server.start()
        wait_until_left(0)
    finally:
        running.send_signal(signal.SIGTERM)
        told = running.communicate()[1]
    assert running.returncode == 0, told
    world.drain()
    store = open_configured_store(config.read(str(world.config)).store)
    assert sorted(entry.address or "" for entry in store.suppressions()) == sorted(names)
    store.close()
    assert (world.place.quarantined(), sink.recipients["suppress"]) == (0, set(names))
    assert "nothing is lost, it is tried again" in told
    assert "it goes on" in told


def test_a_locked_database_is_waited_for_and_nothing_is_lost(world: World) -> None:
    assert world.run().returncode == 0
    world.place.put(bounce(1, "ruth@example.org"))
    lock = sqlite3.connect(world.config.parent / "b.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    assert (world.run().returncode, world.place.left()) == (75, 1)
    lock.execute("ROLLBACK")
    lock.close()
    assert (world.run().returncode, world.place.left()) == (0, 0)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a small file system is mounted, which only root can")
def test_a_full_disk_is_waited_for_and_nothing_is_lost(tmp_path: Path, sink: Sink) -> None:
    mount, umount = shutil.which("mount"), shutil.which("umount")
    assert mount
    assert umount
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(small)], check=False).returncode:  # noqa: S603  our own command
        pytest.skip("no file system can be mounted here")
    try:
        world = World(tmp_path, "maildir", f"sqlite:///{small / 'b.db'}", sink)
        assert world.run().returncode == 0
        filler = small / "filler"
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(b"x" * 10_000_000)
        for number in range(30):
            world.place.put(bounce(number, f"u{number}@example.org"))
        command = [sys.executable, "-m", "bounceclass", "--config", str(world.config), "run", "--once"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  as above
        assert (done.returncode, world.place.left()) == (75, 30), done.stderr
        filler.unlink()
        subprocess.run([mount, "-o", "remount,size=16m", str(small)], check=True)  # noqa: S603  as above
        world.drain()
        assert (world.place.processed(), world.place.quarantined()) == (30, 0)
    finally:
        subprocess.run([umount, str(small)], check=True)  # noqa: S603  as above


def test_what_lasts_is_said_once_though_another_source_works(world: World, caplog: pytest.LogCaptureFixture) -> None:
    missing = f"maildir:{world.config.parent / 'missing'}"
    turns = 0

    def checkpoint(name: str) -> None:
        nonlocal turns
        turns += name == "settled"
        if name == "settled" and turns == 3:
            parts.runner.stop()
        elif name == "settled":
            world.place.put(bounce(turns, "ruth@example.org"))

    world.place.put(bounce(0, "ruth@example.org"))
    with caplog.at_level(logging.INFO, "bounceclass"), opened(config.read(str(world.config)), (), (missing, world.place.url), checkpoint=checkpoint) as parts:
        parts.runner.run(parts.sources)
    said = [record.getMessage() for record in caplog.records]
    assert [line for line in said if "missing" in line] == [f"{missing}: No such file or directory; nothing is lost, it is tried again"]
    assert "it goes on" not in said
