"""Calls of hooks, as an engine makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bounceclass.model import Advice, Event, Kind, Permanence, Reason, Report, Scope, Suppression, Verdict

if TYPE_CHECKING:
    from bounceclass_exec import Caller

VERDICT = Verdict(Permanence.PERMANENT, Reason.USER_UNKNOWN, Scope.ADDRESS, Advice.SUPPRESS, 0.9)
ENTRY = Suppression(address="user@example.org", scope="news", reason=Reason.USER_UNKNOWN, since=datetime(2026, 1, 1, tzinfo=UTC), until=datetime(2026, 6, 1, tzinfo=UTC), by="policy")
DOMAIN = Suppression(domain="example.org", reason=Reason.DOMAIN_NO_MAIL, since=datetime(2026, 1, 1, tzinfo=UTC), by="policy")
TELLING = {"bounce": Kind.BOUNCE, "delay": Kind.DELAY, "delivery": Kind.DELIVERY, "complaint": Kind.COMPLAINT, "unsubscribe": Kind.UNSUBSCRIBE, "auto_reply": Kind.AUTO_REPLY, "receipt": Kind.RECEIPT}
ALL = (*TELLING, "suppress", "release")


def tell(caller: Caller, recipient: str | None = "user@example.org", *, hook: str = "bounce", verdict: Verdict = VERDICT, key: str = "k1") -> None:
    event = Event(kind=TELLING[hook], recipient=recipient, verdict=verdict)
    getattr(caller, f"bounceclass_{hook}")(event=event, report=Report(kind=event.kind, events=(event,)), key=key)


def act(caller: Caller, hook: str = "suppress", suppression: Suppression = ENTRY, key: str = "k1") -> None:
    getattr(caller, f"bounceclass_{hook}")(suppression=suppression, key=key)
