"""What plugins are told and asked to do, by way of the outbox: written with what it follows from, called after the commit.

At least once for each plugin instance, in order for one address. A call that fails is put off, longer
each time; Retry says how long, Refused and too many attempts make a dead letter. An instance that was given
up in this process keeps its calls for the next.
"""

from __future__ import annotations

import hashlib
import logging
import math
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bounceclass.addresses import comparable
from bounceclass.breaker import IN_A_ROW, Breaker
from bounceclass.hookspecs import TOLD
from bounceclass.model import Suppression, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from bounceclass.history import Occurrence
    from bounceclass.plugins import Plugins
    from bounceclass.protocols import Failure, Transaction
    from bounceclass.store.outbox import Outbox
    from bounceclass.store.records import Call

__all__ = ["ACTING", "Deliverer", "Outgoing", "action_key"]

LOG: Final = logging.getLogger("bounceclass")
ACTING: Final = ("suppress", "release")
"""The hooks that act."""
_PAGE: Final = 100
_FIRST: Final = timedelta(seconds=30)
_LONGEST: Final = timedelta(hours=6)
_MOST: Final = 30
"""Attempts; with the waits between them these take about six days."""
_SURE: Final = 10
"""Doublings after which the longest wait is reached."""


class Outgoing:
    """Writes calls into the outbox, for the plugins of an Engine that have the hook."""

    def __init__(self, plugins: Plugins) -> None:
        """See who has which hook."""
        self._listening = {hook: [name for name in plugins.names if hook in plugins.hooks_of(name)] for hook in (*TOLD, *ACTING)}

    def tell(self, ledger: Transaction, occurrence: Occurrence) -> None:
        """Write down that the plugins are to be told of an event; they get the report with this event alone."""
        event = occurrence.event
        names = self._listening.get(event.kind.replace("-", "_"))
        if names:
            payload = encode(msgspec.structs.replace(occurrence.report, events=(event,)))
            for name in names:
                ledger.enqueue(name, event.kind.replace("-", "_"), payload, occurrence.key, address=occurrence.addressed)

    def suppress(self, ledger: Transaction, entry: Suppression, key: str | None = None, *, besides: str | None = None) -> None:
        """Write down that the plugins are to suppress; `key` is that of the event it follows from, `besides` who is not told, where there is one."""
        self._act(ledger, "suppress", entry, key or action_key("suppress", entry), besides)

    def release(self, ledger: Transaction, entry: Suppression, now: datetime, *, besides: str | None = None) -> None:
        """Write down that the plugins are to release an entry that has ended, unless another cause suppresses the same for as long.

        Where that one ends sooner, it is told after the release. `besides` is who is not told.
        """
        rest = ledger.remaining(entry, now)
        if rest is not None and (rest.until is None or (entry.until is not None and rest.until >= entry.until)):
            return
        key = action_key("release", entry)
        self._act(ledger, "release", entry, key, besides)
        if rest is not None:
            self._act(ledger, "suppress", rest, hashlib.blake2b(f"after {key}".encode(), digest_size=16).hexdigest(), besides)

    def _act(self, ledger: Transaction, hook: str, entry: Suppression, key: str, besides: str | None = None) -> None:
        for name in self._listening[hook]:
            if name != besides:
                ledger.enqueue(name, hook, msgspec.json.encode(entry), key, address=entry.address)


def action_key(hook: str, entry: Suppression) -> str:
    """Return the key of an action that follows from no event: the same for the same entry."""
    whom = comparable(entry.address) if entry.address else f"@{entry.domain}"
    parts = (hook, whom, entry.scope or "", entry.reason, entry.by, entry.since.isoformat())
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()


class Deliverer:
    """Empties the outbox for the plugins of this process; `clock` gives the time."""

    def __init__(self, outbox: Outbox, plugins: Plugins, seconds: float, clock: Callable[[], datetime], checkpoint: Callable[[str], None]) -> None:
        """Take how long one call may take at most, and what is told of each step."""
        self._outbox = outbox
        self._plugins = plugins
        self._seconds = seconds
        self._clock = clock
        self._checkpoint = checkpoint
        self._breakers = {name: Breaker() for name in plugins.names}
        self._turn = 0

    def paused(self) -> dict[str, datetime | None]:
        """Return, for each instance, until when it is not called; None where it is. Another thread may ask."""
        return {name: breaker.until for name, breaker in self._breakers.items()}

    def deliver(self, seconds: float | None = None) -> int:
        """Make the calls that are due, for at most so many seconds; return how many came through.

        Each time another instance is the first: one that is slow takes only its own turn. Who is paused is not waited for.
        """
        end = None if seconds is None else monotonic() + seconds
        names = self._plugins.names
        self._turn = (self._turn + 1) % max(len(names), 1)
        return sum(self._deliver_to(name, end) for name in names[self._turn :] + names[: self._turn])

    def _deliver_to(self, name: str, end: float | None) -> int:
        breaker = self._breakers[name]
        done = 0
        while self._plugins.given_up(name) is None and (end is None or monotonic() < end) and (room := breaker.room(self._clock(), _PAGE)):
            calls = self._outbox.pending(name, self._clock(), room, lease=timedelta(seconds=2 * self._seconds))
            if not calls:
                break
            done += self._make(calls, breaker)
        return done

    def _make(self, calls: list[Call], breaker: Breaker) -> int:
        """Make calls of one instance until one call's time has passed: so long they are leased, with as much to spare for the last one."""
        done: list[int] = []
        end = monotonic() + self._seconds
        try:
            for number, call in enumerate(calls):
                if (number and (monotonic() > end or self._plugins.given_up(call.plugin))) or not breaker.take(self._clock()):
                    self._outbox.give_back([one.id for one in calls[number:]])
                    break
                self._checkpoint("calling")
                failure = self._call(call)
                self._checkpoint("called")
                self._note(call.plugin, breaker, failure)
                if failure is None:
                    done.append(call.id)
                else:
                    self._put_off(call, failure)
        finally:
            if done:
                self._outbox.done(done, self._clock())
        return len(done)

    def _call(self, call: Call) -> Failure | None:
        failures = self._plugins.tell(call.hook, [call.plugin], **_arguments(call))
        return failures[0] if failures else None

    def _note(self, plugin: str, breaker: Breaker, failure: Failure | None) -> None:
        """Tell the breaker what came of a call, and the log of a pause: once when it begins, once when it is over."""
        now = self._clock()
        if failure is None:
            if breaker.succeed():
                LOG.warning("plugin %s: it goes on", plugin, extra={"plugin": plugin})
        elif failure.final:
            breaker.refuse(now)
        elif breaker.fail(now, _asked(failure)):
            msg = "plugin %s: %d calls in a row did not come through: none for a while, then one at a time; nothing is lost"
            LOG.warning(msg, plugin, IN_A_ROW, extra={"plugin": plugin})

    def _put_off(self, call: Call, failure: Failure) -> None:
        if failure.final or call.attempts + 1 >= _MOST:
            self._outbox.dead(call.id, failure.fault)
            return
        wait = _asked(failure) or min(_LONGEST, _FIRST * 2 ** min(call.attempts, _SURE))
        self._outbox.retry_later(call.id, self._clock() + wait, failure.fault)


def _asked(failure: Failure) -> timedelta | None:
    """Return how long a plugin asks us to wait; None where it does not say, or says what is no time."""
    after = failure.after
    return timedelta(seconds=min(after, _LONGEST.total_seconds())) if after is not None and math.isfinite(after) and after > 0 else None


def _arguments(call: Call) -> dict[str, Any]:
    """Return what a hook is called with."""
    if call.hook in TOLD:
        report = decode(call.payload)
        return {"event": report.events[0], "report": report, "key": call.key}
    return {"suppression": msgspec.json.decode(call.payload, type=Suppression), "key": call.key}
