"""What is held against a verdict: the reply may be about another recipient, or about the sender."""

from __future__ import annotations

import pytest

from bounceclass.engine import Engine
from bounceclass.judge import Judge
from bounceclass.model import SHARED_REPLY, Event, Kind
from bounceclass.settings import Settings


def test_a_reply_that_names_another_recipient_of_the_report_suppresses_nobody_else() -> None:
    text = "550 5.1.1 <one@example.org>: user unknown"
    names = ("one@example.org", "two@example.org", "THREE@example.org")
    events = [Event(kind=Kind.BOUNCE, recipient=name, reply_code=550, enhanced_status="5.1.1", diagnostic=text) for name in names]
    judged = Judge(Settings()).judge(events)
    assert [event.verdict.advice for event in judged] == ["suppress", "count", "count"]
    assert [event.verdict.evidence[-1].rule for event in judged[1:]] == ["names-another"] * 2
    assert [event.verdict.confidence for event in judged[1:]] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("other", "advice"),
    [
        (("kim@example.net", "team@example.org", Kind.BOUNCE), "count"),
        (("kim@example.net", "TEAM@example.org", Kind.DELIVERY), "count"),  # the alias works
        (("team@example.org", "team@example.org", Kind.DELIVERY), "count"),  # expanded
        (("kim@example.net", "kim@example.org", Kind.BOUNCE), "suppress"),
        (("kim@example.net", None, Kind.BOUNCE), "suppress"),
    ],
)
def test_one_dead_member_of_an_alias_suppresses_not_the_alias(other: tuple[str, str | None, Kind], advice: str) -> None:
    name, original, kind = other
    dead = Event(kind=Kind.BOUNCE, recipient="lee@example.net", original_recipient="team@example.org", reply_code=550, diagnostic="550 5.1.1 user unknown")
    judged = Judge(Settings()).judge([dead, Event(kind=kind, recipient=name, original_recipient=original, reply_code=550, diagnostic="550 5.1.1 user unknown")])
    assert judged[0].verdict.advice == advice
    assert ("one-of-several" in [evidence.rule for evidence in judged[0].verdict.evidence]) is (advice == "count")


@pytest.mark.parametrize(
    ("said", "phase", "reason"),
    [
        ("550 5.1.1 The account does not exist", "MAIL FROM", "sender-rejected"),
        ("550 5.2.1 Mailbox disabled", "MAIL FROM", "sender-rejected"),
        ("552 5.2.2 Mailbox is full", "MAIL FROM", "sender-rejected"),
        ("550 5.1.1", "MAIL FROM", "sender-rejected"),
        ("550 5.1.1 Benutzer unbekannt", "MAIL FROM", "sender-rejected"),
        ("550 5.1.1 User unknown", "AUTH", "security"),
    ],
)
def test_what_is_said_before_rcpt_to_is_about_us(said: str, phase: str, reason: str) -> None:
    text = f"host mx.example.org[192.0.2.1] said: {said} (in reply to {phase} command)"
    verdict = Engine().reply(text, recipient="user@example.org").verdict
    assert (verdict.reason, verdict.scope, verdict.advice) == (reason, "sender", "fix")
    assert Engine().reply(text.replace(phase, "RCPT TO"), recipient="user@example.org").verdict.scope == "address"


@pytest.mark.parametrize(("said", "confidence"), [("550 example.net does not accept mail", 0.5), ("521 mx.example.org does not accept mail", 0.95)])
def test_that_a_domain_takes_no_mail_is_doubted_at_mail_from(said: str, confidence: float) -> None:
    verdict = Engine().reply(f"host mx.example.org[192.0.2.1] said: {said} (in reply to MAIL FROM command)").verdict
    assert (verdict.reason, verdict.confidence) == ("domain-no-mail", confidence)


def test_that_the_phase_decided_is_evidence() -> None:
    text = "host mx.example.org[192.0.2.1] said: 550 5.1.1 Benutzer unbekannt (in reply to MAIL FROM command)"
    first, second = Engine().reply(text).verdict.evidence[:2]
    assert (first.rule, first.field, first.text, first.overrode) == ("before-the-recipient", "command", "mail", second.rule)


def test_a_reply_that_names_the_recipient_is_about_it_whatever_the_phase() -> None:
    text = "host mx.example.org[192.0.2.1] said: 550 5.1.1 <user@example.org>: mailbox is disabled (in reply to MAIL FROM command)"
    assert Engine().reply(text, recipient="user@example.org").verdict.advice == "suppress"
    assert Engine().reply(text, recipient="other@example.org").verdict.advice == "fix"


@pytest.mark.parametrize(("text", "advice"), [("550 5.1.1 no such user", ["count", "count"]), ("550 5.1.1 <a@example.org>: no such user", ["suppress", "count"])])
def test_a_reply_that_all_recipients_share_suppresses_nobody_whom_it_does_not_name(text: str, advice: list[str]) -> None:
    events = [Event(kind=Kind.BOUNCE, recipient=name, reply_code=550, enhanced_status="5.1.1", diagnostic=text) for name in ("a@example.org", "b@example.org")]
    assert [event.verdict.advice for event in Judge(Settings()).judge(events, defects=[SHARED_REPLY])] == advice
