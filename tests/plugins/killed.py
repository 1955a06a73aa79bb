"""Kills a writer of a suppression file at every system call that changes something; prints what was lost as JSON.

    python killed.py FOLDER NAME ours|naive
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bounceclass_file import Settings, plugin
from bounceclass_file.lines import layout

from bounceclass.model import Reason, Suppression

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER, NAME, WRITER = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
PATH = FOLDER / NAME
LAYOUT = layout({"csv": "csv", "jsonl": "jsonl", "txt": "plain"}[NAME.rpartition(".")[2]])
CALLS = ("write", "pwrite", "fsync", "ftruncate", "rename", "dup2", "close")
PERSON = b"by hand, unreadable"
Step = tuple[str, str]


def entry(name: str) -> Suppression:
    return Suppression(address=name, reason=Reason.USER_UNKNOWN, since=datetime(2026, 1, 1, tzinfo=UTC), by="policy")


class Naive:
    """What many do: read all, write all."""

    def bounceclass_suppress(self, suppression: Suppression) -> None:
        lines = PATH.read_bytes() if PATH.exists() else b""
        file = os.open(PATH, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(file, lines + LAYOUT.write(suppression).encode() + b"\n")
        os.close(file)

    def bounceclass_release(self, suppression: Suppression) -> None:
        left = [line for line in PATH.read_bytes().splitlines(keepends=True) if line.decode().strip() != LAYOUT.write(suppression)]
        file = os.open(PATH, os.O_WRONLY | os.O_TRUNC)
        os.write(file, b"".join(left))
        os.close(file)


STEPS: list[Step] = [
    *(("suppress", f"user{number}@example.community") for number in range(4)),
    ("release", "user1@example.community"),
    ("suppress", "user4@example.community"),
    ("release", "user0@example.community"),
    ("suppress", "user1@example.community"),
]


def take(steps: list[Step], done: Callable[[], object] = lambda: None) -> None:
    kept: Any = plugin(Settings(path=str(PATH))) if WRITER == "ours" else Naive()
    for step, name in steps:
        getattr(kept, f"bounceclass_{step}")(entry(name))
        done()


def entries() -> set[str]:
    """Read as anybody would: whole lines only. The person's line must be there."""
    data = PATH.read_bytes() if PATH.exists() else PERSON
    lines = data.decode().split("\n")
    found = set()
    for line in lines[:-1]:
        try:
            read = LAYOUT.read(line)
        except ValueError:
            read = None
        if read and read.address:
            found.add(read.address)
    return found if PERSON in data else {"the person's line is gone"}


def after(count: int) -> set[str]:
    names: set[str] = set()
    for step, name in STEPS[:count]:
        (names.add if step == "suppress" else names.discard)(name)
    return names


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def mine(deadly: int, when: str) -> None:
    """Make the n-th call the last one."""
    count = 0
    real = {name: getattr(os, name) for name in CALLS}

    def wrapped(name: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == deadly:
                if when == "half" and name in {"write", "pwrite"}:
                    half = len(given[1]) - 3
                    real[name](given[0], given[1][: max(half, 1)], *given[2:])
                elif when != "before":
                    real[name](*given, **named)
                die()
            return real[name](*given, **named)

        return call

    for name in CALLS:
        setattr(os, name, wrapped(name))


def bomb(delay: float) -> None:
    """Die after some seconds, wherever that is: in C too."""
    signal.setitimer(signal.ITIMER_REAL, delay)


def child(prepare: Callable[[], None], acknowledged: int) -> int:
    """Take all steps in a child; return how it ended."""
    pid = os.fork()
    if pid == 0:
        write = os.write
        prepare()
        try:
            take(STEPS, lambda: write(acknowledged, b"."))
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


def trial(prepare: Callable[[], None], what: str, faults: list[str]) -> bool:
    """Start afresh, let a child be killed, look, and let another finish the work; tell whether it was killed."""
    for one in FOLDER.iterdir():
        one.unlink()
    PATH.write_bytes(LAYOUT.head + PERSON + b"\n")
    reading, writing = os.pipe()
    status = child(prepare, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        count = len(pipe.read())
    if status != 0 or count == len(STEPS):
        if entries() not in (after(count), after(count + 1)):
            faults.append(f"{what}: {count} acknowledged, found {sorted(entries())}")
        take(STEPS[count:])
        if entries() != after(len(STEPS)):
            faults.append(f"{what}: finished as {sorted(entries())}")
        if len(PATH.read_bytes().split(b"\n")) != len(after(len(STEPS))) + 2 + bool(LAYOUT.head):
            faults.append(f"{what}: doubled or torn: {PATH.read_bytes()!r}")
    else:
        faults.append(f"{what}: failed without being killed")
    return os.WIFSIGNALED(status)


def main() -> None:
    faults: list[str] = []
    kills = 0
    for when in ("before", "half", "after"):
        number = 1
        while trial(lambda: mine(number, when), f"{when} call {number}", faults):  # noqa: B023  called at once
            number += 1
            kills += 1
    seed = random.Random(1)  # noqa: S311  moments, not secrets
    for number in range(25):
        delay = seed.uniform(0.0005, 0.02)
        kills += trial(lambda: bomb(delay), f"timer {number}", faults)  # noqa: B023  as above
    sys.stdout.write(json.dumps({"kills": kills, "faults": faults}))


main()
