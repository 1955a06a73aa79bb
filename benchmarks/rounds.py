"""Rounds: every reader goes over each of its sets once a round, in random order, each in its own process, by CPU time.

A machine's speed drifts by half within minutes, so only figures of one round may be compared.
"""

from __future__ import annotations

import contextlib
import random
import resource
import subprocess
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.messages import BIG, BOUNCES, NEW, REPEATED, WHOLE
from benchmarks.peers import PEERS, environment
from benchmarks.process import Gone, Pass, Process, Reader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["BARE", "READERS", "START", "Row", "measure", "start"]


class Row(NamedTuple):
    """A reader on a set, and its passes, one a round."""

    reader: str
    set: str
    passes: list[Pass]


_MAILS: Final = (BOUNCES, WHOLE)


def _ours(mode: str, *sets: str) -> Reader:
    return Reader(f"bounceclass {mode}", [sys.executable, "-m", "benchmarks.ours", mode], sets)


READERS: Final = (
    _ours("cold", *_MAILS, BIG),
    _ours("warm", *_MAILS),
    _ours("reply", NEW, REPEATED),
    *(Reader(peer.name, peer.command, (*_MAILS, BIG) if peer.reads_big else _MAILS, peer.hint) for peer in PEERS),
)
START: Final = "start"
BARE: Final = "python -c pass"
_STARTS: Final = {
    BARE: ["-c", "pass"],
    "import bounceclass": ["-c", "import bounceclass"],
    "bounceclass reply": ["-m", "bounceclass", "reply", "--format", "json", "550 5.1.1 x"],
}
_STARTS_A_ROUND: Final = 5


def measure(readers: Iterable[Reader], sets: dict[str, Path], rounds: int, work: Path) -> tuple[list[Row], dict[str, str]]:
    """Return a row for each reader and set, and why the readers that are missing are. The first pass of each is not counted."""
    missing: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        rows = []
        for process in _started(readers, work, missing):
            stack.callback(process.close)
            rows += [(process, Row(process.name, name, [])) for name in process.reader.sets]
        for number in range(rounds + 1):
            sys.stderr.write(f"round {number} of {rounds}\n")
            for process, row in random.sample(rows, len(rows)):
                _go_over(process, row, sets[row.set], missing)
    for _, row in rows:
        del row.passes[:1]
    return [row for process, row in rows if process.reader.name not in missing], missing


def _started(readers: Iterable[Reader], work: Path, missing: dict[str, str]) -> list[Process]:
    processes = []
    for number, reader in enumerate(readers):
        try:
            processes.append(Process(reader, work / f"{number}.log"))
        except Gone as why:
            missing[reader.name] = f"{why}; {reader.hint}"
    return processes


def _go_over(process: Process, row: Row, path: Path, missing: dict[str, str]) -> None:
    if process.reader.name not in missing:
        try:
            row.passes.append(process.read(path))
        except Gone as why:
            missing[process.reader.name] = f"{why} on {row.set}"


def start(rounds: int) -> list[Row]:
    """Return what starting costs, user and system, of whole processes; bare Python first. The first start is not counted: it may write .pyc files."""
    rows = [Row(name, START, []) for name in _STARTS]
    for _ in range(rounds * _STARTS_A_ROUND + 1):
        for row in random.sample(rows, len(rows)):
            row.passes.append(Pass(_cpu_of(_STARTS[row.reader])))
    for row in rows:
        del row.passes[:1]
    return rows


def _cpu_of(arguments: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment())  # noqa: S603  commands of this module
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
