"""One plugin's `refine`: called inline, timed, checked; what it changed stands in the evidence.

A thread hop would cost 27 us an event, a call 4, so a refining plugin runs where it is called; one
that is slow again and again is switched off, with a word.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bounceclass.isolation import describe
from bounceclass.model import Advice, Details, Evidence, Permanence, Reason, Scope, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from bounceclass.model import Event

__all__ = ["Refiner"]

LOG: Final = logging.getLogger("bounceclass")
_STRIKES: Final = 3
_RULE: Final = "refine"
_WORDS: Final = {"permanence": Permanence, "reason": Reason, "scope": Scope, "advice": Advice}


class Refiner:
    """The `refine` of one plugin. Threads may share it."""

    def __init__(self, plugin: str, function: Callable[..., Any], names: tuple[str, ...], seconds: float, count: Callable[[str, str], None]) -> None:
        """Take the implementation, how long it may take, and who counts its failures."""
        self.plugin = plugin
        self.off: str | None = None
        """Why it is not called any more, None while it is."""
        self._function = function
        self._names = names
        self._seconds = seconds
        self._count = count
        self._slow = 0

    def refine(self, event: Event) -> Event:
        """Return the event with what the plugin makes of its verdict; as it is where the plugin fails or has nothing to say."""
        if self.off is not None:
            return event
        given = {"event": event, "verdict": event.verdict}
        started = time.perf_counter()
        try:
            result = self._function(**{name: given[name] for name in self._names})
            if result is None or result is event.verdict:
                return event
            return msgspec.structs.replace(event, verdict=self._signed(result, event.verdict))
        except (Exception, SystemExit) as error:
            self._count(self.plugin, _RULE)
            LOG.warning("plugin %s: refine: %s", self.plugin, describe(error), exc_info=error, extra={"plugin": self.plugin, "hook": _RULE})
            return event
        finally:
            self._time(time.perf_counter() - started)

    def _time(self, seconds: float) -> None:
        if seconds <= self._seconds:
            return
        self._slow += 1
        self._count(self.plugin, _RULE)
        if self._slow >= _STRIKES:
            self.off = f"switched off: refine took more than {self._seconds:g} s {_STRIKES} times"
            LOG.error("plugin %s: %s", self.plugin, self.off, extra={"plugin": self.plugin})

    def _signed(self, result: object, before: Verdict) -> Verdict:
        """Return a plugin's verdict, checked, with evidence of who changed what before that of the rules."""
        after = _checked(result)
        old = frozenset(before.evidence)
        own = [msgspec.structs.replace(one, pack=self.plugin) for one in after.evidence if one not in old]
        if not own:
            text = ", ".join(_changes(before, after))
            if not text:
                return before
            own = [Evidence(_RULE, self.plugin, "verdict", 0, len(text), text)]
        decided = before.evidence[0].rule if before.evidence else None
        first = msgspec.structs.replace(own[0], overrode=decided)
        return msgspec.structs.replace(after, evidence=(first, *own[1:], *before.evidence))


def _checked(result: object) -> Verdict:
    """Return a verdict whose every part is what it should be; raise ValueError or TypeError where one is not.

    A Verdict checks itself when it is built, but not the types, and what sets a field by force
    goes round that.
    """
    if not isinstance(result, Verdict):
        msg = f"returned {type(result).__name__}, not a Verdict or None"
        raise TypeError(msg)
    words = {}
    for key, enum in _WORDS.items():
        word = getattr(result, key)
        if word not in enum.__members__.values():
            msg = f"{word!r} is no {key}"
            raise ValueError(msg)
        words[key] = enum(word)
    details = msgspec.convert(msgspec.to_builtins(result.details), Details)
    evidence = msgspec.convert(msgspec.to_builtins(result.evidence), tuple[Evidence, ...])
    return Verdict(**words, confidence=float(result.confidence), details=details, evidence=evidence)  # type: ignore[arg-type]


def _changes(before: Verdict, after: Verdict) -> list[str]:
    """Return what differs, as "advice suppress -> count"."""
    keys = (*_WORDS, "confidence")
    changed = [f"{key} {getattr(before, key)} -> {getattr(after, key)}" for key in keys if getattr(before, key) != getattr(after, key)]
    return changed + (["details"] if before.details != after.details else [])
