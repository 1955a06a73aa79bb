"""Several writers at once, writers that are killed, and a million entries."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from bounceclass_file import disk

from bounceclass.errors import Retry
from tests.plugins.kept import CHILD, HEAD, add, entry, keep

# Several at once


def test_who_waits_too_long_for_the_lock_asks_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_PATIENCE", 0.05)
    path = tmp_path / "a.txt"
    with disk.Disk(str(path)).held(), pytest.raises(Retry, match="another process has held the lock") as caught:
        add(path, entry())
    assert caught.value.after == 30
    add(path, entry())


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    add(path, entry("stays@example.org"))
    end = threading.Event()
    seen: set[str] = set()

    def read() -> None:
        while not end.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        add(path, entry())
        keep(path).bounceclass_release(entry())
    end.set()
    reader.join()
    assert all(re.fullmatch(re.escape(HEAD) + r"stays@.*\n(user@.*\n)?", text) for text in seen)


MANY = """
import sys
from datetime import UTC, datetime
from bounceclass.model import Reason, Suppression
from bounceclass_file import Settings, plugin
kept = plugin(Settings(path=sys.argv[1]))
def entry(name): return Suppression(address=name, reason=Reason.USER_UNKNOWN, since=datetime(2026, 1, 1, tzinfo=UTC), by="policy")
for number in range(100):
    kept.bounceclass_suppress(entry(f"shared{number}@example.org"))
    kept.bounceclass_suppress(entry(f"own{sys.argv[2]}-{number}@example.org"))
    if number % 5 == 0:
        kept.bounceclass_release(entry(f"own{sys.argv[2]}-{number}@example.org"))
"""


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_three_processes_at_once_lose_and_double_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    running = [
        subprocess.Popen([sys.executable, "-c", MANY, path, str(number)], env=CHILD)  # noqa: S603  our own
        for number in range(3)
    ]
    assert [one.wait() for one in running] == [0, 0, 0]
    found = [line.split(",")[0] for line in path.read_text().splitlines() if line + "\n" != HEAD]
    assert sorted(found) == sorted([f"shared{n}@example.org" for n in range(100)] + [f"own{p}-{n}@example.org" for p in range(3) for n in range(100) if n % 5])


# Crashes. A fresh process forks children that are killed at the n-th system call that changes something,
# before it, after it, or in the middle of a write; what they acknowledged must be there, in a whole file.

KILLED = Path(__file__).parent / "killed.py"


@pytest.mark.parametrize(("name", "writer"), [("a.csv", "ours"), ("a.jsonl", "ours"), ("a.txt", "ours"), ("a.txt", "naive")])
def test_being_killed_anywhere_loses_nothing_that_returned(tmp_path: Path, name: str, writer: str) -> None:
    done = subprocess.run([sys.executable, KILLED, tmp_path, name, writer], env=CHILD, capture_output=True, check=True)  # noqa: S603  our own
    result = json.loads(done.stdout)
    assert result["kills"] > (100 if writer == "ours" else 10), result
    # The naive writer, which writes the file in place, shows that the test would see a loss.
    assert bool(result["faults"]) is (writer == "naive"), result["faults"][:3]


def test_what_returns_was_synced_in_the_right_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("b@example.org\n")
    calls: list[str] = []

    def note(name: str) -> None:
        real = getattr(os, name)

        def call(first: Any, *more: Any, **named: Any) -> Any:
            file = Path(f"/dev/fd/{first}").resolve() if isinstance(first, int) else Path(first)
            calls.append(f"{name} {file.name if file != tmp_path else 'folder'}")
            return real(first, *more, **named)

        monkeypatch.setattr(os, name, call)

    for name in ("write", "pwrite", "fsync", "rename"):
        note(name)
    add(path, entry())
    assert calls == ["pwrite a.txt.lock", "fsync a.txt.lock", "write a.txt", "fsync a.txt"]
    calls.clear()
    keep(path).bounceclass_release(entry())
    assert list(dict.fromkeys(calls)) == ["write a.txt.new", "fsync a.txt.new", "rename a.txt.new", "fsync folder"]


def test_a_torn_line_is_taken_away_and_never_an_entry(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    add(path, entry("a@example.org"), entry("long@example.community"))
    os.truncate(path, path.stat().st_size - len("munity\n"))  # long@example.com
    add(path, entry("b@example.org"))
    assert path.read_text() == "a@example.org\nb@example.org\n"


# A million


MILLION = """
import sys, time
from datetime import UTC, datetime
from bounceclass.errors import Retry
from bounceclass.model import Reason, Suppression
from bounceclass_file import Settings, plugin
def entry(name): return Suppression(address=name, reason=Reason.USER_UNKNOWN, since=datetime(2026, 1, 1, tzinfo=UTC), by="policy")
def peak(): return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
with open(sys.argv[1], "w") as file:
    for number in range(1_000_000):
        file.write(f"u{number}@e.org\\n")
kept, before = plugin(Settings(path=sys.argv[1])), peak()
while True:
    try:
        kept.bounceclass_suppress(entry("new@e.org"))
        break
    except Retry:
        pass
for number in range(0, 1_000_000, 5000):
    kept.bounceclass_suppress(entry(f"U{number}@E.ORG"))
    kept.bounceclass_suppress(entry(f"x{number}@e.org"))
kept.bounceclass_release(entry("u500000@e.org"))
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    done = subprocess.run([sys.executable, "-c", MILLION, path], env=CHILD, capture_output=True, check=True)  # noqa: S603  our own
    assert int(done.stdout) < 40_000
    with path.open("rb") as file:
        assert sum(1 for _ in file) == 1_000_000 + 1 + 200 - 1
