"""Calling a plugin so that its faults are its own: one daemon thread an instance, with a time limit.

    lane = Lane("ses:eu", seconds=30)
    lane.call("bounceclass_bounce", function, {...})    None, or the Failure

An instance that hangs is given up: it is not called again in this process. Its thread can't be
ended, for Python can't kill one; as a daemon it holds nobody up at exit (concurrent.futures would
join it).
"""

from __future__ import annotations

import logging
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bounceclass.errors import Refused, Retry
from bounceclass.model import clean_text
from bounceclass.protocols import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Lane", "describe"]

LOG: Final = logging.getLogger("bounceclass")
LOG.addHandler(logging.NullHandler())
_LONGEST: Final = 500


def describe(error: BaseException) -> str:
    """Return what went wrong in one line: "OSError: no space left"."""
    text = " ".join(clean_text(str(error)).split())
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST].rpartition(' ')[0]} ..."  # half an address is not known for one


class _Job(NamedTuple):
    function: Callable[..., object]
    arguments: Mapping[str, Any]
    answer: SimpleQueue[BaseException | None]


class Lane:
    """The thread of one plugin instance; calls run one after the other, in the order in which they came."""

    def __init__(self, plugin: str, seconds: float) -> None:
        """Name the instance and how long one call may take; the thread starts with the first call."""
        self.plugin = plugin
        self.seconds = seconds
        self.given_up: str | None = None
        """Why the instance is not called any more, None while it is."""
        self._turn = threading.Lock()
        self._jobs: SimpleQueue[_Job | None] | None = None

    def call(self, hook: str, function: Callable[..., object], arguments: Mapping[str, Any]) -> Failure | None:
        """Call a hook and wait; return what went wrong, None where nothing did. Never raises for the plugin's faults."""
        with self._turn:
            if self.given_up is not None:
                return Failure(plugin=self.plugin, hook=hook, fault=f"not called: {self.given_up}")
            answer: SimpleQueue[BaseException | None] = SimpleQueue()
            self._queue().put(_Job(function, arguments, answer))
            try:
                error = answer.get(timeout=self.seconds)
            except Empty:
                self.given_up = f"given up: {hook} did not return within {self.seconds:g} s"
                LOG.error("plugin %s: %s", self.plugin, self.given_up, extra={"plugin": self.plugin, "hook": hook})  # noqa: TRY400  there is no traceback to show
                return Failure(plugin=self.plugin, hook=hook, fault=self.given_up)
        return None if error is None else self._failure(hook, error)

    def close(self) -> None:
        """Let the thread end, once it has done what it was asked; another call starts a new one."""
        if self._jobs is not None:
            self._jobs.put(None)
            self._jobs = None

    def _queue(self) -> SimpleQueue[_Job | None]:
        if self._jobs is None:
            self._jobs = SimpleQueue()
            threading.Thread(target=_work, args=(self._jobs,), name=f"bounceclass {self.plugin}", daemon=True).start()
        return self._jobs

    def _failure(self, hook: str, error: BaseException) -> Failure:
        fault = describe(error)
        trace = None if isinstance(error, (Retry, Refused)) else error
        LOG.warning("plugin %s: %s: %s", self.plugin, hook, fault, exc_info=trace, extra={"plugin": self.plugin, "hook": hook})
        after = error.after if isinstance(error, Retry) else None
        return Failure(plugin=self.plugin, hook=hook, fault=fault, after=after, final=isinstance(error, Refused))


def _work(jobs: SimpleQueue[_Job | None]) -> None:
    while (job := jobs.get()) is not None:
        try:
            job.function(**job.arguments)
        except BaseException as error:  # noqa: BLE001  SystemExit of a plugin is a fault of that plugin
            job.answer.put(error)
        else:
            job.answer.put(None)
        del job  # nothing of an event outlives its call
