"""What is posted: the body, and the name that a repetition has in common with the first time.

    {"type": "bounce", "timestamp": "2026-03-09T12:00:00Z", "data": {"key": ..., "event": {...}, "report": {...}}}
    {"type": "suppress", "timestamp": ..., "data": {"key": ..., "suppression": {...}}}

Standard Webhooks 1.0.0, "Payload structure". `event`, `report` and `suppression` are as everywhere else (docs/report.md).
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.errors import Refused
from bounceclass.model import encode

if TYPE_CHECKING:
    from datetime import datetime

    from bounceclass.model import Event, Report, Suppression

__all__ = ["LARGEST", "Message", "of_decision", "of_event"]

LARGEST: Final = 256 * 1024
"""Octets of a body. One that is larger goes without its report, which holds what came back of the original."""
_PLAIN: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


class Message(msgspec.Struct, frozen=True):
    """One post: `name` is its `webhook-id`."""

    name: str
    body: bytes


def of_event(hook: str, event: Event, report: Report, key: str, now: datetime) -> Message:
    """Tell of an event, by the time at which it occurred, or `now` where nobody says; raises Refused where it is too large."""
    data: dict[str, object] = {"key": key, "event": msgspec.Raw(encode(event)), "report": msgspec.Raw(encode(report))}
    at = event.occurred_at or now
    body = _body(hook, at, data)
    if len(body) > LARGEST:
        body = _body(hook, at, {**data, "report": None})
    if len(body) > LARGEST:
        msg = f"the event has {len(body):,} octets, and {LARGEST:,} are posted at most"
        raise Refused(msg)
    return Message(_name(hook, key), body)


def of_decision(hook: str, suppression: Suppression, key: str, now: datetime) -> Message:
    """Tell of a decision: a suppression by the time at which it begins, a release by `now`."""
    at = suppression.since if hook == "suppress" else now
    return Message(_name(hook, key), _body(hook, at, {"key": key, "suppression": suppression}))


def _body(hook: str, at: datetime, data: dict[str, object]) -> bytes:
    return msgspec.json.encode({"type": hook, "timestamp": at, "data": data})


def _name(hook: str, key: str) -> str:
    """Return key and hook, for an event and what follows from it share the key.

    Without a full stop, which stands between what is signed: "Signature scheme" wants none in an id.
    """
    plain = key if _PLAIN.fullmatch(key) else blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{plain}_{hook}"
