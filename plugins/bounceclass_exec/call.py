"""One call of a hook, as a command or a URL is told of it: JSON, and a few values by name."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote

import msgspec

from bounceclass.model import clean_text

if TYPE_CHECKING:
    from bounceclass.model import Event, Report, Suppression

__all__ = ["NAMES", "Call", "one_line"]

NAMES: Final = ("hook", "key", "recipient", "kind", "reason", "advice", "permanence", "scope", "until")
"""The values that an argument may hold in braces, and that stand in the environment as BOUNCECLASS_RECIPIENT and the like."""


class Call(msgspec.Struct, frozen=True):
    """What is told: the JSON, the values (empty where there is none), and what a repetition has in common with the first time."""

    hook: str
    body: bytes
    values: dict[str, str]
    identity: str

    @classmethod
    def of_event(cls, hook: str, event: Event, report: Report, key: str) -> Self:
        """Tell of an event."""
        verdict = event.verdict
        given = {"recipient": event.recipient, "kind": event.kind, "reason": verdict.reason, "advice": verdict.advice}
        body = {"hook": hook, "event": event, "report": report, "key": key}
        return cls._made(hook, body, {**given, "permanence": verdict.permanence, "scope": verdict.scope, "key": key}, event.recipient)

    @classmethod
    def of_decision(cls, hook: str, suppression: Suppression, key: str) -> Self:
        """Tell of a decision; `{recipient}` is the address, or `@` and the domain, `{scope}` the list or stream."""
        name = suppression.address or f"@{suppression.domain}"
        until = msgspec.to_builtins(suppression.until)
        body = {"hook": hook, "suppression": suppression, "key": key}
        return cls._made(hook, body, {"recipient": name, "reason": suppression.reason, "scope": suppression.scope, "until": until, "key": key}, name)

    @classmethod
    def _made(cls, hook: str, body: dict[str, object], given: dict[str, str | None], who: str | None) -> Self:
        values = {name: clean_text(str(given.get(name) or "")) for name in NAMES} | {"hook": hook}
        # One failure may lead to decisions about several: who, and for which list, tells those apart.
        mark = f"{who or ''}\0{given['scope'] or ''}".encode("utf-8", "surrogatepass") if "suppression" in body else b""
        parts = [quote(str(given["key"]), safe="", errors="replace"), hook] + ([blake2b(mark, digest_size=8).hexdigest()] if mark else [])
        return cls(hook, msgspec.json.encode(body), values, ":".join(parts))


def one_line(text: str, longest: int = 300) -> str:
    """Return the end of a text that others wrote, in one line, without control characters."""
    words = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return words if len(words) <= longest else f"...{words[-longest:]}"
