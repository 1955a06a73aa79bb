"""What the policy is given in tests: events, standings, cases, and an address's life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from bounceclass.case import Case
from bounceclass.engine import Engine
from bounceclass.history import Delivery, DomainHistory, FailedMailing, History
from bounceclass.model import Action, Advice, Details, Event, Evidence, Kind, Permanence, Reason, Scope, Suppression, Trust, Verdict
from bounceclass.policy import Policy
from bounceclass.presets import PolicySettings
from bounceclass.settings import Settings, TrustSettings
from bounceclass.trust import Standing

if TYPE_CHECKING:
    from bounceclass.domains import DomainFacts

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RUTH = "ruth@example.net"
NAMES = {
    "user-unknown": "550 5.1.1 user unknown",
    "address-invalid": "553 5.1.3 invalid address syntax",
    "moved": "551 5.1.6 User has moved",
    "disabled": "550 5.2.1 The account has been disabled",
    "full": "452 4.2.2 mailbox full",
    "full-now": "552 5.2.2 mailbox full",
    "blocked-you": "550 5.7.1 recipient has blocked you",
    "filtered": "550 5.7.1 rejected by filter rule",
    "insiders": "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required",
    "nxdomain": "550 5.1.2 host not found: domain example.net does not exist",
    "521": "521 5.3.2 example.net does not accept mail",
    "relay": "554 5.7.1 relay access denied",
    "ip": "554 5.7.1 Client host [192.0.2.1] blocked using zen.example.org",
    "spam": "550 5.7.1 message rejected as spam",
}
ENGINE = Engine()
OURS = TrustSettings(domains=("lists.example.com",), return_path="bounces@mail.example.com")


def policy(**options: object) -> Policy:
    return Policy(Settings(own_hosts=("mx.example.com",)), OURS, PolicySettings(**options))  # type: ignore[arg-type]


def verdict(
    reason: str, advice: str, scope: str = "address", *, permanence: str = "permanent", confidence: float = 0.9, rule: str = "r", of_list: str | None = None
) -> Verdict:
    said = Evidence(rule, "phrases", "diagnostic", 0, 0, "")
    return Verdict(Permanence(permanence), Reason(reason), Scope(scope), Advice(advice), confidence, Details(list=of_list), (said,))


def event(name: str, kind: str = "bounce") -> Event:
    """What an SMTP reply of that name is when the mail has been given up."""
    return msgspec.structs.replace(ENGINE.reply(NAMES[name], recipient=RUTH, host="mx.example.net"), kind=Kind(kind))


FULL = Event(kind=Kind.BOUNCE, recipient=RUTH, verdict=verdict("mailbox-full", "count", permanence="transient"))
UNKNOWN = Event(kind=Kind.BOUNCE, recipient=RUTH, verdict=verdict("user-unknown", "suppress"))
UNSURE = msgspec.structs.replace(UNKNOWN, verdict=verdict("user-unknown", "count", confidence=0.4))
EXPIRED = Event(kind=Kind.BOUNCE, recipient=RUTH, verdict=verdict("expired", "count", "domain", permanence="transient"))
DEAD = Event(kind=Kind.BOUNCE, recipient=RUTH, remote_mta="mx.example.net", reply_code=521, verdict=verdict("domain-no-mail", "suppress", "domain"))
GONE = Event(kind=Kind.BOUNCE, recipient=RUTH, verdict=verdict("domain-unknown", "suppress", "domain"))
RELAY = Event(kind=Kind.BOUNCE, recipient=RUTH, reply_code=554, verdict=verdict("relay-denied", "count", "domain"))
COMPLAINT = Event(kind=Kind.COMPLAINT, recipient=RUTH, verdict=verdict("complaint", "suppress", permanence="undetermined", confidence=1))
UNSUBSCRIBE = Event(kind=Kind.UNSUBSCRIBE, recipient=RUTH, verdict=verdict("unsubscribe", "suppress", permanence="undetermined", confidence=1))
DELIVERED = Event(kind=Kind.DELIVERY, recipient=RUTH, verdict=Verdict(Permanence.UNDETERMINED, Reason.DELIVERED, Scope.NONE, Advice.IGNORE, 1))


def standing(grade: str = "signed", recipient: str | None = RUTH, stream: str | None = None, *, forwarded: bool = False) -> Standing:
    return Standing(grade=Trust(grade), recipient=recipient, stream=stream, forwarded=forwarded, because="the tag is ours")


def case(what: Event, told: Standing | None = None, at: datetime = NOW, **more: object) -> Case:
    return Case(event=what, standing=told or standing(), key="k", mailing=f"m{at}", received_at=at, **more)  # type: ignore[arg-type]


class Life:
    """What a store keeps of one address and its domain, in a list: each event is decided, then recorded."""

    def __init__(self, rules: Policy, told: Standing | None = None, domain: DomainFacts | None = None) -> None:
        self.rules, self.told, self.domain = rules, told or standing(), domain
        self.failures: list[tuple[FailedMailing, Scope]] = []
        self.deliveries: list[Delivery] = []
        self.entries: list[Suppression] = []
        self.delivered_at: datetime | None = None

    def history(self, now: datetime) -> History:
        active = tuple(one for one in self.entries if one.address and (one.until is None or one.until > now))
        lapsed = sum(1 for one in self.entries if one.address and one.until is not None and one.until <= now)
        return History(failures=tuple(one for one, _ in self.failures), deliveries=tuple(self.deliveries), active=active, lapsed=lapsed)

    def domain_history(self, now: datetime) -> DomainHistory:
        against = tuple(one for one, scope in self.failures if scope is Scope.DOMAIN and (self.delivered_at is None or one.at > self.delivered_at))
        active = tuple(one for one in self.entries if one.domain and (one.until is None or one.until > now))
        lapsed = sum(1 for one in self.entries if one.domain and one.until is not None and one.until <= now)
        return DomainHistory(failures=against, addresses=bool(against), delivered_at=self.delivered_at, active=active, lapsed=lapsed)

    def day(self, number: float, what: Event, mailing: str | None = None) -> str:
        now = NOW + number * DAY
        one = Case(
            event=what,
            standing=self.told,
            key=str(number),
            mailing=mailing or str(number),
            received_at=now,
            history=self.history(now),
            domain_history=self.domain_history(now),
            domain=self.domain,
        )
        decision = self.rules.decide(one, now)
        failure = self.rules.failure_of(one, now)
        if failure is not None:
            self.failures.append(failure)
        if self.rules.is_delivery(one, now):
            self.deliveries.append(Delivery(now, one.mailing))
            self.delivered_at = now
        entry = decision.suppression
        if decision.action is Action.SUPPRESS and entry is not None:
            self.entries.append(entry)
        if decision.action is Action.RELEASE and entry is not None:
            self.entries.remove(entry)
        until = "" if decision.until is None else f" {(decision.until - now).days}"
        return f"{decision.action}{' domain' if entry is not None and entry.domain else ''}{until}"
