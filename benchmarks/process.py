"""A reader's process, and our end of the protocol that benchmarks/peers tells."""

from __future__ import annotations

import json
import select
import subprocess
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks.peers import environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Gone", "Pass", "Process", "Reader"]

_SECONDS: Final = 300
"""A reader that takes longer for a pass is given up, and that is said."""


class Reader(NamedTuple):
    """A reader, the command of its process, what it is timed on, and how to get it."""

    name: str
    command: list[str]
    sets: tuple[str, ...]
    hint: str = ""


class Pass(NamedTuple):
    """The figures of one pass: CPU seconds, mails said to be bounces, what raised; memory in KiB, 0 where it isn't told."""

    cpu: float
    found: int = 0
    faults: Mapping[str, int] = MappingProxyType({})
    peak: int = 0
    extra: int = 0


class Gone(Exception):  # noqa: N818  no error of the benchmark: the reader is not here, or no longer
    """The reader's process ended or hangs; the text says how."""


class Process:
    """A reader's process."""

    def __init__(self, reader: Reader, log: Path) -> None:
        """Start it; its stderr goes to `log`. Raises Gone where it doesn't start."""
        self.reader = reader
        self._log = log
        pipe = subprocess.PIPE
        try:
            with log.open("wb") as stderr:
                self._child = subprocess.Popen(reader.command, stdin=pipe, stdout=pipe, stderr=stderr, env=environment(), text=True)  # noqa: S603  commands of benchmarks/
        except OSError as error:
            raise Gone(str(error)) from error
        self.name = str(self._answer()["name"])

    def read(self, path: Path) -> Pass:
        """Let it go over a set; raises Gone."""
        assert self._child.stdin is not None  # noqa: S101  for the type checker
        try:
            self._child.stdin.write(f"{path}\n")
            self._child.stdin.flush()
        except BrokenPipeError as error:
            raise Gone(str(error)) from error
        return Pass(**self._answer())

    def _answer(self) -> Any:  # noqa: ANN401  JSON
        assert self._child.stdout is not None  # noqa: S101  as above
        ready, _, _ = select.select([self._child.stdout], [], [], _SECONDS)
        line = self._child.stdout.readline() if ready else ""
        if not line:
            self.close()
            raise Gone(self._last_words() if ready else f"no answer in {_SECONDS} s")
        return json.loads(line)

    def _last_words(self) -> str:
        said = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.partition(" (")[0].strip() for line in said if "Error:" in line or "Can't" in line), "ended")

    def close(self) -> None:
        """End it; one that has ended already does no harm."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
