"""What trust asks, attempts at inputs, and what the incident guard keeps; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bounceclass.model import Action, Decision, Reason, Suppression
from bounceclass.store.records import Held, Incident, Sent
from bounceclass.tags import Addressee, fingerprint

if TYPE_CHECKING:
    from bounceclass.store.database import Database

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
RUTH, PAUL = "Ruth@example.net", "paul@example.net"


def mail(mailing: str, recipient: str = RUTH, at: datetime = NOW, stream: str | None = None) -> Sent:
    return Sent(mailing=mailing, recipient=recipient, at=at, stream=stream)


@pytest.mark.parametrize(
    ("mailing", "named", "answer"),
    [
        ("one", "RUTH@Example.NET", RUTH),
        ("one", None, RUTH),
        ("one", PAUL, None),
        ("both", RUTH, None),
        ("both", None, None),
        ("none", RUTH, None),
    ],
)
def test_an_id_is_known_to_whom_it_was_given_unless_several_were(database: Database, mailing: str, named: str | None, answer: str | None) -> None:
    assert database.record_sent([mail("one"), mail("both"), mail("both", PAUL)]) == 3
    sent = database.lookups().sent
    assert sent is not None
    assert sent(mailing, named) == answer


def test_what_was_sent_is_recorded_once_and_makes_its_address_known(database: Database) -> None:
    assert database.record_sent(mail(str(number), f"{number % 700}@example.net") for number in range(2500)) == 2500
    assert database.record_sent([mail("1", "1@example.net"), mail("early", "1@example.net", NOW - DAY), mail("late", "1@example.net", NOW + DAY)]) == 2
    with database.transaction() as ledger:
        assert ledger.history("1@example.net", None, NOW).known_since == NOW - DAY
        assert ledger.domain_history("example.net", NOW).known_addresses == 700


def test_a_fingerprint_leads_to_whom_it_is_of(database: Database) -> None:
    database.record_sent([mail("one", stream="garden"), mail("two", stream="garden", at=NOW + DAY)])
    addressee = database.lookups().addressee
    assert addressee is not None
    assert addressee(fingerprint(RUTH, "garden")) == Addressee(RUTH, "garden")
    assert addressee(fingerprint(RUTH)) is None


def test_queue_ids_and_names_under_a_tag_are_found_again(database: Database) -> None:
    with database.transaction() as ledger:
        ledger.record_queue("4XyZ", RUTH, NOW)
        ledger.record_named("emtag", RUTH)
        ledger.record_named("EMTAG", RUTH)
        ledger.record_named("emtag", PAUL)
    known = database.lookups()
    assert known.bounced is not None
    assert known.named is not None
    assert [known.bounced(queue, named) for queue, named in (("4XyZ", RUTH), ("4XyZ", None), ("4XyZ", PAUL), ("other", None))] == [True, True, False, False]
    assert (sorted(known.named("emtag")), known.named("other")) == ([PAUL, "ruth@example.net"], [])


def test_attempts_are_counted_before_anything_is_read_and_forgotten_at_the_end(database: Database) -> None:
    assert database.begin_attempts(["a", "b", "a"]) == {"a": 1, "b": 1}
    assert database.begin_attempts(["b", "c"]) == {"b": 2, "c": 1}
    database.end_attempts(["b"])
    assert database.begin_attempts(["a", "b"]) == {"a": 2, "b": 1}
    many = [str(number) for number in range(1201)]
    assert database.begin_attempts(many) == dict.fromkeys(many, 1)
    assert database.begin_attempts([]) == {}


def test_tallies_are_by_the_hour(database: Database) -> None:
    with database.transaction() as ledger:
        for at, number in ((NOW, 1), (NOW + HOUR / 2, 2), (NOW + HOUR, 4), (NOW - DAY, 8)):
            ledger.brake.tally("google user-unknown", at, number)
        ledger.brake.tally("other", NOW)
        spans = ((NOW, NOW + HOUR), (NOW - DAY, NOW + DAY), (NOW + HOUR, NOW + DAY))
        assert [ledger.brake.tallied("google user-unknown", *span) for span in spans] == [3, 15, 4]
        assert ledger.brake.tallied("nothing", NOW - DAY, NOW) == 0
        ledger.brake.forget(NOW)
        assert ledger.brake.tallied("google user-unknown", NOW - DAY, NOW + DAY) == 7


def test_an_incident_is_open_once_until_it_is_closed(database: Database) -> None:
    with database.transaction() as ledger:
        assert [ledger.brake.open("google", NOW, "a spike"), ledger.brake.open("google", NOW, "again")] == [True, False]
        assert ledger.brake.incidents() == [Incident(name="google", opened_at=NOW, closed_at=None, because="a spike")]
        ledger.brake.close("google", NOW + HOUR)
        assert (ledger.brake.incidents(), ledger.brake.open("google", NOW + DAY, "another")) == ([], True)
        assert [one.closed_at for one in ledger.brake.incidents(closed=True)] == [NOW + HOUR, None]


def test_held_decisions_wait_until_they_are_settled_or_too_old(database: Database) -> None:
    entry = Suppression(address=RUTH, reason=Reason.USER_UNKNOWN, since=NOW, cause=("k1",), by="policy")
    nobody = Decision(action=Action.HOLD, because="nobody is named", until=NOW + 7 * DAY)
    held = Decision(action=Action.HOLD, because="a spike", until=NOW + 7 * DAY, suppression=entry)
    with database.transaction() as ledger:
        ledger.brake.hold("k1", held, NOW, "google")
        ledger.brake.hold("k2", nobody, NOW)
        ledger.brake.hold("k3", held, NOW - DAY, "google")
        first, second, third = ledger.brake.waiting()
        assert first == Held(id=first.id, incident="google", event="k1", suppression=entry, because="a spike", at=NOW, until=NOW + 7 * DAY)
        assert (second.suppression, ledger.brake.waiting("google")) == (None, [first, third])
        ledger.brake.settle([first.id], "released")
        assert ledger.brake.waiting() == [second, third]
        assert (ledger.brake.expire(NOW), ledger.brake.expire(NOW + 7 * DAY), ledger.brake.waiting()) == (0, 2, [])


def test_pruning_drops_what_nobody_asks_for_any_more(database: Database) -> None:
    database.record_sent([mail("old", at=NOW - DAY), mail("new")])
    with database.transaction() as ledger:
        ledger.record_queue("old", RUTH, NOW - DAY)
        ledger.brake.tally("old", NOW - DAY)
        for key in ("done", "waits"):
            ledger.enqueue("ses", "suppress", b"", key)
    database.outbox.done([next(call.id for call in database.outbox.calls() if call.key == "done")], NOW - DAY)
    assert (database.prune(NOW, at=NOW, by="ann"), database.prune(NOW, at=NOW, by="ann")) == (4, 0)
    sent = database.lookups().sent
    assert sent is not None
    assert (sent("old", None), sent("new", None), [call.key for call in database.outbox.calls()]) == (None, RUTH, ["waits"])
