"""`refine` in a process of its own, for who needs it: a plugin that hangs is killed, and the event goes on.

    Settings(isolate="process")

Inline a hang can't be cut, for Python can't kill a thread. Here a child builds the same plugins, by
name, and gets each event over a pipe: some 0.1 ms more an event. The child says whom it calls before
it calls; who does not return within `limits.hook_seconds` is given up, and a new child goes on with
the others.

    parent -> child   Start, then Events
    child -> parent   Calling before each call, then Done
"""

from __future__ import annotations

import logging
import struct
import subprocess
import sys
import threading
import weakref
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING, Final

import msgspec

from bounceclass.model import Event  # noqa: TC001  msgspec reads the annotations at run time
from bounceclass.settings import Settings, without_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Calling", "Confinement", "Done", "Start", "read_frames", "write_frame"]

LOG: Final = logging.getLogger("bounceclass")
_LENGTH: Final = struct.Struct(">I")
_START_SECONDS: Final = 60.0
"""What a child may take to start, import its plugins and be ready."""


class Start(msgspec.Struct, frozen=True):
    """The first message to a child: what to build."""

    settings: Settings
    names: tuple[str, ...]
    path: tuple[str, ...]
    """The parent's `sys.path`, so that the child finds the same plugins."""


class Calling(msgspec.Struct, frozen=True, tag="calling"):
    """The child is about to call a plugin."""

    plugin: str


class Done(msgspec.Struct, frozen=True, tag="done"):
    """What the plugins left of an event; who failed in it, and who is off since."""

    event: Event | None = None
    failed: tuple[str, ...] = ()
    off: dict[str, str] = {}


def write_frame(stream: IO[bytes], message: msgspec.Struct) -> None:
    """Write one message, with its length before it."""
    data = msgspec.msgpack.encode(message)
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def read_frames(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the messages of a pipe, until it is closed."""
    while len(head := stream.read(_LENGTH.size)) == _LENGTH.size:
        yield stream.read(_LENGTH.unpack(head)[0])


class _Child:
    """A running child and what it says."""

    def __init__(self, start: Start) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "bounceclass.confined"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        weakref.finalize(self, self._process.kill)  # at exit too: one that hangs would live on
        self._said: SimpleQueue[bytes | None] = SimpleQueue()
        threading.Thread(target=self._listen, name="bounceclass confinement", daemon=True).start()
        self.send(start)

    def _listen(self) -> None:
        if self._process.stdout is not None:
            for frame in read_frames(self._process.stdout):
                self._said.put(frame)
        self._said.put(None)

    def send(self, message: msgspec.Struct) -> None:
        if self._process.stdin is not None:
            write_frame(self._process.stdin, message)

    def hear(self, seconds: float) -> Calling | Done | None:
        """Return what the child says next, None where it is gone; raises Empty where it says nothing in time."""
        frame = self._said.get(timeout=seconds)
        return None if frame is None else msgspec.msgpack.decode(frame, type=Calling | Done)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was not sent yet
                    LOG.debug("the pipe of a killed child", exc_info=True)


class Confinement:
    """The refining plugins of one Engine, in a child. Threads may share it; one event is refined at a time."""

    def __init__(self, settings: Settings, names: tuple[str, ...], count: Callable[[str, str], None]) -> None:
        """Take what the child shall build, and who counts failures; the child starts with the first event."""
        self.off: dict[str, str] = {}
        """Why a plugin is not called any more."""
        self._settings = settings
        self._names = names
        self._count = count
        self._turn = threading.Lock()
        self._child: _Child | None = None

    def refine(self, event: Event) -> Event:
        """Return the event with what the plugins make of its verdict."""
        with self._turn:
            while names := tuple(name for name in self._names if name not in self.off):
                refined = self._ask(names, event)
                if refined is not None:
                    return refined
        return event

    def _ask(self, names: tuple[str, ...], event: Event) -> Event | None:
        """Return the refined event; None where a plugin was given up, so that the others must be asked anew."""
        plugin, seconds = "", _START_SECONDS
        try:
            if self._child is None:
                self._child = _Child(Start(without_policy(self._settings), names, tuple(sys.path)))
            self._child.send(event)
            while isinstance(said := self._child.hear(seconds), Calling):
                plugin, seconds = said.plugin, self._settings.limits.hook_seconds
        except Empty:
            self._give_up(plugin, names, f"given up: refine did not return within {seconds:g} s")
        except OSError as error:
            self._give_up(plugin, names, f"given up: its process ended: {error}")
        else:
            if isinstance(said, Done):
                return self._noted(said) or event
            self._give_up(plugin, names, "given up: its process ended")
        return None

    def _noted(self, done: Done) -> Event | None:
        for name in done.failed:
            self._count(name, "refine")
        self.off.update(done.off)
        return done.event

    def _give_up(self, plugin: str, names: tuple[str, ...], why: str) -> None:
        """Take out who was being called; all, where the child did not come so far."""
        for name in (plugin,) if plugin else names:
            self.off[name] = why
            self._count(name, "refine")
            LOG.error("plugin %s: %s", name, why, extra={"plugin": name})
        self.close()

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child = None
