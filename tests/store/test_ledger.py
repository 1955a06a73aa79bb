"""What a transaction keeps, and what the policy reads of it; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from bounceclass.history import NOTHING, Delivery, DomainHistory, FailedMailing, History, Occurrence, Sighting
from bounceclass.model import Action, Advice, Decision, Event, Kind, Permanence, Reason, Report, Scope, Suppression, Trust, Verdict
from bounceclass.store.records import Entry, Selection

if TYPE_CHECKING:
    from bounceclass.store.database import Database

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RUTH = "ruth@example.net"

GONE = Verdict(Permanence.PERMANENT, Reason.USER_UNKNOWN, Scope.ADDRESS, Advice.SUPPRESS, 0.9)
FULL = Verdict(Permanence.TRANSIENT, Reason.MAILBOX_FULL, Scope.ADDRESS, Advice.COUNT, 0.9)
LATER = Verdict(Permanence.TRANSIENT, Reason.GREYLISTED, Scope.SYSTEM, Advice.RETRY, 0.9)


def occurrence(
    key: str = "k1", verdict: Verdict = GONE, *, kind: Kind = Kind.BOUNCE, grade: Trust = Trust.SIGNED, at: datetime = NOW, **given: Any
) -> Occurrence:
    addressed = given.pop("addressed", RUTH)
    mailing = given.pop("mailing", "message-id 1@example.com")
    stream = given.pop("stream", None)
    event = Event(**{"kind": kind, "recipient": addressed, "verdict": verdict, **given})
    report = Report(kind=kind, events=(event,), source="a")
    return Occurrence(key=key, report=report, event=event, addressed=addressed, mailing=mailing, stream=stream, grade=grade, at=at)


def failed(number: int, at: datetime = NOW, **given: Any) -> FailedMailing:
    return FailedMailing(**{"at": at, "mailing": f"message-id {number}@example.com", "reason": Reason.MAILBOX_FULL, **given})


def entry(**given: Any) -> Suppression:
    return Suppression(
        **{"address": None if "domain" in given else RUTH, "reason": Reason.USER_UNKNOWN, "since": NOW, "cause": ("k1",), "by": "policy", **given}
    )


def test_an_event_key_is_new_once(database: Database) -> None:
    with database.transaction() as ledger:
        assert [ledger.seen(occurrence()), ledger.seen(occurrence())] == [Sighting.NEW, Sighting.AGAIN]
    with database.transaction() as ledger:
        assert ledger.seen(occurrence()) is Sighting.AGAIN
        assert ledger.seen(occurrence("k2", addressed="paul@example.net")) is Sighting.NEW


@pytest.mark.parametrize(
    ("first", "second", "sighting", "decides"),
    [
        ((FULL, Trust.SIGNED), (GONE, Trust.SIGNED), Sighting.RAISED, (Reason.USER_UNKNOWN, Trust.SIGNED)),
        ((GONE, Trust.SIGNED), (FULL, Trust.SIGNED), Sighting.AGAIN, (Reason.USER_UNKNOWN, Trust.SIGNED)),
        ((FULL, Trust.SIGNED), (GONE, Trust.OWN_MTA), Sighting.RAISED, (Reason.USER_UNKNOWN, Trust.OWN_MTA)),
        ((FULL, Trust.SIGNED), (GONE, Trust.PLAUSIBLE), Sighting.AGAIN, (Reason.MAILBOX_FULL, Trust.SIGNED)),
        ((GONE, Trust.PLAUSIBLE), (FULL, Trust.SIGNED), Sighting.RAISED, (Reason.MAILBOX_FULL, Trust.SIGNED)),
        ((GONE, Trust.NONE), (GONE, Trust.DKIM), Sighting.RAISED, (Reason.USER_UNKNOWN, Trust.DKIM)),
    ],
)
def test_a_later_report_raises_what_is_known_but_a_forged_one_never_lends_its_verdict(
    database: Database, first: tuple[Verdict, Trust], second: tuple[Verdict, Trust], sighting: Sighting, decides: tuple[Reason, Trust]
) -> None:
    with database.transaction() as ledger:
        ledger.seen(occurrence(verdict=first[0], grade=first[1]))
        assert ledger.seen(occurrence(verdict=second[0], grade=second[1])) is sighting
    (event,) = database.why(RUTH, NOW).events
    kept = second if sighting else first
    other = first if sighting else second
    assert ((event.reason, event.grade), event.reports) == (decides, 2)
    assert event.report.events[0].verdict == kept[0]
    assert [report.events[0].verdict for report in event.evidence] == [other[0]]


def test_all_later_reports_are_counted_and_ten_are_kept(database: Database) -> None:
    with database.transaction() as ledger:
        for _ in range(15):
            ledger.seen(occurrence())
    (event,) = database.why(RUTH, NOW).events
    assert (event.reports, len(event.evidence)) == (15, 10)


def test_a_failure_takes_the_place_of_the_delay_of_the_same_mailing(database: Database) -> None:
    with database.transaction() as ledger:
        assert ledger.seen(occurrence("delay", LATER, kind=Kind.DELAY))
        ledger.record_failure(RUTH, failed(1, reason=Reason.GREYLISTED, points=0.5), Scope.ADDRESS)
        assert ledger.seen(occurrence("failed", GONE, at=NOW + DAY))
        ledger.record_failure(RUTH, failed(1, NOW + DAY, reason=Reason.USER_UNKNOWN), Scope.ADDRESS)
        assert ledger.history(RUTH, None, NOW + DAY).failures == (failed(1, NOW + DAY, reason=Reason.USER_UNKNOWN),)
    assert [(event.key, event.replaced_by) for event in database.why(RUTH, NOW).events] == [("delay", "failed"), ("failed", None)]


def test_a_delay_that_comes_after_the_failure_is_no_news(database: Database) -> None:
    with database.transaction() as ledger:
        ledger.seen(occurrence("failed", GONE))
        assert ledger.seen(occurrence("delay", LATER, kind=Kind.DELAY)) is Sighting.AGAIN
        assert ledger.seen(occurrence("other", LATER, kind=Kind.DELAY, mailing="message-id 2@example.com")) is Sighting.NEW


def test_a_delay_that_was_replaced_is_not_raised_again(database: Database) -> None:
    with database.transaction() as ledger:
        ledger.seen(occurrence("delay", LATER, kind=Kind.DELAY, grade=Trust.PLAUSIBLE))
        ledger.seen(occurrence("failed", GONE))
        assert ledger.seen(occurrence("delay", FULL, kind=Kind.DELAY)) is Sighting.AGAIN


def test_the_report_is_kept_with_the_event_alone(database: Database) -> None:
    seen = occurrence(diagnostic="550 5.1.1 nobody here")
    other = Event(kind=Kind.BOUNCE, recipient="paul@example.net")
    both = msgspec.structs.replace(seen, report=msgspec.structs.replace(seen.report, events=(seen.event, other)))
    with database.transaction() as ledger:
        ledger.seen(both)
        ledger.record_decision("k1", Decision(action=Action.SUPPRESS, because="believed"))
    (event,) = database.why("RUTH@Example.NET", NOW).events
    assert (event.report, event.action, event.because, event.recipient) == (seen.report, "suppress", "believed", RUTH)


def test_an_address_never_heard_of_has_no_history(database: Database) -> None:
    with database.transaction() as ledger:
        assert ledger.history(RUTH, None, NOW) == NOTHING
        assert ledger.domain_history("example.net", NOW) == DomainHistory()


def test_a_mailing_counts_once_with_the_most_points_and_healing_ends_it(database: Database) -> None:
    with database.transaction() as ledger:
        ledger.record_failure(RUTH, failed(1, points=0.5), Scope.ADDRESS)
        ledger.record_failure("RUTH@example.net", failed(1, NOW + DAY, reason=Reason.USER_UNKNOWN), Scope.ADDRESS)
        ledger.record_failure(RUTH, failed(1, NOW + 2 * DAY), Scope.ADDRESS)
        ledger.record_failure(RUTH, failed(2, NOW + 3 * DAY, stream="garden"), Scope.ADDRESS)
        ledger.record_failure("paul@example.net", failed(2), Scope.ADDRESS)
    with database.transaction() as ledger:
        expected = (failed(1, reason=Reason.USER_UNKNOWN), failed(2, NOW + 3 * DAY, stream="garden"))
        assert ledger.history(RUTH, None, NOW).failures == expected
        assert ledger.heal(RUTH, NOW + 4 * DAY) == 2
        ledger.record_failure(RUTH, failed(1, NOW + 5 * DAY), Scope.ADDRESS)
        assert ledger.history(RUTH, None, NOW).failures == ()
        assert ledger.history("paul@example.net", None, NOW).failures == (failed(2),)


def test_the_newest_hundred_failures_are_read_oldest_first(database: Database) -> None:
    with database.transaction() as ledger:
        for number in range(120):
            ledger.record_failure(RUTH, failed(number, NOW + number * DAY), Scope.ADDRESS)
        assert ledger.history(RUTH, None, NOW).failures == tuple(failed(number, NOW + number * DAY) for number in range(20, 120))


def test_deliveries_of_who_has_failures_are_kept_until_they_heal(database: Database) -> None:
    with database.transaction() as ledger:
        ledger.record_delivery(RUTH, "before", NOW - DAY)
        ledger.record_failure(RUTH, failed(1), Scope.ADDRESS)
        for day, mailing in ((1, "a"), (2, "b"), (2, "b")):
            ledger.record_delivery(RUTH, mailing, NOW + day * DAY)
    assert database.history(RUTH, None, NOW + 3 * DAY).deliveries == (Delivery(NOW + DAY, "a"), Delivery(NOW + 2 * DAY, "b"))
    with database.transaction() as ledger:
        ledger.heal(RUTH, NOW + 3 * DAY)
        ledger.record_failure(RUTH, failed(2), Scope.ADDRESS)
        assert ledger.history(RUTH, None, NOW + 3 * DAY).deliveries == ()


@pytest.mark.parametrize(
    ("by", "delivered", "found"),
    [("policy", NOW + 2 * DAY, {RUTH: {None}}), ("policy", NOW - DAY, {}), ("policy", NOW + 4 * DAY, {}), ("anna@example.com", NOW + 2 * DAY, {})],
)
def test_who_is_suppressed_and_took_mail_since_may_have_healed(database: Database, by: str, delivered: datetime, found: dict[str, set[str | None]]) -> None:
    with database.transaction() as ledger:
        ledger.suppress(entry(by=by))
        ledger.record_delivery(RUTH, "a", delivered)
        assert ledger.delivered(NOW + 3 * DAY, "policy") == found


def test_attempts_are_told_until_they_are_ended(database: Database) -> None:
    database.begin_attempts(["a", "b"])
    database.begin_attempts(["b"])
    assert database.attempts(["a", "b", "c"]) == {"a": 1, "b": 2}
    database.end_attempts(["b"])
    assert database.attempts(["a", "b"]) == {"a": 1}


def test_the_last_delivery_stays_and_tells_since_when_an_address_is_known(database: Database) -> None:
    with database.transaction() as ledger:
        ledger.record_delivery(RUTH, "b", NOW)
        ledger.record_delivery(RUTH, "a", NOW - DAY)
        ledger.record_delivery(RUTH, "c", NOW + DAY)
        assert ledger.history(RUTH, None, NOW) == History(delivered_at=NOW + DAY, delivered_mailing="c", known_since=NOW)


@pytest.mark.parametrize(("grade", "known_since"), [(Trust.SIGNED, NOW), (Trust.PLAUSIBLE, NOW), (Trust.NONE, None)])
def test_backscatter_makes_nobody_known(database: Database, grade: Trust, known_since: datetime | None) -> None:
    with database.transaction() as ledger:
        ledger.seen(occurrence(grade=grade))
    with database.transaction() as ledger:
        assert ledger.history(RUTH, None, NOW).known_since == known_since


def test_what_is_active_for_a_stream_and_what_has_run_out(database: Database) -> None:
    listed = entry(scope="garden", reason=Reason.UNSUBSCRIBE, cause=("k2",))
    lapsed = entry(reason=Reason.MAILBOX_FULL, since=NOW - 9 * DAY, until=NOW - DAY)
    by_hand = entry(reason=Reason.UNDETERMINED, since=NOW - 9 * DAY, until=NOW - DAY, cause=(), by="ann")
    with database.transaction() as ledger:
        for one in (entry(), listed, lapsed, by_hand, entry(since=NOW + DAY, reason=Reason.POLICY)):
            assert ledger.suppress(one)
        assert ledger.history(RUTH, None, NOW) == History(active=(entry(),), lapsed=1)
        assert ledger.history(RUTH, "garden", NOW) == History(active=(entry(), listed), lapsed=1)
        assert ledger.history(RUTH, "news", NOW) == History(active=(entry(),), lapsed=1)


@pytest.mark.parametrize(
    ("first", "second", "until"),
    [(NOW + DAY, NOW + 2 * DAY, NOW + 2 * DAY), (NOW + 2 * DAY, NOW + DAY, NOW + 2 * DAY), (NOW + DAY, None, None), (None, NOW + DAY, None)],
)
def test_one_row_for_each_cause_which_is_lengthened(database: Database, first: datetime | None, second: datetime | None, until: datetime | None) -> None:
    with database.transaction() as ledger:
        assert ledger.suppress(entry(until=first))
        assert not ledger.suppress(entry(until=second, cause=("k1", "k2"), since=NOW + timedelta(hours=1)))
        assert ledger.suppress(entry(until=second, reason=Reason.COMPLAINT))
    assert list(database.suppressions()) == [entry(until=until, cause=("k1", "k2")), entry(until=second, reason=Reason.COMPLAINT)]


def test_what_has_run_out_is_entered_anew(database: Database) -> None:
    again = entry(since=NOW + 2 * DAY, until=NOW + 4 * DAY, cause=("k2",))
    with database.transaction() as ledger:
        assert ledger.suppress(entry(until=NOW + DAY))
        assert ledger.suppress(again)
        assert ledger.history(RUTH, None, NOW + 3 * DAY) == History(active=(again,), lapsed=1)


def test_mirrored_entries_are_one_for_each_account(database: Database) -> None:
    mirrored = entry(by="ses", cause=())
    with database.transaction() as ledger:
        assert [ledger.suppress(mirrored, account=account) for account in ("eu", "us", "eu")] == [True, True, False]
    assert [cause.account for cause in database.why(RUTH, NOW).causes] == ["eu", "us"]


def test_lifting_one_cause_leaves_the_rest(database: Database) -> None:
    complaint = entry(reason=Reason.COMPLAINT)
    with database.transaction() as ledger:
        ledger.suppress(entry())
        ledger.suppress(complaint)
        assert ledger.release(entry(), at=NOW, by="policy") == 1
        assert ledger.release(entry(), at=NOW, by="policy") == 0
        assert ledger.history(RUTH, None, NOW).active == (complaint,)
    assert database.is_suppressed(RUTH, None, NOW)


@pytest.mark.parametrize(
    ("one", "address", "stream", "suppressed"),
    [
        (entry(), "Ruth@EXAMPLE.net", None, True),
        (entry(), "paul@example.net", None, False),
        (entry(domain="Example.NET"), RUTH, "garden", True),
        (entry(domain="example.net"), "ruth@sub.example.net", None, False),
        (entry(scope="garden"), RUTH, "garden", True),
        (entry(scope="garden"), RUTH, "news", False),
        (entry(scope="garden"), RUTH, None, False),
        (entry(until=NOW), RUTH, None, False),
        (entry(until=NOW + DAY), RUTH, None, True),
        (entry(since=NOW + DAY), RUTH, None, False),
    ],
)
def test_who_is_suppressed(database: Database, one: Suppression, address: str, stream: str | None, suppressed: bool) -> None:  # noqa: FBT001  a cell of the table
    with database.transaction() as ledger:
        ledger.suppress(one)
    assert database.is_suppressed(address, stream, NOW) is suppressed


def test_a_domain_is_blamed_only_by_what_came_after_its_last_success(database: Database) -> None:
    with database.transaction() as ledger:
        ledger.record_failure("a@example.net", failed(1, NOW - 3 * DAY), Scope.DOMAIN)
        ledger.record_delivery("b@example.net", "x", NOW - 2 * DAY)
        ledger.record_delivery("b@other.example.net", "x", NOW)
        ledger.record_failure("a@example.net", failed(2, NOW - DAY), Scope.DOMAIN)
        ledger.record_failure("c@example.net", failed(2, NOW), Scope.DOMAIN)
        ledger.record_failure("d@example.net", failed(2, NOW), Scope.ADDRESS)
        ledger.suppress(entry(domain="example.net"))
        assert ledger.domain_history("Example.NET", NOW) == DomainHistory(
            failures=(failed(2, NOW - DAY), failed(2, NOW)), addresses=2, known_addresses=1, delivered_at=NOW - 2 * DAY, active=(entry(domain="example.net"),)
        )


def test_a_block_that_raises_keeps_nothing(database: Database) -> None:
    def broken() -> None:
        with database.transaction() as ledger:
            ledger.seen(occurrence())
            ledger.suppress(entry())
            ledger.enqueue("ses", "suppress", b"{}", "k1")
            ledger.log(Entry(at=NOW, by="policy", what="suppress", why="gone", address=RUTH))
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    past = database.why(RUTH, NOW)
    assert (past.causes, past.events, past.history, list(database.outbox.calls())) == ((), (), (), [])


def test_why_tells_causes_events_and_history(database: Database) -> None:
    line = Entry(at=NOW, by="policy", what="suppress", why="gone for good", address=RUTH, event="k1")
    with database.transaction() as ledger:
        ledger.seen(occurrence())
        ledger.seen(occurrence("k2", addressed="paul@example.net", recipient=RUTH))
        ledger.suppress(entry(), provider="example")
        ledger.suppress(entry(domain="example.net", until=NOW - DAY, since=NOW - 2 * DAY))
        ledger.log(line)
    past = database.why(RUTH, NOW)
    assert [(cause.suppression, cause.provider, cause.active) for cause in past.causes] == [
        (entry(), "example", True),
        (entry(domain="example.net", until=NOW - DAY, since=NOW - 2 * DAY), None, False),
    ]
    assert ([event.key for event in past.events], past.history) == (["k1", "k2"], (line,))


@pytest.mark.parametrize(
    ("selection", "left"),
    [
        (Selection(since=NOW), ["old@example.net"]),
        (Selection(provider="google"), ["old@example.net", "paul@example.org"]),
        (Selection(by="ann"), ["old@example.net", RUTH, "mary@example.net"]),
        (Selection(address=RUTH), ["old@example.net", "mary@example.net", "paul@example.org"]),
    ],
)
def test_undo_lifts_what_is_selected_and_what_led_to_it_counts_no_longer(database: Database, selection: Selection, left: list[str]) -> None:
    with database.transaction() as ledger:
        ledger.record_failure(RUTH, failed(1), Scope.ADDRESS)
        ledger.suppress(entry(address="old@example.net", since=NOW - DAY))
        ledger.suppress(entry(), provider="google")
        ledger.suppress(entry(address="mary@example.net"), provider="google")
        ledger.suppress(entry(address="paul@example.org", by="ann"), provider="example")
    told = []
    number = database.undo(selection, at=NOW + DAY, by="ann", why="an outage", each=lambda _, one: told.append(one.address))
    active = [one.address for one in database.suppressions(Selection(active_at=NOW + DAY))]
    assert (active, number, len(told)) == (left, 4 - len(left), 4 - len(left))
    with database.transaction() as ledger:
        assert bool(ledger.history(RUTH, None, NOW).failures) is (RUTH in left)
    assert [(line.what, line.why) for line in database.why(RUTH, NOW).history] == ([] if RUTH in left else [("lift", "an outage")])


def test_undoing_a_domain_s_entry_ends_what_counted_against_it(database: Database) -> None:
    with database.transaction() as ledger:
        ledger.record_failure(RUTH, failed(1), Scope.DOMAIN)
        ledger.record_failure(RUTH, failed(2), Scope.ADDRESS)
        ledger.suppress(entry(domain="example.net"))
    assert database.undo(Selection(domain="Example.net"), at=NOW, by="ann", why="an outage") == 1
    with database.transaction() as ledger:
        assert ledger.domain_history("example.net", NOW) == DomainHistory()
        assert ledger.history(RUTH, None, NOW).failures == (failed(2),)


def test_a_long_undo_lifts_all(database: Database) -> None:
    with database.transaction() as ledger:
        for number in range(1001):
            ledger.suppress(entry(address=f"{number}@example.net"))
    assert database.undo(Selection(since=NOW), at=NOW, by="ann", why="an outage") == 1001
    assert list(database.suppressions(Selection(active_at=NOW))) == []


def test_the_entries_of_each_address_come_together_lifted_ones_too(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bounceclass.store.entries._PAGE", 2)
    with database.transaction() as ledger:
        for number in (3, 1, 2):
            for stream in (None, "garden", "kitchen"):
                ledger.suppress(entry(address=f"User{number}@example.net", scope=stream))
        ledger.suppress(entry(domain="example.org"))
        ledger.lift(Selection(address="user1@example.net", stream="garden"), at=NOW, by="amy", why="asked")
    found = [[(one.suppression.address, one.suppression.scope, one.active, one.lifted_by) for one in causes] for causes in database.causes(NOW)]
    assert found == [
        [("User1@example.net", None, False, "amy"), ("User1@example.net", "garden", False, "amy"), ("User1@example.net", "kitchen", True, None)],
        *([(f"User{number}@example.net", stream, True, None) for stream in (None, "garden", "kitchen")] for number in (2, 3)),
    ]
    assert database.name_of("User1@EXAMPLE.net") == "user1@example.net"


def test_undo_without_a_selection_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="which entries"):
        database.undo(Selection(active_at=NOW), at=NOW, by="ann", why="all of it")


def test_text_that_databases_refuse_is_kept_all_the_same(database: Database) -> None:
    odd = "a\0b\udce9@example.net"
    with database.transaction() as ledger:
        assert ledger.seen(occurrence(addressed=odd, recipient="a\0b", diagnostic="x\0y", stream="\0")) is Sighting.NEW
        ledger.suppress(entry(address=odd, by="\0"))
        ledger.log(Entry(at=NOW, by="ann", what="note", why="\ud800", address=odd))
    assert database.is_suppressed(odd, None, NOW)
    assert [event.report.events[0].diagnostic for event in database.why(odd, NOW).events] == ["x\0y"]
