"""The incident guard: storms are held, and a day like any other is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bounceclass.case import Case
from bounceclass.domains import DomainFacts, DomainState
from bounceclass.engine import Engine
from bounceclass.history import Delivery, History
from bounceclass.incident import Checked, Counts, Guard, dropped, released
from bounceclass.model import Action, Decision, Event, Kind, Reason, Suppression, Trust
from bounceclass.policy import Policy
from bounceclass.presets import PolicySettings
from bounceclass.settings import Settings, TrustSettings
from bounceclass.trust import Standing

NOW = datetime(2026, 3, 9, 12, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SETTINGS = PolicySettings()
GUARD = Guard(SETTINGS, ("relay.example.com",))
GOOGLE, OTHER = "gmail-smtp-in.l.google.com", "mx1.example.co.uk"


def case(
    number: int, host: str | None = GOOGLE, domain: str = "gmail.com", *, grade: str = "signed", stream: str | None = None, facts: DomainFacts | None = None
) -> Case:
    recipient = f"user{number}@{domain}"
    told = Standing(grade=Trust(grade), recipient=recipient, stream=stream, because="the tag is ours")
    return Case(
        event=Event(kind=Kind.BOUNCE, recipient=recipient, remote_mta=host), standing=told, key=str(number), mailing=str(number), received_at=NOW, domain=facts
    )


def decision(one: Case, reason: str = "user-unknown", action: str = "suppress") -> Decision:
    entry = Suppression(address=one.recipient, reason=Reason(reason), since=NOW, by="policy") if action != "count" else None
    return Decision(action=Action(action), because="no such user", suppression=entry)


def passed(counts: Counts, cases: list[Case], at: datetime = NOW, reason: str = "user-unknown", incidents: set[str] | None = None) -> int:
    """How many of so many decisions are made; the incidents that they are held for are opened."""
    opened = set() if incidents is None else incidents
    made = 0
    for one in cases:
        checked = GUARD.check(decision(one, reason), one, at, counts, opened)
        made += checked.decision.action is Action.SUPPRESS
        opened |= {checked.incident} if checked.incident else set()
    return made


def usual(each_day: int, host: str = GOOGLE, domain: str = "gmail.com") -> Counts:
    """28 ordinary days, spread evenly."""
    counts = Counts()
    for day in range(28, 0, -1):
        for number in range(each_day):
            one = case(number, host, domain)
            for name in GUARD.names(one, Reason.USER_UNKNOWN):
                counts.tally(name, NOW - day * DAY + number * DAY / each_day)
    return counts


@pytest.mark.parametrize(("each_day", "at_most"), [(0, 19), (10, 19), (50, 25), (100, 60)])
def test_a_storm_at_one_provider_is_held_after_a_few(each_day: int, at_most: int) -> None:
    incidents: set[str] = set()
    made = passed(usual(each_day), [case(number) for number in range(10_000)], incidents=incidents)
    assert 0 < made <= at_most
    assert len(incidents) == 1


def test_the_storm_through_the_policy_suppresses_a_handful_of_those_who_got_mail_yesterday() -> None:
    policy = Policy(Settings(), TrustSettings(), SETTINGS)
    told = Engine().reply("550 5.1.1 The email account that you tried to reach does not exist. gsmtp", host=GOOGLE)
    yesterday = History(delivered_at=NOW - DAY, delivered_mailing="yesterday", deliveries=(Delivery(NOW - DAY, "yesterday"),))
    counts, actions = usual(50), []
    incidents: set[str] = set()
    for number in range(10_000):
        at = NOW + number * HOUR / 10_000
        one = msgspec.structs.replace(case(number), history=yesterday, received_at=at, event=msgspec.structs.replace(told, recipient=f"user{number}@gmail.com"))
        checked = GUARD.check(policy.decide(one, at), one, at, counts, incidents)
        incidents |= {checked.incident} if checked.incident else set()
        actions.append(checked.decision.action)
    assert (actions.count(Action.SUPPRESS) <= 25, actions.count(Action.SUPPRESS) + actions.count(Action.HOLD)) == (True, 10_000)
    assert incidents == {"user-unknown, provider google"}


def test_a_held_decision_says_why_and_until_when() -> None:
    counts = Counts({"user-unknown, provider google": {NOW.replace(minute=0): 19}})
    one = case(1)
    entry = decision(one).suppression
    held = Decision(
        action=Action.HOLD, because="no such user; but held, for there are too many: user-unknown, provider google", until=NOW + 7 * DAY, suppression=entry
    )
    assert GUARD.check(decision(one), one, NOW, counts) == Checked(held, "user-unknown, provider google")


def test_tenants_fail_together_and_others_go_on() -> None:
    counts = usual(20, OTHER, "example.net")
    incidents: set[str] = set()
    tenants = [case(number, GOOGLE, f"tenant{number}.example") for number in range(100)]
    assert passed(counts, tenants, incidents=incidents) in {18, 19}
    assert incidents == {"user-unknown, provider google"}
    assert passed(counts, [case(number, OTHER, "example.net") for number in range(10)], incidents=incidents) == 10
    assert passed(counts, tenants[:3], reason="mailbox-disabled", incidents=incidents) == 3


@pytest.mark.parametrize(
    ("cases", "incident"),
    [
        ([case(n, f"mx{n}.example", f"d{n}.example") for n in range(50)], "user-unknown, everywhere"),
        ([case(n, f"mx{n}.example", f"d{n}.example", stream="garden") for n in range(50)], "user-unknown, stream garden"),
        ([case(n, f"mx{n}.example", "example.net") for n in range(50)], "user-unknown, domain example.net"),
        ([case(n, "mx.example.org", f"d{n}.example") for n in range(50)], "user-unknown, provider example.org"),
    ],
)
def test_it_trips_by_domain_and_stream_and_everywhere(cases: list[Case], incident: str) -> None:
    incidents: set[str] = set()
    assert (passed(Counts(), cases, incidents=incidents), incidents) == (19, {incident})


@pytest.mark.parametrize(
    ("reason", "grade", "action"),
    [
        ("complaint", "signed", "suppress"),
        ("unsubscribe", "signed", "suppress"),
        ("user-unknown", "dkim", "suppress"),
        ("user-unknown", "plausible", "count"),
        ("user-unknown", "signed", "count"),
        ("user-unknown", "signed", "hold"),
        ("user-unknown", "signed", "release"),
    ],
)
def test_what_is_not_watched_is_neither_held_nor_counted(reason: str, grade: str, action: str) -> None:
    counts = Counts()
    cases = [case(number, grade=grade) for number in range(200)]
    told = [GUARD.check(decision(one, reason, action), one, NOW, counts) for one in cases]
    assert ({one.decision.action for one in told}, {one.incident for one in told}, counts.counts) == ({action}, {None}, {})


def test_a_day_like_any_other_passes_and_a_slow_storm_does_not() -> None:
    counts = usual(200)
    assert sum(passed(counts, [case(number)], NOW + number * DAY / 200) for number in range(200)) == 200
    counts = usual(24)
    made = sum(passed(counts, [case(number), case(number + 1)], NOW + number * HOUR / 8) for number in range(0, 400, 2))
    assert 24 <= made <= 24 * 5 + 10


def test_an_open_incident_holds_until_it_is_closed_and_calms_by_itself() -> None:
    counts = Counts()
    incidents: set[str] = set()
    passed(counts, [case(number) for number in range(100)], incidents=incidents)
    (name,) = incidents
    later = NOW + 3 * HOUR
    assert (GUARD.has_calmed(name, later, counts), passed(counts, [case(1)], later, incidents=incidents)) == (False, 0)
    quiet = NOW + 30 * HOUR
    assert (GUARD.has_calmed(name, quiet, counts), passed(counts, [case(1)], quiet)) == (True, 1)


def test_what_was_held_makes_no_storm_usual() -> None:
    counts = Counts()
    passed(counts, [case(number) for number in range(10_000)], NOW - 7 * DAY)
    assert passed(counts, [case(number) for number in range(1000)]) <= 19


@pytest.mark.parametrize(
    ("host", "domain", "facts", "provider"),
    [
        (GOOGLE, "example.net", None, "google"),
        (None, "gmail.com", None, "google"),
        ("example-net.mail.protection.outlook.com", "example.net", None, "microsoft"),
        (OTHER, "example.net", None, "example.co.uk"),
        ("mx.b.example.org.", "example.net", None, "example.org"),
        ("mx.k12.us", "example.net", None, "k12.us"),
        (None, "mail.example.net", None, "example.net"),
        ("192.0.2.1", "example.net", None, "example.net"),
        ("relay.example.com", "example.net", None, "example.net"),
        ("relay.example.com", "example.net", DomainFacts(DomainState.MAIL, ("aspmx.l.google.com",)), "google"),
        (None, "", None, ""),
    ],
)
def test_a_provider_is_the_organisation_of_the_mail_host(host: str | None, domain: str, facts: DomainFacts | None, provider: str) -> None:
    assert GUARD.provider(case(1, host, domain, facts=facts)) == provider


def test_what_was_held_is_released_as_of_now_or_dropped() -> None:
    entry = Suppression(address="user@example.net", reason=Reason.MAILBOX_FULL, since=NOW, until=NOW + 60 * DAY, cause=("k",), by="policy")
    later = NOW + 3 * DAY
    let_go = msgspec.structs.replace(entry, since=later, until=later + 60 * DAY)
    assert released(entry, later) == Decision(action=Action.SUPPRESS, because="held, and released", until=let_go.until, suppression=let_go)
    assert released(msgspec.structs.replace(entry, until=None), later).until is None
    assert dropped() == Decision(action=Action.NONE, because="held, and dropped: nobody released it in time")
