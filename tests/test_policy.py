"""The policy as tables of sequences: what happened on which day, and what was decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass.case import ACTING, Case
from bounceclass.domains import DomainFacts, DomainState
from bounceclass.engine import Engine
from bounceclass.errors import SettingsError
from bounceclass.history import Delivery, DomainHistory, FailedMailing, History
from bounceclass.knowledge import advice_table
from bounceclass.model import Action, Advice, Details, Event, Evidence, Kind, Permanence, Reason, Scope, Suppression, Trust, Verdict
from bounceclass.policy import Policy
from bounceclass.presets import PRESETS, PolicySettings, Row, Rule, rows_for
from bounceclass.settings import Settings, TrustSettings
from bounceclass.trust import Standing

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
