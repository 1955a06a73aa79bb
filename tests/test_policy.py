"""The policy as tables of sequences: what happened on which day, and what was decided."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import msgspec
import pytest

from bounceclass.case import ACTING
from bounceclass.domains import DomainFacts, DomainState
from bounceclass.errors import SettingsError
from bounceclass.history import Delivery, FailedMailing, History
from bounceclass.knowledge import advice_table
from bounceclass.model import Advice, Event, Kind, Permanence, Reason, Scope, Suppression, Trust, Verdict
from bounceclass.presets import PRESETS, PolicySettings, Row, Rule, rows_for
from tests.lives import (
    COMPLAINT,
    DAY,
    DELIVERED,
    FULL,
    GONE,
    NOW,
    RELAY,
    RUTH,
    UNKNOWN,
    UNSUBSCRIBE,
    UNSURE,
    Life,
    case,
    event,
    policy,
    standing,
    verdict,
)

if TYPE_CHECKING:
    from bounceclass.trust import Standing

SEQUENCES: dict[str, list[tuple[float, Event, str]]] = {
    "a believed word is enough": [(0, UNKNOWN, "suppress")],
    "less sure, it takes two days": [(0, UNSURE, "count"), (0.5, UNSURE, "count"), (1, UNSURE, "suppress 90")],
    "a full mailbox daily": [*((n, FULL, "count") for n in range(14)), (14, FULL, "suppress 60")],
    "a full mailbox of a monthly list": [(0, FULL, "count"), (31, FULL, "count"), (59, FULL, "suppress 60")],
    "a gap begins anew": [(0, FULL, "count"), (20, FULL, "count"), (70, FULL, "count"), (80, FULL, "count"), (90, FULL, "suppress 60")],
    "a repeat offender": [
        (0, FULL, "count"),
        (7, FULL, "count"),
        (14, FULL, "suppress 60"),
        (75, FULL, "count"),
        (82, FULL, "count"),
        (89, FULL, "suppress 120"),
    ],
    "while suppressed nothing is added": [(0, UNKNOWN, "suppress"), (1, UNKNOWN, "none")],
    "a delivery between": [(0, FULL, "count"), (7, FULL, "count"), (8, DELIVERED, "none"), (14, FULL, "count"), (21, FULL, "count"), (28, FULL, "suppress 60")],
    "a delivery of yesterday is none yet": [(0, FULL, "count"), (7, FULL, "count"), (13, DELIVERED, "none"), (14, FULL, "suppress 60")],
    "an unsure cause, then a sure one": [(0, UNSURE, "count"), (0.1, UNKNOWN, "suppress")],
    "other reasons don't add up": [(0, UNSURE, "count"), (1, FULL, "count"), (8, UNSURE, "suppress 90")],
    "what an unknown word is worth": [
        *((n, msgspec.structs.replace(FULL, verdict=verdict("undetermined", "count", confidence=0.3)), "count") for n in (0, 5, 10)),
        (15, msgspec.structs.replace(FULL, verdict=verdict("undetermined", "count", confidence=0.3)), "suppress 90"),
    ],
    "a delivery after the term of an entry lifts nothing more": [
        (0, FULL, "count"),
        (7, FULL, "count"),
        (14, FULL, "suppress 60"),
        (80, DELIVERED, "none"),
        (90, DELIVERED, "none"),
    ],
    "a confirmed delivery lifts what is active": [(0, UNKNOWN, "suppress"), (2, DELIVERED, "none"), (8, DELIVERED, "release"), (9, UNKNOWN, "suppress")],
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_is_decided_day_by_day(name: str) -> None:
    life = Life(policy())
    assert [life.day(day, what) for day, what, _ in SEQUENCES[name]] == [expected for *_, expected in SEQUENCES[name]]


def test_reports_of_one_mailing_are_one_point() -> None:
    life = Life(policy())
    assert [life.day(day, FULL, "one") for day in range(0, 40, 5)] == ["count"] * 8


def test_a_host_that_accepts_and_sends_back_heals_nothing() -> None:
    life = Life(policy())
    told = []
    for day in range(0, 15, 7):
        life.day(day, DELIVERED, f"m{day}")
        told.append(life.day(day + 0.1, FULL, f"m{day}"))
    assert told == ["count", "count", "suppress 60"]


@pytest.mark.parametrize("kind", ["relayed", "delivered"])
def test_what_is_only_passed_on_or_not_believed_heals_nothing(kind: str) -> None:
    passed_on = msgspec.structs.replace(DELIVERED, verdict=msgspec.structs.replace(DELIVERED.verdict, reason=Reason(kind)))
    told = standing("plausible") if kind == "delivered" else standing()
    assert not policy().is_delivery(case(passed_on, told), NOW)


@pytest.mark.parametrize(
    ("by", "reason", "lifted"),
    [
        ("policy", "user-unknown", True),
        ("policy", "mailbox-full", True),
        ("policy", "complaint", False),
        ("policy", "unsubscribe", False),
        ("policy", "owner-changed", False),
        ("policy", "suppressed", False),
        ("anna@example.com", "user-unknown", False),
    ],
)
def test_a_delivery_lifts_only_what_repetition_or_a_refusal_has_entered(by: str, reason: str, *, lifted: bool) -> None:
    entry = Suppression(address=RUTH, reason=Reason(reason), since=NOW - 9 * DAY, by=by)
    history = History(deliveries=(Delivery(NOW - 6 * DAY, "x"),), active=(entry,))
    assert [one.suppression for one in policy().healed(history, NOW)] == [entry] * lifted
    assert policy().healed(msgspec.structs.replace(history, deliveries=(Delivery(NOW - 4 * DAY, "x"),)), NOW) == ()
    assert policy().healed(msgspec.structs.replace(history, failures=(FailedMailing(at=NOW, mailing="x", reason=Reason.EXPIRED),)), NOW) == ()


@pytest.mark.parametrize(("delivered", "lifted"), [("garden", ["garden", None]), ("kitchen", [None]), (None, [None])])
def test_what_holds_for_one_list_is_lifted_only_by_a_delivery_of_that_list(delivered: str | None, lifted: list[str | None]) -> None:
    entries = tuple(Suppression(address=RUTH, reason=Reason.MAILBOX_FULL, since=NOW - 9 * DAY, by="policy", scope=scope) for scope in ("garden", None))
    for history in (
        History(deliveries=(Delivery(NOW - 6 * DAY, "x", delivered),), active=entries),
        History(delivered_at=NOW - 6 * DAY, delivered_mailing="x", delivered_stream=delivered, active=entries),
    ):
        assert [one.suppression.scope for one in policy().healed(history, NOW) if one.suppression] == lifted


@pytest.mark.parametrize(
    ("grade", "first", "later"),
    [
        ("signed", "suppress", "none"),
        ("own-mta", "suppress", "none"),
        ("known", "suppress", "none"),
        ("dkim", "count", "suppress 90"),
        ("plausible", "count", "count"),
        ("none", "none", "none"),
    ],
)
def test_a_grade_may_do_what_is_its(grade: str, first: str, later: str) -> None:
    life = Life(policy(), standing(grade))
    assert [life.day(0, UNKNOWN), life.day(1, UNKNOWN)] == [first, later]
    assert {life.day(day, UNKNOWN) for day in range(2, 40)} <= {"count", "none"}


def test_dkim_acts_where_the_settings_say_so() -> None:
    assert Life(policy(dkim_acts=True), standing("dkim")).day(0, UNKNOWN) == "suppress"


def test_plausible_reports_count_half_beside_believed_ones() -> None:
    life = Life(policy(), standing("plausible"))
    told = [life.day(0, FULL), life.day(5, FULL), life.day(5.1, FULL)]
    life.told = standing()
    assert [*told, life.day(10, FULL), life.day(15, FULL)] == ["count", "count", "count", "count", "suppress 60"]


def test_a_forward_counts_for_whom_we_mailed_and_blames_neither_domain() -> None:
    life = Life(policy(), standing(recipient="ruth@alum.example", forwarded=True), DomainFacts(DomainState.NXDOMAIN))
    assert [life.day(0, UNKNOWN), life.day(1, UNKNOWN)] == ["count", "suppress 90"]
    assert life.entries[0].address == "ruth@alum.example"
    life = Life(policy(), standing(recipient="ruth@alum.example", forwarded=True), DomainFacts(DomainState.NXDOMAIN))
    assert [life.day(0, GONE), life.day(1, GONE)] == ["count", "suppress 30"]
    assert (life.entries[0].address, {scope for _, scope in life.failures}) == ("ruth@alum.example", {Scope.ADDRESS})


REASONS = [(reason, scope) for reason, row in advice_table().reasons.items() for scope in row]


@pytest.mark.parametrize("preset", PRESETS)
def test_no_preset_blames_a_recipient_for_what_is_not_theirs(preset: str) -> None:
    rules = policy(preset=preset)
    blamed = set(rows_for(PolicySettings()))
    assert set(rows_for(PolicySettings(preset=preset))) == blamed  # type: ignore[arg-type]
    for reason, scope, grade, confidence in product(Reason, Scope, Trust, (0.3, 0.97)):
        for advice in (Advice.SUPPRESS, Advice.COUNT) if scope in {Scope.ADDRESS, Scope.DOMAIN} else (Advice.FIX, Advice.RETRY, Advice.REVIEW):
            what = Event(kind=Kind.BOUNCE, recipient=RUTH, verdict=verdict(reason, advice, scope, confidence=confidence))
            life = Life(rules, standing(grade, stream="garden"), DomainFacts(DomainState.NXDOMAIN))
            told = {life.day(day, what).split()[0] for day in range(0, 40, 2)}
            if scope not in {Scope.ADDRESS, Scope.DOMAIN} or reason not in blamed or grade not in {*ACTING, Trust.DKIM}:
                assert told <= {"none", "count"}, (reason, scope, grade)
            assert scope in {Scope.ADDRESS, Scope.DOMAIN} or told <= {"none"}


@pytest.mark.parametrize(
    ("preset", "name", "decisions"),
    [
        ("mailman", "user-unknown", "count count count count suppress"),
        ("mailman", "full", "count count count count suppress"),
        ("discourse", "user-unknown", "count suppress"),
        ("discourse", "full", "count count count suppress"),
        ("civicrm", "user-unknown", "suppress"),
        ("civicrm", "full", "count count suppress"),
        ("civicrm", "spam", "none none none none"),
        ("civicrm", "ip", "none none none none"),
        ("listmonk", "user-unknown", "suppress"),
        ("listmonk", "full", "count count count count count count"),
        ("ses", "disabled", "suppress"),
        ("ses", "full", "count count count count count count"),
    ],
)
def test_a_preset_has_its_threshold(preset: str, name: str, decisions: str) -> None:
    life = Life(policy(preset=preset))
    expected = decisions.split()
    assert [life.day(day, event(name)).split()[0] for day in range(len(expected))] == expected


def test_mailman_s_score_is_stale_after_seven_days() -> None:
    life = Life(policy(preset="mailman"))
    assert [life.day(day, FULL) for day in (0, 1, 2, 3, 11, 12, 13, 14)] == ["count"] * 8
    assert life.day(15, UNKNOWN) == "suppress 90"


def test_rows_of_your_own_take_the_place_of_the_preset_s() -> None:
    rules = policy(reasons={Reason.MAILBOX_FULL: Row(count=Rule(n=2, expiry_days=(10,)))})
    life = Life(rules)
    assert [life.day(0, FULL), life.day(1, FULL)] == ["count", "suppress 10"]


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in rows_for(PolicySettings())])
def test_no_setting_makes_a_sender_s_fault_the_recipient_s(reason: Reason) -> None:
    with pytest.raises(SettingsError, match=reason):
        policy(reasons={reason: Row(suppress=Rule())})


def test_what_only_repetition_tells_has_to_end() -> None:
    with pytest.raises(ValueError, match="has to end"):
        Row(count=Rule(n=3))


@pytest.mark.parametrize(
    ("what", "told", "stream", "decision"),
    [
        (COMPLAINT, standing("known", stream="garden"), "garden", "suppress"),
        (COMPLAINT, standing("signed"), None, "suppress"),
        (COMPLAINT, standing("signed", forwarded=True), None, "suppress"),
        (COMPLAINT, standing("plausible"), None, "hold"),
        (COMPLAINT, standing("signed", None), None, "hold"),
        (COMPLAINT, standing("none"), None, "none"),
        (msgspec.structs.replace(COMPLAINT, verdict=verdict("complaint", "review", "none")), standing("known"), None, "hold"),
        (UNSUBSCRIBE, standing("signed", stream="garden"), "garden", "suppress"),
        (UNSUBSCRIBE, standing("known", stream="garden"), "garden", "hold"),
        (UNSUBSCRIBE, standing("own-mta", stream="ses:eu"), "ses:eu", "hold"),
        (UNSUBSCRIBE, msgspec.structs.replace(standing("own-mta", stream="ses:eu"), account="ses:eu"), "ses:eu", "suppress"),
        (UNSUBSCRIBE, standing("none", stream="garden"), "garden", "none"),
    ],
)
def test_a_complaint_or_an_unsubscribe_acts_for_its_list_at_its_own_grades(what: Event, told: Standing, stream: str | None, decision: str) -> None:
    found = policy().decide(case(what, told), NOW)
    assert found.action == decision
    if decision == "suppress":
        assert found.suppression == Suppression(address=RUTH, scope=stream, reason=what.verdict.reason, since=NOW, cause=("k",), by="policy")


@pytest.mark.parametrize(
    ("name", "told", "decisions"),
    [
        ("insiders", standing(stream="garden"), "count suppress"),
        ("insiders", standing(), "count count count"),
        ("blocked-you", standing(stream="garden"), "suppress"),
        ("blocked-you", standing("dkim", stream="garden"), "count suppress"),
        ("blocked-you", standing("plausible", stream="garden"), "count count count"),
        ("filtered", standing(stream="garden"), "count suppress"),
    ],
)
def test_a_recipient_s_own_rule_holds_for_that_list_only(name: str, told: Standing, decisions: str) -> None:
    life = Life(policy(), told)
    expected = decisions.split()
    assert [life.day(day, event(name)).split()[0] for day in range(len(expected))] == expected
    assert {one.scope for one in life.entries} <= {"garden"}


def test_another_list_s_refusals_don_t_count() -> None:
    life = Life(policy(), standing(stream="garden"))
    told = [life.day(0, event("insiders"))]
    life.told = standing(stream="news")
    assert [*told, life.day(1, event("insiders")), life.day(2, event("insiders"))] == ["count", "count", "suppress 180"]


@pytest.mark.parametrize(
    ("address", "protect", "action"),
    [
        ("postmaster@example.net", (), "hold"),
        ("Abuse@example.net", (), "hold"),
        ("anna@lists.example.com", (), "hold"),
        ("bounces+abc@mail.example.com", (), "hold"),
        ("BOUNCES@mail.example.com", (), "hold"),
        ("bouncesabc@mail.example.com", (), "suppress"),
        ("anna@mail.example.com", (), "suppress"),
        ("vip@example.net", ("v*@example.net",), "hold"),
        ("vip@example.org", ("v*@example.net",), "suppress"),
        ("ruth@example.net", (), "suppress"),
    ],
)
def test_a_protected_address_is_held_for_review(address: str, protect: tuple[str, ...], action: str) -> None:
    found = policy(protect=protect).decide(case(UNKNOWN, standing(recipient=address)), NOW)
    assert (found.action, found.suppression and found.suppression.address) == (action, address)
    assert found.until == (NOW + 7 * DAY if action == "hold" else None)


@pytest.mark.parametrize(
    ("what", "recipient", "grade", "action"),
    [
        (UNKNOWN, None, "signed", "hold"),
        (UNKNOWN, "ruth", "signed", "hold"),
        (UNKNOWN, "@", "own-mta", "hold"),
        (UNKNOWN, None, "plausible", "none"),
        (FULL, None, "dkim", "none"),
    ],
)
def test_where_nobody_is_known_it_is_held_if_it_is_believed(what: Event, recipient: str | None, grade: str, action: str) -> None:
    one = case(what, standing(grade, recipient))
    assert (policy().decide(one, NOW).action, policy().failure_of(one, NOW)) == (action, None)


@pytest.mark.parametrize(("days", "action"), [(29, "suppress"), (31, "none")])
@pytest.mark.parametrize("what", [UNKNOWN, COMPLAINT])
def test_an_old_mail_is_only_classified(what: Event, days: int, action: str) -> None:
    one = case(what, at=NOW - days * DAY)
    assert policy().decide(one, NOW).action == action
    assert days < 30 or policy().failure_of(one, NOW) is None


@pytest.mark.parametrize("kind", ["delay", "auto-reply", "receipt", "other"])
def test_what_is_no_failure_never_counts(kind: str) -> None:
    what = msgspec.structs.replace(UNKNOWN, kind=Kind(kind))
    assert (policy().decide(case(what), NOW).action, policy().failure_of(case(what), NOW)) == ("none", None)


def test_a_new_address_goes_to_review() -> None:
    what = Event(kind=Kind.AUTO_REPLY, verdict=Verdict(Permanence.UNDETERMINED, Reason.ADDRESS_CHANGE, Scope.NONE, Advice.REVIEW, 0.9))
    assert policy().decide(case(what), NOW).action == "hold"


def test_an_esp_s_list_is_mirrored_for_its_account_and_never_counted() -> None:
    what = Event(kind=Kind.BOUNCE, recipient=RUTH, verdict=verdict("suppressed", "suppress", of_list="account-1"))
    found = policy().decide(case(what), NOW)
    assert found.suppression == Suppression(address=RUTH, scope="account-1", reason=Reason.SUPPRESSED, since=NOW, cause=("k",), by="policy")
    assert policy().failure_of(case(what), NOW) is None
    nameless = msgspec.structs.replace(what, verdict=verdict("suppressed", "suppress"))
    assert policy().decide(case(nameless), NOW).action == "none"
    vouched = msgspec.structs.replace(standing(), account="ses:eu")
    found = policy().decide(case(nameless, vouched), NOW)
    assert found.suppression == Suppression(address=RUTH, scope="ses:eu", reason=Reason.SUPPRESSED, since=NOW, cause=("k",), by="policy")


@pytest.mark.parametrize(
    ("change", "action"),
    [
        ({"remote_mta": "mx.example.com", "reply_code": None}, "none"),
        ({"reporting_mta": "mx.example.com", "reply_code": None}, "none"),
        ({"reporting_mta": "mx.example.com", "reply_code": 554}, "count"),
        ({"remote_mta": "mx.example.net", "reply_code": None}, "count"),
    ],
)
@pytest.mark.parametrize("reason", ["relay-denied", "routing-loop"])
def test_our_own_servers_faults_are_ours(reason: str, change: dict[str, object], action: str) -> None:
    what = msgspec.structs.replace(RELAY, verdict=verdict(reason, "count", "domain"), **change)
    assert policy().decide(case(what), NOW).action == action
    assert (policy().failure_of(case(what), NOW) is None) == (action == "none")
