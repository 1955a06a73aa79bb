"""When the policy blames a whole domain, and what no sequence makes it do."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass.case import ACTING
from bounceclass.domains import DomainFacts, DomainState
from bounceclass.history import DomainHistory, FailedMailing
from bounceclass.knowledge import advice_table
from bounceclass.model import Advice, Event, Kind, Permanence, Reason, Scope, Trust, Verdict
from bounceclass.presets import PRESETS
from bounceclass.trust import Standing
from tests.lives import (
    COMPLAINT,
    DAY,
    DEAD,
    DELIVERED,
    EXPIRED,
    GONE,
    NOW,
    RELAY,
    RUTH,
    UNKNOWN,
    Life,
    case,
    policy,
    standing,
    verdict,
)

MAIL, NULL, NX, UNSEEN = (DomainFacts(state) for state in (DomainState.MAIL, DomainState.NULL_MX, DomainState.NXDOMAIN, DomainState.UNKNOWN))
ONE_HOST = DomainFacts(DomainState.MAIL, ("mx.example.net",))
TWO_HOSTS = DomainFacts(DomainState.MAIL, ("mx.example.net", "mx2.example.net"))


@pytest.mark.parametrize(
    ("what", "facts", "decisions"),
    [
        (DEAD, NULL, ["suppress 7", "suppress domain 30"]),
        (DEAD, ONE_HOST, ["suppress 7", "suppress domain 30"]),
        (DEAD, TWO_HOSTS, ["suppress 7", "none"]),
        (DEAD, UNSEEN, ["suppress 7", "none"]),
        (DEAD, None, ["suppress 7", "none"]),
        (GONE, NX, ["suppress 7", "suppress domain 30"]),
        (GONE, UNSEEN, ["suppress 7", "none"]),
        (GONE, MAIL, ["count", "count"]),
        (EXPIRED, MAIL, ["count", "count", "suppress domain 30"]),
        (EXPIRED, UNSEEN, ["count", "count", "count", "count"]),
        (EXPIRED, None, ["count", "count", "count", "count"]),
        (RELAY, MAIL, ["count", "count", "count", "count"]),
    ],
)
def test_a_domain_is_suppressed_only_where_our_own_look_up_agrees(what: Event, facts: DomainFacts | None, decisions: list[str]) -> None:
    life = Life(policy(), domain=facts)
    assert [life.day(day, what) for day in range(len(decisions))] == decisions


def test_a_domain_s_second_term_is_longer_and_begins_anew() -> None:
    life = Life(policy(), domain=MAIL)
    days = (0, 1, 2, 33, 34, 35)
    assert [life.day(day, EXPIRED) for day in days] == ["count", "count", "suppress domain 30", "count", "count", "suppress domain 90"]


def test_expired_and_network_error_count_together_and_a_success_between_begins_anew() -> None:
    network = msgspec.structs.replace(EXPIRED, verdict=verdict("network-error", "count", "domain", permanence="transient"))
    life = Life(policy(), domain=MAIL)
    assert [life.day(0, EXPIRED), life.day(1, network), life.day(2, EXPIRED)] == ["count", "count", "suppress domain 30"]
    life = Life(policy(), domain=MAIL)
    assert [life.day(0, EXPIRED), life.day(1, network), life.day(1.5, DELIVERED), life.day(2, EXPIRED)] == ["count", "count", "none", "count"]


PAST = tuple(FailedMailing(at=NOW - n * DAY, mailing=f"p{n}", reason=Reason.RELAY_DENIED) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("recipient", "past", "action"),
    [
        (RUTH, {"addresses": 2}, "suppress"),
        (RUTH, {"addresses": 1}, "suppress"),
        (RUTH, {"addresses": 2, "known_addresses": 50}, "suppress"),
        (RUTH, {"addresses": 2, "known_addresses": 51}, "hold"),
        (RUTH, {"addresses": 2, "delivered_at": NOW - 29 * DAY}, "hold"),
        (RUTH, {"addresses": 2, "delivered_at": NOW - 31 * DAY}, "suppress"),
        ("ruth@gmail.com", {"addresses": 2}, "hold"),
        ("ruth@lists.example.com", {"addresses": 2}, "hold"),
        ("ruth@example.org", {"addresses": 2}, "hold"),
    ],
)
def test_a_domain_that_may_live_is_held_for_the_operator(recipient: str, past: dict[str, object], action: str) -> None:
    rules = policy(protect=("vip@example.org",))
    one = case(RELAY, standing(recipient=recipient), domain=MAIL, domain_history=DomainHistory(failures=PAST, **past))  # type: ignore[arg-type]
    found = rules.decide(one, NOW)
    assert (found.action, found.suppression and found.suppression.domain) == (action, recipient.partition("@")[2])


@pytest.mark.parametrize(("what", "asked"), [(DEAD, "example.net"), (GONE, "example.net"), (EXPIRED, None), (UNKNOWN, None), (COMPLAINT, None)])
def test_dns_is_asked_only_where_it_would_change_something(what: Event, asked: str | None) -> None:
    assert policy().domain_to_ask(case(what), NOW) == asked
    assert policy().domain_to_ask(case(what, domain=MAIL), NOW) is None
    assert policy().domain_to_ask(case(what, standing("dkim")), NOW) is None
    failed = tuple(FailedMailing(at=NOW - n * DAY, mailing=f"p{n}", reason=Reason.EXPIRED) for n in (1, 2))
    one = case(what, domain_history=DomainHistory(failures=failed, addresses=1))
    assert policy().domain_to_ask(one, NOW) == (asked or ("example.net" if what is EXPIRED else None))


VERDICTS = st.builds(
    lambda reason, scope, permanence, confidence: (reason, scope, permanence, confidence),
    st.sampled_from(Reason),
    st.sampled_from(Scope),
    st.sampled_from(Permanence),
    st.floats(0, 1),
).map(
    lambda one: Verdict(
        one[2], one[0], one[1], advice_table().advice(one[0], one[1], one[2], one[3]) if one[0] in advice_table().reasons else Advice.REVIEW, one[3]
    )
)
EVENTS = st.builds(Event, kind=st.sampled_from(Kind), recipient=st.none() | st.text(max_size=12), remote_mta=st.none() | st.text(max_size=8), verdict=VERDICTS)
STANDINGS = st.builds(
    Standing,
    grade=st.sampled_from(Trust),
    recipient=st.none() | st.text(max_size=12) | st.just(RUTH),
    stream=st.sampled_from([None, "garden"]),
    forwarded=st.booleans(),
    because=st.just("x"),
)
SEQUENCE = st.lists(st.tuples(st.floats(0, 20), EVENTS), max_size=12)
RULES = {preset: policy(preset=preset) for preset in PRESETS}


@given(SEQUENCE, STANDINGS, st.sampled_from(PRESETS), st.sampled_from([None, *DomainState]))
def test_no_sequence_makes_it_raise_or_act_beyond_its_grade(
    sequence: list[tuple[float, Event]], told: Standing, preset: str, state: DomainState | None
) -> None:
    life = Life(RULES[preset], told, DomainFacts(state) if state else None)
    day = 0.0
    for gap, what in sequence:
        day += gap
        decision = life.day(day, what)
        if told.grade not in {*ACTING, Trust.DKIM} or what.verdict.scope not in {Scope.ADDRESS, Scope.DOMAIN}:
            assert not decision.startswith("suppress")
    assert all(one.address == told.recipient or one.domain for one in life.entries)
