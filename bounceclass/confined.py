"""The child of a Confinement: `python -m bounceclass.confined`. Standard output is the pipe, so what plugins print goes to standard error."""

from __future__ import annotations

import os
import sys
from typing import IO

import msgspec

from bounceclass.confinement import Calling, Done, Start, read_frames, write_frame
from bounceclass.model import Event
from bounceclass.plugins import Plugins

__all__ = ["main"]


def main() -> None:
    """Refine what comes, until the parent closes the pipe."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        _serve(sys.stdin.buffer, answers)


def _serve(events: IO[bytes], answers: IO[bytes]) -> None:
    frames = read_frames(events)
    start = msgspec.msgpack.decode(next(frames), type=Start)
    sys.path[:] = start.path
    plugins = Plugins(msgspec.structs.replace(start.settings, isolate="thread", plugins=_only(start)), start.names)
    for frame in frames:
        event = msgspec.msgpack.decode(frame, type=Event)
        before = plugins.failures.copy()
        for refiner in plugins.refiners:
            write_frame(answers, Calling(refiner.plugin))
            event = refiner.refine(event)
        failed = tuple((plugins.failures - before).elements())
        write_frame(answers, Done(event, tuple(plugin for plugin, _ in failed), {one.plugin: one.off for one in plugins.refiners if one.off}))


def _only(start: Start) -> dict[str, dict[str, object]]:
    """Return the tables of the plugins that are wanted: the names say which, and in which order."""
    wanted = {name.partition(":")[0] for name in start.names}
    return {name: {**table, "enabled": False} if name not in wanted else table for name, table in start.settings.plugins.items()}


if __name__ == "__main__":
    main()
