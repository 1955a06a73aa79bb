"""`python -m benchmarks.profile [FOLDER]`: where the time goes over the bounces, nothing remembered, and the six slowest messages."""

from __future__ import annotations

import cProfile
import pstats
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.messages import BOUNCES, WHOLE, find_messages
from benchmarks.ours import fresh_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["main"]

_FUNCTIONS: Final = 30
_MESSAGES: Final = 6
_TRIES: Final = 3


def main(folder: Path | None = None) -> None:
    """Print both."""
    messages = find_messages(folder)
    bounces = [path.read_bytes() for path in messages[BOUNCES]]
    _read_all(fresh_reader(), bounces)  # what is imported late is imported, and stays out of the figures
    profile = cProfile.Profile()
    profile.runcall(_read_all, fresh_reader(), bounces)
    pstats.Stats(profile, stream=sys.stdout).strip_dirs().sort_stats("tottime").print_stats(_FUNCTIONS)
    read = fresh_reader()
    for seconds, path in sorted(((_seconds(read, path), path) for path in messages[WHOLE]), reverse=True)[:_MESSAGES]:
        sys.stdout.write(f"{seconds * 1000:8.2f} ms  {path.stat().st_size:9,} bytes  {path}\n")


def _read_all(read: Callable[[bytes], object], raws: Iterable[bytes]) -> None:
    for raw in raws:
        read(raw)


def _seconds(read: Callable[[bytes], object], path: Path) -> float:
    """Return the best of a few readings: what is left is the message's own, not the machine's."""
    raw = path.read_bytes()
    return min(_timed(read, raw) for _ in range(_TRIES))


def _timed(read: Callable[[bytes], object], raw: bytes) -> float:
    start = time.process_time()
    read(raw)
    return time.process_time() - start


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
