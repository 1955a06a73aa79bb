"""What a dialect is, what it remembers, and how a line becomes a Report."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from bounceclass import transcript
from bounceclass.model import REPLY_UNLOGGED, Defect, Event, Kind, Original, Report, clean_text

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Dialect", "Memory", "Message", "Outcome", "is_passed_on", "report_of"]

_MOST: Final = 20_000
"""Messages that are remembered: more than a queue has in flight."""
_LONGEST: Final = 8192


class Message(msgspec.Struct):
    """What is known of a message by its queue id; `deferred` is status and text that were last said of each recipient that waits, the newest 100."""

    message_id: str | None = None
    sender: str | None = None
    deferred: dict[str, tuple[str | None, str]] = {}

    def put_off(self, recipient: str, status: str | None, said: str) -> None:
        """Remember what was said of a recipient."""
        self.deferred.pop(recipient, None)
        self.deferred[recipient] = (status, said)
        while len(self.deferred) > 100:  # noqa: PLR2004  enough for a list server's batch
            del self.deferred[next(iter(self.deferred))]


class Memory:
    """Messages by queue id; the oldest are forgotten."""

    def __init__(self, known: dict[str, Message] | None = None) -> None:
        """Begin with what was remembered before."""
        self._known: OrderedDict[str, Message] = OrderedDict(known or {})

    def of(self, queue: str) -> Message:
        """Return what is known of a message, for reading and writing."""
        found = self._known.get(queue)
        if found is None:
            found = self._known[queue] = Message()
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return found

    def forget(self, queue: str) -> None:
        """Let go of a message that is done with."""
        self._known.pop(queue, None)

    def known(self) -> dict[str, Message]:
        """Return all, to be kept over a restart."""
        return dict(self._known)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one line says of one recipient, in the words of its log."""

    kind: Kind
    recipient: str
    original_recipient: str | None = None
    said: str = ""
    status: str | None = None
    command: str | None = None
    queue: str | None = None
    remote_mta: str | None = None
    reporting_mta: str | None = None
    label: str | None = None
    passed_on: bool = False
    """Whether a delivery only went to another host of ours."""
    guessed: bool = False
    """Whether the reply isn't all there, and the status may be the log's own guess."""
    at: datetime | None = None
    message_id: str | None = None
    sender: str | None = None
    envid: str | None = None


class Dialect(Protocol):
    """How one MTA writes its log."""

    name: str

    def knows(self, line: str) -> bool:
        """Tell whether a line is of this log."""

    def read(self, line: str, memory: Memory, now: datetime) -> list[Outcome]:
        """Return what a line says, nothing where it says nothing of a recipient. Raises nothing."""


_ACTIONS: Final = {Kind.BOUNCE: "failed", Kind.DELAY: "delayed", Kind.DELIVERY: "delivered"}


_HERE: Final = ("127.", "[127.", "::1", "[::1", "IPv6:::1", "localhost")
_PASSING: Final = re.compile(r"queued as|accepted for delivery|from MTA\(", re.IGNORECASE)


def is_passed_on(relay: str, said: str) -> bool:
    """Tell by its address or name, and by what it said, whether a relay is a filter or a queue on this host, so that a delivery to it isn't the last."""
    return relay.startswith(_HERE) and _PASSING.search(said) is not None


def report_of(outcome: Outcome, format_: str, source: str | None) -> Report:
    """Return the Report of an outcome: codes are what the remote said, else what the log has; the sender is the returned Return-Path."""
    said = clean_text(" ".join(outcome.said[:_LONGEST].split()))
    found = transcript.read(said)
    event = Event(
        id=outcome.queue,
        kind=outcome.kind,
        recipient=clean_text(outcome.recipient),
        original_recipient=clean_text(outcome.original_recipient) if outcome.original_recipient else None,
        action="relayed" if outcome.passed_on else _ACTIONS.get(outcome.kind),
        reply_code=found.reply_code,
        enhanced_status=found.enhanced_status or outcome.status,
        diagnostic=said or None,
        command=outcome.command or found.command,
        remote_mta=outcome.remote_mta or found.remote_host,
        reporting_mta=outcome.reporting_mta,
        label=outcome.label,
        occurred_at=outcome.at,
    )
    headers = (("Return-Path", clean_text(outcome.sender)),) if outcome.sender else ()
    original = Original(message_id=outcome.message_id, envid=outcome.envid, headers=headers)
    defects = (Defect(REPLY_UNLOGGED, "reply"),) if outcome.guessed else ()
    return Report(kind=outcome.kind, events=(event,), format=format_, source=source, defects=defects, original=original if original != Original() else None)
