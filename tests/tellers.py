"""Plugins that note what they are told, and what they are told of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bounceclass.model import Advice, Event, Reason, Suppression, Verdict
from bounceclass.settings import Limits, Settings

Install = Callable[..., None]
SAMPLE = (Path(__file__).parent.parent / "samples" / "rfc3464" / "47-several-recipients.eml").read_bytes()
DEAD = "550 5.1.1 user unknown"
QUICK = Settings(limits=Limits(hook_seconds=0.3, refine_seconds=0.02))
ENTRY = Suppression(address="user@example.org", reason=Reason.USER_UNKNOWN, since=datetime(2026, 1, 1, tzinfo=UTC), by="test")


class Teller:
    """Notes what it is told, and by which hook."""

    def __init__(self, name: str = "", log: list[tuple[str, str, str | None]] | None = None) -> None:
        self.name = name
        self.log: list[tuple[str, str, str | None]] = [] if log is None else log

    def bounceclass_bounce(self, event: Event) -> None:
        self.log.append((self.name, "bounce", event.recipient))

    def bounceclass_delay(self, event: Event) -> None:
        self.log.append((self.name, "delay", event.recipient))


def lower(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, advice=Advice.REVIEW)
