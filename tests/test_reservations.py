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


@pytest.mark.parametrize(
    ("text", "host", "reason"),
    [
        ("550-Mailbox not found\n550 Try again later", "mx3.qq.com", "user-unknown"),
        ("550 5.7.505 Access denied, banned recipient, server busy", "example-org.mail.protection.outlook.com", "user-unknown"),
        ("550-5.1.1 User unknown\n550 5.1.1 Please try later", None, "user-unknown"),
        ("550 5.2.1 account disabled, try again later", None, "mailbox-disabled"),
        ("550 5.1.1 No such user. Bitte später erneut versuchen", None, "user-unknown"),
        ("550 5.1.1 用户不存在 (no such user), 请稍后再试", None, "user-unknown"),
        ("550 5.1.1 mailbox unavailable at this time", None, "user-unknown"),
    ],
)
def test_what_takes_itself_back_is_counted_only(text: str, host: str | None, reason: str) -> None:
    verdict = Engine().reply(text, host=host, command="rcpt").verdict
    assert (verdict.reason, verdict.permanence, verdict.advice, verdict.confidence) == (reason, "permanent", "count", 0.5)
    assert verdict.evidence[-1].rule == "passes-by-itself"
    assert verdict.evidence[-1].text == text[verdict.evidence[-1].start : verdict.evidence[-1].end]


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("550-Requested action not taken: mailbox unavailable\n550 Delivery failed, try again later", "mx00.gmx.net"),
        ("550-Requested action not taken: mailbox unavailable\n550 Some new rule of ours", "mx00.gmx.net"),
        ("550 5.5.0 Requested action not taken: mailbox unavailable, server busy", "example-org.mail.protection.outlook.com"),
        ("550 cuda_nsu Message rejected as spam", "d1.ess.barracudanetworks.com"),
        ("550 cuda_nsu 5.7.1 Blocked using dnsbl.example.net", "d1.ess.barracudanetworks.com"),
        ("550 5.7.1 Unusual amount of unknown recipients", "cluster1.eu.messagelabs.com"),
        ("550 5.7.1 High number of invalid recipients", "us-smtp-inbound-1.mimecast.com"),
        ("550 invalid recipients", None),
    ],
)
def test_a_sentence_that_stands_for_much_suppresses_nobody_beside_other_words(text: str, host: str | None) -> None:
    assert Engine().reply(text, host=host, command="rcpt").verdict.advice != "suppress"


@pytest.mark.parametrize(
    "text",
    [
        "550 Te veel onbekende gebruikers",
        "550 Hohe Anzahl: Empfänger unbekannt",
        "550 Слишком много: пользователь не найден",
        "550 宛先不明が多いため拒否しました",
        "550 用户不存在的比例过高",
        "550 존재하지 않는 사용자에게 너무 많이 보냈습니다",
        "550 Çok fazla bilinmeyen al\u0131c\u0131",
        "550 No such user: unusual for a sender",
    ],
)
def test_who_tells_of_many_suppresses_not_this_one(text: str) -> None:
    assert Engine().reply(text, command="rcpt").verdict.advice != "suppress"


@pytest.mark.parametrize(
    ("text", "host", "rule"),
    [
        ("550-Mailbox not found\n550 Your message looks like spam", "mx3.qq.com", "judged-spam"),
        ("550 5.1.10 Recipient not found; you send spam mail", "example-org.mail.protection.outlook.com", "judged-spam"),
        ("550 No such user! You connect too fast", "mx.yandex.ru", "rate"),
        ("550-5.1.1 The account that you tried to reach does not exist\n550 5.7.26 fails SPF - gsmtp", "aspmx.l.google.com", "sender-authentication"),
    ],
)
def test_a_reply_of_two_minds_is_counted_only(text: str, host: str, rule: str) -> None:
    verdict = Engine().reply(text, host=host, command="rcpt").verdict
    assert (verdict.reason, verdict.advice, verdict.confidence, verdict.evidence[-1].rule) == ("user-unknown", "count", 0.5, rule)


def test_the_list_of_an_esp_does_not_pass() -> None:
    verdict = Engine().reply("550 5.1.1 recipient is on the suppression list at the moment").verdict
    assert (verdict.reason, verdict.advice) == ("suppressed", "suppress")


@pytest.mark.parametrize(("text", "reason"), [("550 Go home", "security"), ("550 5.7.1 Go home", "policy"), ("450 Go home", "undetermined")])
def test_a_refusal_for_good_at_auth_without_a_reason_is_of_our_login(text: str, reason: str) -> None:
    assert Engine().reply(text, command="auth").verdict.reason == reason


@pytest.mark.parametrize(
    ("recipient", "said", "advice"),
    [
        ("user@example.org", "504 <news@mail>: need fully-qualified address", "count"),
        (None, "504 <news@mail>: need fully-qualified address", "count"),
        ("user@example.org", "504 <user@mx>: need fully-qualified address", "suppress"),  # rewritten on its way
        ("user@example.org", "501 5.1.3 Bad recipient address syntax", "suppress"),
    ],
)
def test_bad_syntax_of_another_address_suppresses_not_the_recipient(recipient: str | None, said: str, advice: str) -> None:
    assert Engine().reply(said, recipient=recipient).verdict.advice == advice
