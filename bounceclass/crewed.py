"""A worker of a Crew: `python -m bounceclass.crewed`. Standard output is the pipe, so what plugins print goes to standard error."""

from __future__ import annotations

import os
import sys
from typing import IO

import msgspec

from bounceclass.confinement import Start, read_frames, write_frame
from bounceclass.crew import Answer, Chunk
from bounceclass.engine import Engine

__all__ = ["main"]


def main() -> None:
    """Classify what comes, until the parent closes the pipe."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        try:
            _serve(sys.stdin.buffer, answers)
        except BrokenPipeError:  # the parent is gone
            os._exit(1)


def _serve(chunks: IO[bytes], answers: IO[bytes]) -> None:
    frames = read_frames(chunks)
    start = msgspec.msgpack.decode(next(frames), type=Start)
    sys.path[:] = start.path
    engine = Engine(start.settings, plugins=start.names)
    for frame in frames:
        before = engine.plugins.failures.copy()
        reports = tuple(engine.answer(one) for one in msgspec.msgpack.decode(frame, type=Chunk).inputs)
        write_frame(answers, Answer(reports, tuple((engine.plugins.failures - before).elements())))


if __name__ == "__main__":
    main()
