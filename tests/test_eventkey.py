from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bounceclass.addresses import comparable
from bounceclass.engine import Engine
from bounceclass.eventkey import event_key
from bounceclass.model import Event, Kind, Original, Report, Suppression
from bounceclass.policy import at_their_word

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENT = Event(kind=Kind.BOUNCE, recipient="User@Example.org")
REPORT = Report(kind=Kind.BOUNCE, events=(EVENT,), original=Original(message_id="<1@example.com>"))


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("User@Example.ORG", "user@example.org"),
        ("Üser@example.org.", "Üser@example.org"),
        ("jo@почта.example", "jo@xn--80a1acny.example"),
        ("a.b+tag@example.org", "a.b+tag@example.org"),
        ("nobody", "nobody"),
        ("x@\ud800.example", "x@\ud800.example"),
        ("", ""),
    ],
)
def test_two_spellings_of_an_address_compare_equal(address: str, form: str) -> None:
    assert comparable(address) == form


def change(report: Report = REPORT, **options: object) -> str:
    event = msgspec.structs.replace(EVENT, **options)
    return event_key(msgspec.structs.replace(report, events=(event,)), event)


def test_every_report_of_one_failure_has_one_key() -> None:
    key = event_key(REPORT, EVENT)
    copy = msgspec.structs.replace(REPORT, source="copy.eml", format="postfix-postmaster-copy")
    assert (len(key), event_key(copy, EVENT)) == (32, key)
    assert change(recipient="user@example.org", reply_code=550, diagnostic="550 x") == key
    assert event_key(REPORT, EVENT, addressed="USER@example.org") == key


def test_another_outcome_recipient_or_original_has_another_key() -> None:
    other = msgspec.structs.replace(REPORT, original=Original(message_id="<2@example.com>"))
    keys = {event_key(REPORT, EVENT), change(kind=Kind.DELAY), change(recipient="two@example.org"), change(original_recipient="alias@example.org"), event_key(other, EVENT)}
    assert len(keys) == 5


def test_without_an_original_the_report_stands_for_itself_whatever_it_is_judged() -> None:
    bare = msgspec.structs.replace(REPORT, original=None)
    judged = msgspec.structs.replace(EVENT, verdict=Engine().reply("550 5.1.1 user unknown").verdict)
    assert event_key(bare, EVENT) == event_key(msgspec.structs.replace(bare, source="x", events=(judged,)), judged)


@pytest.mark.parametrize(
    ("line", "recipient", "entry"),
    [
        ("550 5.1.1 user unknown", "jo@example.org", ("jo@example.org", "user-unknown", None)),
        ("521 mx.example.org does not accept mail", "jo@example.org", ("jo@example.org", "domain-no-mail", NOW + timedelta(days=7))),
        ("550 5.1.1 user unknown", None, None),
        ("550 5.1.1 user unknown", "nobody", None),
        ("552 5.2.2 mailbox full", "jo@example.org", None),
        ("550 5.7.1 blocked using example.org", "jo@example.org", None),
    ],
)
def test_an_event_at_its_word_suppresses_an_address_and_never_a_domain(line: str, recipient: str | None, entry: tuple[str, str, datetime | None] | None) -> None:
    found = at_their_word(Engine().reply(line, recipient=recipient), "key", NOW, "test")
    assert (found and (found.address, found.reason, found.until)) == entry
    assert found is None or (found.domain, found.cause, found.since, found.by) == (None, ("key",), NOW, "test")


@pytest.mark.parametrize("whom", [{}, {"address": "a@example.org", "domain": "example.org"}, {"address": ""}])
def test_a_suppression_is_about_one(whom: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="an address or a domain"):
        Suppression(reason="user-unknown", since=NOW, by="test", **whom)  # type: ignore[arg-type]
