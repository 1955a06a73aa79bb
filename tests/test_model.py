from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass import knowledge
from bounceclass.model import (
    UNJUDGED,
    Advice,
    Defect,
    Details,
    Event,
    Evidence,
    Kind,
    Original,
    Permanence,
    Reason,
    Report,
    Scope,
    Verdict,
    clean_text,
    decode,
    encode,
    gravest,
)

JUDGED = Verdict(
    Permanence.PERMANENT,
    Reason.USER_UNKNOWN,
    Scope.ADDRESS,
    Advice.SUPPRESS,
    0.9,
    Details(provider="google"),
    (Evidence("no-such-user", "phrases", "diagnostic", 4, 9, "5.1.1", "550"),),
)
EVENT = Event(
    kind=Kind.BOUNCE,
    recipient="user@example.org",
    action="failed",
    reply_code=550,
    enhanced_status="5.1.1",
    diagnostic="550 5.1.1 no",
    occurred_at=datetime(2026, 11, 24, 3, 0, tzinfo=UTC),
    verdict=JUDGED,
)
REPORT = Report(kind=Kind.BOUNCE, events=(EVENT,), format="rfc3464", parser="flanker", defects=(Defect("bad-date", "x"),), original=Original(from_="a@example.com"))


def test_a_report_is_written_with_every_key_and_times_in_utc() -> None:
    tree = json.loads(encode(REPORT))
    assert list(tree) == ["version", "source", "kind", "events", "format", "parser", "defects", "original"]
    assert list(tree["events"][0]) == [
        "id", "kind", "recipient", "original_recipient", "action", "reply_code", "enhanced_status", "diagnostic", "diagnostic_type",
        "command", "remote_mta", "reporting_mta", "label", "occurred_at", "verdict",
    ]  # fmt: skip
    assert list(tree["events"][0]["verdict"]) == ["permanence", "reason", "scope", "advice", "confidence", "details", "evidence"]
    assert list(tree["events"][0]["verdict"]["details"]) == ["ip", "domain", "blocklist", "url", "retry_after", "new_address", "limit", "provider", "list"]
    assert list(tree["original"]) == ["message_id", "from", "to", "subject", "list_id", "envid", "headers"]
    assert tree["events"][0]["occurred_at"] == "2026-11-24T03:00:00Z"


def test_a_report_is_read_back_equal() -> None:
    assert decode(encode(REPORT)) == REPORT


@pytest.mark.parametrize(
    ("advice", "scope", "permanence", "reason"),
    [
        ("suppress", "sender", "permanent", "ip-blocked"),
        ("suppress", "none", "permanent", "undetermined"),
        ("suppress", "message", "permanent", "spam"),
        ("suppress", "system", "permanent", "system-error"),
        ("suppress", "address", "transient", "mailbox-full"),
        ("suppress", "address", "undetermined", "user-unknown"),
        ("count", "sender", "permanent", "policy"),
        ("count", "none", "permanent", "undetermined"),
    ],
)
def test_a_verdict_that_could_silence_somebody_without_cause_cannot_be_built(advice: str, scope: str, permanence: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"advice {advice}"):
        Verdict(Permanence(permanence), Reason(reason), Scope(scope), Advice(advice), 0.9)
    with pytest.raises(ValueError, match=f"advice {advice}"):
        msgspec.structs.replace(JUDGED, permanence=Permanence(permanence), reason=Reason(reason), scope=Scope(scope), advice=Advice(advice))
    tree = json.loads(encode(REPORT))
    tree["events"][0]["verdict"] |= {"advice": advice, "scope": scope, "permanence": permanence, "reason": reason}
    with pytest.raises(ValueError, match=f"advice {advice}"):
        decode(json.dumps(tree))


@pytest.mark.parametrize("reason", ["complaint", "unsubscribe"])
def test_consent_taken_back_needs_no_permanence(reason: str) -> None:
    assert Verdict(Permanence.UNDETERMINED, Reason(reason), Scope.ADDRESS, Advice.SUPPRESS, 1.0).advice == "suppress"


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        msgspec.structs.replace(UNJUDGED, confidence=confidence)


def test_every_advice_of_the_table_makes_a_verdict() -> None:
    table = knowledge.advice_table()
    for reason in Reason:
        for scope in Scope:
            for permanence in Permanence:
                for confidence in (0.2, 0.5, 0.8, 0.97):
                    advice = table.advice(reason, scope, permanence, confidence)
                    assert Verdict(permanence, reason, scope, advice, confidence).advice is advice


@pytest.mark.parametrize(
    ("path", "word", "read_as"),
    [
        (("kind",), "rumour", "other"),
        (("events", 0, "kind"), "rumour", "other"),
        (("events", 0, "verdict", "reason"), "gone-fishing", "undetermined"),
        (("events", 0, "verdict", "scope"), "galaxy", "none"),
        (("events", 0, "verdict", "permanence"), "eternal", "undetermined"),
        (("events", 0, "verdict", "advice"), "ponder", "review"),
    ],
)
def test_a_word_of_a_later_version_is_read_as_the_last_word(path: tuple[str | int, ...], word: str, read_as: str) -> None:
    tree = json.loads(encode(REPORT))
    place = tree
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = word
    report = decode(json.dumps(tree))
    found = json.loads(encode(report))
    for key in path:
        found = found[key]
    assert found == read_as
    assert report.events[0].verdict.advice == ("review" if "verdict" in path else "suppress") or path[-1] == "reason"
    assert decode(encode(report)) == report


def test_a_key_of_a_later_version_is_ignored() -> None:
    tree = json.loads(encode(REPORT))
    tree["mood"] = "grim"
    tree["events"][0]["mood"] = "grim"
    assert decode(json.dumps(tree)) == REPORT


@pytest.mark.parametrize("data", [b"", b"[]", b'{"kind": 5}', b'{"kind": "other", "events": 3}', b'{"kind":"other","events":[1]}'])
def test_json_that_is_no_report_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  msgspec's own words
        decode(data)


def test_the_gravest_event_names_the_report() -> None:
    kinds = [Kind.RECEIPT, Kind.DELAY, Kind.DELIVERY]
    assert gravest([Event(kind=kind) for kind in kinds]) is Kind.DELAY
    assert gravest([]) is Kind.OTHER


@pytest.mark.parametrize(("text", "clean"), [("plain", "plain"), ("한국어", "한국어"), ("a\udcffb", "a\\xffb"), ("\ud800", "\ufffd"), ("x\x00y", "x\x00y")])
def test_text_is_made_valid_unicode(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@given(st.text(st.characters()).map(clean_text), st.datetimes(timezones=st.just(UTC)), st.integers(200, 599))
def test_any_clean_text_and_time_survives_the_round_trip(text: str, when: datetime, code: int) -> None:
    event = msgspec.structs.replace(EVENT, recipient=text, diagnostic=text, remote_mta=text, label=text, occurred_at=when, reply_code=code)
    report = msgspec.structs.replace(REPORT, events=(event,), source=text, original=Original(subject=text, headers=(("X", text),)))
    assert decode(encode(report)) == report
