"""`python -m benchmarks.jobs [N]`: what `classify --jobs N` brings over one process, on 20,000 messages, by the wall clock in pairs."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks import table
from benchmarks.messages import WHOLE, find_messages
from benchmarks.peers import environment

__all__ = ["main"]

MESSAGES: Final = 20_000
PAIRS: Final = 5
_ENVELOPE: Final = b"From x@example.com Mon Mar  9 12:00:00 2026\n"


def main(jobs: int) -> int:
    """Print the rates and the ratio of each pair; return 1 where the output differs."""
    with TemporaryDirectory() as folder:
        box = Path(folder) / "box.mbox"
        with box.open("wb") as file:
            for path in islice(cycle(find_messages(None)[WHOLE]), MESSAGES):
                file.write(_ENVELOPE + path.read_bytes().replace(b"\nFrom ", b"\n>From ") + b"\n\n")
        sys.stdout.write(f"{MESSAGES} messages, {box.stat().st_size >> 20} MB, on {table.machine()}\n")
        ratios = []
        for _ in range(PAIRS):
            (alone, said), (together, same) = _timed(box, 1), _timed(box, jobs)
            ratios.append(alone / together)
            sys.stdout.write(f"1: {MESSAGES / alone:,.0f}/s  {jobs}: {MESSAGES / together:,.0f}/s  ratio {ratios[-1]:.2f}\n")
            if said != same:
                sys.stdout.write("the output differs\n")
                return 1
        sys.stdout.write(f"median ratio {median(ratios):.2f}\n")
    return 0


def _timed(box: Path, jobs: int) -> tuple[float, bytes]:
    began = time.perf_counter()
    command = [sys.executable, "-m", "bounceclass", "classify", str(box), "--format", "jsonl", "--jobs", str(jobs)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment())  # noqa: S603  our own command
    return time.perf_counter() - began, done.stdout


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2))
