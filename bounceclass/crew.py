"""Mail classified by several processes at once: in the order it came, in bounded memory, and none lost with a process that dies.

    with Crew(engine, names, jobs) as crew:
        for item, outcome in crew.classify(inputs): ...

A worker is `python -m bounceclass.crewed`, started anew and never forked: it builds the same Engine, and gets chunks over a
pipe. One that dies over a chunk is replaced, and gets that chunk again message by message; so a message that kills
stands alone, and is named.

    parent -> worker   Start, then Chunks
    worker -> parent   an Answer for each
"""

from __future__ import annotations

import subprocess
import sys
import weakref
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Self

import msgspec

from bounceclass.confinement import Start, read_frames, write_frame
from bounceclass.model import Report  # noqa: TC001  msgspec reads the annotations at run time
from bounceclass.settings import without_policy
from bounceclass.sources.files import Input  # noqa: TC001  as above

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from types import TracebackType

    from bounceclass.engine import Engine

__all__ = ["Answer", "Chunk", "Crew"]

MESSAGES: Final = 256
"""Of a chunk: with fewer the pipes cost more than they bring."""
OCTETS: Final = 4 * 1024 * 1024
_STILLBORN: Final = 5
"""Workers in a row that end without an answer, after which it is no message's fault."""


class Chunk(msgspec.Struct, frozen=True):
    """Messages for one worker."""

    inputs: tuple[Input, ...]


class Answer(msgspec.Struct, frozen=True):
    """Their reports, and which hooks of which plugins failed, each time it did."""

    reports: tuple[Report, ...]
    failed: tuple[tuple[str, str], ...] = ()


class Died(Exception):  # noqa: N818  it is the worker's end, and no error of ours
    """A worker ended before it answered."""


class _Worker:
    """A process that answers chunks, one after another."""

    def __init__(self, start: Start) -> None:
        # A session of its own, so that Ctrl-C reaches the parent alone; it ends when the parent's end of the pipe is closed.
        command = [sys.executable, "-m", "bounceclass.crewed"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)  # noqa: S603  our own command
        weakref.finalize(self, self._process.kill)
        self._said = read_frames(self._process.stdout) if self._process.stdout else iter(())
        self._start: Start | None = start

    def ask(self, chunk: Chunk) -> Answer:
        """Return the answer to a chunk; raises Died."""
        try:
            if self._process.stdin is None:
                raise BrokenPipeError
            if self._start is not None:
                write_frame(self._process.stdin, self._start)
                self._start = None
            write_frame(self._process.stdin, chunk)
            return msgspec.msgpack.decode(next(self._said), type=Answer)
        except (OSError, ValueError, StopIteration) as error:
            raise Died from error

    def end(self) -> str:
        """End it, and say how it ended."""
        self._process.kill()
        code = self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):  # what was not sent yet
                    stream.close()
        return f"signal {-code}" if code < 0 else f"exit code {code}"


class Crew:
    """Workers that classify alike. `failures` counts, by (plugin, hook), the calls that failed in them."""

    def __init__(self, engine: Engine, names: Sequence[str], jobs: int) -> None:
        """Take whose settings and which plugins, by name, the workers shall have; they start with their first chunk."""
        self._start = Start(without_policy(engine.settings), tuple(names), tuple(sys.path))
        self._jobs = jobs
        self._free: SimpleQueue[_Worker | None] = SimpleQueue()
        for _ in range(jobs):
            self._free.put(None)
        self._all: list[_Worker] = []
        self._stillborn = 0
        self.failures: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> Self:
        """Nothing is started yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the workers, whatever they do."""
        for worker in self._all:
            worker.end()

    def classify(self, inputs: Iterable[Input]) -> Iterator[tuple[Input, Report | str]]:
        """Yield each input in order with its report, or with why it has none: its own fault, or that workers died over it.

        Raises ChildProcessError where workers die that have nothing to die over.
        """
        waiting: deque[Future[list[tuple[Input, Report | str]]]] = deque()
        with ThreadPoolExecutor(self._jobs) as pool:
            try:
                for chunk in _chunks(inputs):
                    waiting.append(pool.submit(self._do, chunk))
                    if len(waiting) > 2 * self._jobs:
                        yield from waiting.popleft().result()
                while waiting:
                    yield from waiting.popleft().result()
            except BaseException:  # Ctrl-C, a closed pipe: the threads wait for workers
                for one in waiting:
                    one.cancel()
                self.__exit__(None, None, None)
                raise

    def _do(self, items: list[Input]) -> list[tuple[Input, Report | str]]:
        mails = [item for item in items if item.fault is None]
        try:
            found: Iterator[Report | str] = iter(self._ask(mails) if mails else ())
        except Died:
            found = (self._alone(item) for item in mails)
        return [(item, item.fault if item.fault is not None else next(found)) for item in items]

    def _alone(self, item: Input) -> Report | str:
        try:
            return self._ask([item])[0]
        except Died as died:
            return f"the process that read it ended: {died}"

    def _ask(self, items: list[Input]) -> Sequence[Report]:
        worker = self._free.get()
        try:
            if worker is None:
                worker = _Worker(self._start)
                self._all.append(worker)
            answer = worker.ask(Chunk(tuple(items)))
        except Died as died:
            how = worker.end() if worker is not None else ""
            worker = None
            self._stillborn += 1
            if self._stillborn >= _STILLBORN:
                msg = f"{_STILLBORN} processes in a row ended before they had read a message ({how}); --jobs 1 reads in this one"
                raise ChildProcessError(msg) from died
            raise Died(how) from died
        finally:
            self._free.put(worker)
        self._stillborn = 0
        self.failures.update(answer.failed)
        return answer.reports


def _chunks(inputs: Iterable[Input]) -> Iterator[list[Input]]:
    chunk: list[Input] = []
    size = 0
    for item in inputs:
        chunk.append(item)
        size += len(item.raw)
        if len(chunk) >= MESSAGES or size >= OCTETS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
