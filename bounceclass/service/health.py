"""Whether a run is well, and what is wrong: told by the runner as it goes, and looked up when somebody asks.

    {"ok": false, "faults": ["maildir:/var/mail/bounces: No such file or directory"], "store": {...}, "sources": [...], ...}

What lasts keeps the time at which it began.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bounceclass.errors import StoreError
from bounceclass.observation import STORE, Sound, Trouble
from bounceclass.service.places import label_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bounceclass.assembly import Parts
    from bounceclass.observation import Observation
    from bounceclass.store.backlog import Backlog

__all__ = ["Health", "State"]

SILENT: Final = 300.0
"""Seconds without a sign of life, after which it hangs: no step that is bounded takes so long."""
_FRESH, _FAILED = 1.0, 15.0
"""Seconds that an answer of the store is good for, and that one which did not come is not asked for again."""


class State(msgspec.Struct, frozen=True):
    """How it is with a place: since when what is wrong, where something is, and when it last was not."""

    fault: str | None = None
    since: datetime | None = None
    last_success: datetime | None = None


class Health:
    """The state of a run. Its own threads and the runner's may use it at once."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Begin with nothing known."""
        self._clock = clock
        self._lock = threading.Lock()
        self._states: dict[str, State] = {}
        self._parts: Parts | None = None
        self._life = time.monotonic()
        self._asked = 0.0
        self._backlog: Backlog | None = None

    def use(self, parts: Parts) -> None:
        """Look at these parts from now on; of sources that are no more nothing is told."""
        with self._lock:
            self._parts, self._asked, self._backlog = parts, 0.0, None
            kept = {STORE, *(source.url for source in parts.sources)}
            self._states = {place: state for place, state in self._states.items() if place in kept}
        self.observe(Sound(STORE))

    def alive(self) -> None:
        """Note a sign of life."""
        self._life = time.monotonic()

    def observe(self, observation: Observation) -> None:
        """Note what the runner tells of a place."""
        if not isinstance(observation, (Sound, Trouble)):
            return
        place, now = observation.place, self._clock()
        with self._lock:
            before = self._states.get(place, State())
            if isinstance(observation, Sound):
                self._states[place] = State(last_success=now)
            else:
                self._states[place] = State(observation.fault, before.since or now, before.last_success)

    def states(self) -> dict[str, State]:
        """Return how it is with each source, and with the store."""
        with self._lock:
            found = {source.url: State() for source in self._parts.sources} if self._parts else {}
            return {STORE: State(), **found, **self._states}

    def plugins(self) -> dict[str, str | None]:
        """Return the plugins, and why they are not called, where they are not."""
        if self._parts is None:
            return {}
        plugins = self._parts.engine.plugins
        return {name: plugins.given_up(name) for name in plugins.names} | {fault.plugin: fault.fault for fault in plugins.faults}

    def paused(self) -> dict[str, datetime | None]:
        """Return until when each plugin is left alone because its calls failed, None where it is called. No fault: a restart would not help."""
        return self._parts.runner.paused() if self._parts else {}

    def backlog(self) -> Backlog | None:
        """Return what waits in the store; None where it can't be asked."""
        with self._lock:
            parts, now = self._parts, time.monotonic()
            if parts is None or self._states.get(STORE, State()).fault:
                return None
            if not self._asked or now - self._asked > (_FAILED if self._backlog is None else _FRESH):
                try:
                    self._backlog = parts.store.backlog(parts.engine.plugins.names)
                except StoreError:
                    self._backlog = None
                self._asked = time.monotonic()
            return self._backlog

    def report(self, backlog_seconds: float) -> dict[str, Any]:
        """Return all of it, as it is shown; `ok` is whether there are no faults."""
        states, plugins, paused, backlog, now = self.states(), self.plugins(), self.paused(), self.backlog(), self._clock()
        store = states.pop(STORE)
        if backlog is None and store.fault is None and self._parts is not None:
            store = State("does not answer", now)
        waiting = backlog.plugins.values() if backlog else ()
        oldest = min((one.oldest for one in waiting if one.oldest), default=None)
        age = (now - oldest).total_seconds() if oldest else 0.0
        life = time.monotonic() - self._life
        faults = [*_faults(store, states, plugins)]
        if age > backlog_seconds:
            faults.append(f"outbox: a call waits since {_time(oldest)}")
        if life > SILENT:
            faults.append(f"no sign of life for {life:.0f} s")
        return {
            "ok": not faults,
            "faults": faults,
            "store": _shown(store),
            "sources": [{"source": label_of(place), **_shown(state)} for place, state in states.items()],
            "plugins": [{"plugin": name, "ok": why is None, "fault": why, "paused_until": _time(paused.get(name))} for name, why in plugins.items()],
            "outbox": {"waiting": sum(one.calls for one in waiting), "oldest_seconds": round(age, 3), "dead": sum(one.dead for one in waiting)},
            "held": backlog.held if backlog else None,
            "sign_of_life_seconds": round(life, 3),
        }


def _faults(store: State, sources: dict[str, State], plugins: dict[str, str | None]) -> Iterator[str]:
    if store.fault:
        yield f"store: {store.fault}"
    yield from (state.fault for state in sources.values() if state.fault)
    yield from (f"plugin {name}: {why}" for name, why in plugins.items() if why)


def _shown(state: State) -> dict[str, Any]:
    return {"ok": state.fault is None, "fault": state.fault, "since": _time(state.since), "last_success": _time(state.last_success)}


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
