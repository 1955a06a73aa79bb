"""The last reader: what it takes for a notice, whom it names, and how far it is believed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass.engine import Engine
from bounceclass.knowledge import data_file
from bounceclass.model import Advice, Event, Kind, Report
from bounceclass.returned import find_headers

ENGINE = Engine()
SAMPLES = Path(__file__).parent.parent / "samples"
HEADERS = "Received: from a.test\nMessage-ID: <1@a.test>\nTo: jo@example.org\n"
FOR_JO = "Received: from a.test for <jo@example.org>\nMessage-ID: <1@a.test>\nTo: list@example.org\n"


def mail(text: str, subject: str = "Undeliverable mail", sender: str = "Postmaster <postmaster@mx.test>", extra: str = "") -> bytes:
    return f"From: {sender}\nTo: news@example.com\nSubject: {subject}\nDate: Fri, 05 Jun 2026 08:00:00 +0000\n{extra}\n{text}".encode()


def said(report: Report) -> list[tuple[str | None, int | None, str | None]]:
    return [(event.recipient, event.reply_code, event.enhanced_status) for event in report.events]


@pytest.mark.parametrize(
    ("subject", "text", "read"),
    [
        ("Delivery failed", "This message could not be delivered.", True),  # who it was for, the return path may tell
        ("Delivery failed", "You have 4 undelivered messages: https://bait.example/get", False),
        ("Delivery failed", "It could not be delivered, see https://support.google.com/mail/answer/1 for help.", True),
        ("Delivery failed", "It could not be delivered: https://support.google.com/mail https://bait.example/get", False),
        ("Your mailbox is full", "Your mailbox is full: mail to you will not be delivered.", False),
        ("Welcome", "This message could not be delivered.", False),
    ],
)
def test_a_mail_systems_notice_that_names_nobody_is_one_by_its_subject_and_text(subject: str, text: str, read: bool, engine: Engine) -> None:  # noqa: FBT001  a column of the table
    report = engine.classify(mail(text, subject))
    assert (report.kind, said(report)) == ((Kind.BOUNCE, [(None, None, None)]) if read else (Kind.OTHER, []))


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("Not delivered.\n\njo@example.org: 550 5.1.1 no such user", [("jo@example.org", 550, "5.1.1")]),
        ("Not delivered.\n\nTo: <jo@example.org>\nReason: 550 no such user", [("jo@example.org", 550, None)]),
        ("Not delivered.\n\nThe server said:\n  550 5.1.1 jo@example.org\n  is unknown here", [("jo@example.org", 550, "5.1.1")]),
        ("Not delivered.\n\na@example.org 550 5.1.1 x\nb@example.org 452 4.2.2 y", [("a@example.org", 550, "5.1.1"), ("b@example.org", 452, "4.2.2")]),
        ("Not delivered to jo@example.org.\nWrite to help@mx.test or to support@mx.test.\n\n550 x", [("jo@example.org", 550, None)]),
        ("From: news@example.com\nSender: other@example.com\nTo: jo@example.org\nNot delivered: 550 x", [("jo@example.org", 550, None)]),
        (f"Not delivered.\n\n{HEADERS}", [("jo@example.org", None, None)]),
        (f"Not delivered: 550 5.1.1\n\n{HEADERS.replace('jo@', 'a@example.org, b@')}", [(None, 550, "5.1.1")]),
        ("Not delivered.\n\njo@example.org: 550 x\n\nOriginal message details:\n  To: list@example.org\n", [("jo@example.org", 550, None)]),
        (f"Not delivered to jo@example.org, see kim@example.org: 550 x\n\n{FOR_JO}", [("jo@example.org", 550, None)]),
        ("Not delivered.\n\njo@example.org\n220 mx.test ready\n250 ok\n554 5.7.1 spam", [("jo@example.org", 554, "5.7.1")]),
        ("Not delivered to jo@example.org: 550 x\n\n-- \nPlease tell privacy@mx.test if this is not for you.", [("jo@example.org", 550, None)]),
        ("Not delivered to jo@example.org: 550 x\nPlease notify kim@mx.test.", [("jo@example.org", 550, None)]),
        ("Not delivered: 550 x\njo@example.org has moved to a new address: jo@new.example", [("jo@example.org", 550, None)]),
        ("Not delivered: 550 x\nhttps://mx.test/why?of=kim@example.org", [(None, 550, None)]),
        ("Not delivered to <jo.of.the.department@\n  example.org>: 550 x", [("jo.of.the.department@example.org", 550, None)]),
        ("Not delivered.\n\nFailed recipients: jo@example.org; kim@example.org\nReason: 550 x", [("jo@example.org", 550, None), ("kim@example.org", 550, None)]),
        (
            "Delivered: lee@example.org\nNot delivered: jo@example.org (550 x), kim@example.org (450 y)",
            [("jo@example.org", 550, None), ("kim@example.org", 450, None)],
        ),
        ("Your message to jo@example.org was not delivered.\n\nKim (kim@mx.test) is there on Mondays.", [("jo@example.org", None, None)]),
        ("Not delivered.\n\nRecipient: [SMTP:jo@example.org]\nReason: 550 x", [("jo@example.org", 550, None)]),
        ("Nicht zugestellt: das Postfach von jo@example.org ist voll", [("jo@example.org", None, None)]),
        ("Nicht zugestellt: die Nachricht von kim@example.net an jo@example.org", [("jo@example.org", None, None)]),
        ("Not delivered to support@example.org: 550 x\nFor help send mail to postmaster@mx.test.", [("support@example.org", 550, None)]),
        ("Not delivered: 550 x\n\n  abuse@mx.test", [("abuse@mx.test", 550, None)]),
        ("Not delivered: 550 x\nIf in doubt, see what postmaster@mx.test has to say.", [(None, 550, None)]),
        ("Not delivered: 550 x\nXX_MID: <47F11D3E@mx.test>", [(None, 550, None)]),
        ("Not delivered: 550 x\n\njo@example.org (expanded from\n<team@example.org>)", [("jo@example.org", 550, None)]),
        ("Not delivered to jo@example.org: 550 x, see https://mx.test/why?a=1;id=kim@example.org", [("jo@example.org", 550, None)]),
        ("Votre message n'a pu etre envoye, jo@example.org: 550 x", [("jo@example.org", 550, None)]),
        ("Not delivered: 550 x\n  To: jo@example.org\n  Cc: kim@example.org", [("jo@example.org", 550, None)]),
        ("Not delivered to jo@example.org.\n\nError / Grund:\n------\n550 5.1.1 no such user", [("jo@example.org", 550, "5.1.1")]),
        ("Not delivered to jo@example.org.\n\nthe server of example.org reply:550 no such user", [("jo@example.org", 550, None)]),
    ],
)
def test_a_notice_names_its_recipients_and_what_was_said_of_each(text: str, events: list[tuple[str | None, int | None, str | None]], engine: Engine) -> None:
    report = engine.classify(mail(text))
    assert (report.format, said(report)) == ("prose", events)


@pytest.mark.parametrize(
    "raw",
    [
        mail("550 5.1.1 means that there is no such user: jo@example.org", "What is 550 5.1.1?", "Kim <kim@example.com>"),
        mail("It could not be delivered, jo@example.org: 550 5.1.1\n\n" + HEADERS, "Re: Undeliverable mail", "Kim <kim@example.com>"),
        mail("It could not be delivered, jo@example.org: 550 5.1.1\n\n" + HEADERS, extra="List-Id: <talk.example.com>\n", sender="Kim <kim@example.com>"),
        mail("> jo@example.org: 550 5.1.1 could not be delivered\n\nI closed it.", "Hello"),
        mail("Hello Kim, how are you?", "Undeliverable"),
        mail("Hello Kim", "Hello", "Kim <kim@example.com>", "X-Failed-Recipients: jo@example.org\n"),
        mail("Not delivered: 550 5.1.1 jo@example.org\n\n" + HEADERS, "Undeliverable", "Kim <kim@example.com>", "Auto-Submitted: auto-replied\n"),
        mail("It could not be delivered, jo@example.org\n\n" + HEADERS, "Hello", "Kim <kim@example.com>"),
        mail("Hello jo@example.org\n\n" + HEADERS, "Hello", "smtp@example.com", "Return-Path: <>\n"),
        mail("It could not be delivered yesterday, jo@example.org, but I have repaired it.", "Your mail", extra="Return-Path: <postmaster@mx.test>\n"),
        mail("Not delivered:\n1. jo@example.org\n2. kim@example.org", "Quarantine report", extra="Return-Path: <>\n"),
        mail("Your message was delivered to jo@example.org (250 2.0.0 OK).", "Delivery report", extra="Return-Path: <>\n"),
        mail("jo@example.org 550 5.1.1 user unknown", "Weekly bounce report", extra="Return-Path: <>\n"),
        mail("Hi, I got this: could not be delivered, jo@example.org: 550 5.1.1\n\n" + HEADERS, "Undeliverable", "Kim <kim@example.com>", "Return-Path: <kim@example.com>\n"),
        mail("Virus: a mail from lee@example.net to jo@example.org was not delivered.", "Alert", extra="Return-Path: <>\n"),
        mail("Top bounces:\njo@example.org 550 user unknown (4)", "Mail statistics", extra="Return-Path: <>\n"),
        mail("jo@example.org 451 4.7.1 greylisted\nIt could not be delivered.", "mail queue report", "root@mx.test", "Return-Path: <>\n"),
        mail("Your message has not been delivered yet to jo@example.org: follow https://mx.test/x", "Please confirm your message", extra="Return-Path: <>\n"),
        mail("The parcel could not be delivered. Write to jo@example.org", "Delivery failed", "depot@example.org", "Return-Path: <>\n"),
        mail("Enclosed is the mail delivery report that you requested.\n\n<jo@example.org>: delivery via mx.test: 250 2.0.0 OK", "Mail Delivery Status Report"),
        mail("Your message was successfully delivered.\n\n<jo@example.org>: delivery via mx.test[192.0.2.1]:25: 250 ok", "Successful Mail Delivery Report"),
        mail("Your message has been successfully relayed to\n\n  jo@example.org", "Delivery Status Notification (Relay)", extra="Return-Path: <>\n"),
        mail("Not delivered: 5 messages for you. See https://mx.test/?for=news@example.com"),
    ],
)
def test_mail_that_only_talks_of_failures_is_none(raw: bytes, engine: Engine) -> None:
    assert engine.classify(raw).kind not in {Kind.BOUNCE, Kind.DELAY}


@pytest.mark.parametrize(
    "raw",
    [
        mail("It could not be delivered to jo@example.org\n\n" + HEADERS, "Mail", "no-reply@mx.test", "Return-Path: <>\n"),
        mail("It could not be delivered to jo@example.org. Do not send your original message again.", sender="SMTP_Gateway@mx.test"),
        mail("It could not be delivered to jo@example.org", "Your mail to us", extra="Return-Path: <>\n"),
        mail("Your mail could not be delivered to jo@example.org", sender="root@mx.test", extra="Return-Path: <>\n"),
        mail("Your mail to jo@example.org went round in circles.", "Undeliverable", extra="Return-Path: <>\n"),
        mail("To: jo@example.org\nSubject: News", "Notification of non-delivery", extra="Return-Path: <>\n"),
    ],
)
def test_a_null_return_path_or_a_machine_needs_fewer_signs(raw: bytes, engine: Engine) -> None:
    report = engine.classify(raw)
    assert (report.format, [event.recipient for event in report.events]) == ("prose", ["jo@example.org"])


@pytest.mark.parametrize(("to", "kind"), [("meadow-bounces@example.com", "bounce"), ("bounces+7=jo@example.com", "bounce"), ("meadow@example.com", "other")])
def test_what_is_addressed_to_where_bounces_go_is_a_notice_whoever_sends_it_and_suppresses_nobody(to: str, kind: str, engine: Engine) -> None:
    text = "The mail below could not be delivered to the following user:\n\n  <jo@example.org>: no such user\n\nYour mail is held until a moderator reviews it."
    raw = mail(text, "Non-Delivery: Your message awaits moderator approval", "admin@example.org", "List-Id: <meadow.example.com>\n")
    report = engine.classify(raw.replace(b"news@example.com", to.encode()))
    assert report.kind == kind
    assert [(event.recipient, event.verdict.advice) for event in report.events] == ([("jo@example.org", Advice.COUNT)] if kind == "bounce" else [])


@pytest.mark.parametrize(
    ("text", "confidence", "advice"),
    [
        ("Not delivered.\n\njo@example.org: 550 5.1.1 no such user", 0.8, Advice.SUPPRESS),
        ("Not delivered.\n\njo@example.org: 550 refused", 0.3, Advice.REVIEW),
        ("Not delivered.\n\njo@example.org\n\n" + HEADERS, 0.2, Advice.REVIEW),
        ("We could not deliver what you sent to our customer jo@example.org there is no such user", 0.5, Advice.COUNT),
        (f"There is no such user, so it was not delivered.\n\n{HEADERS}", 0.5, Advice.COUNT),
    ],
)
def test_it_is_believed_less_and_suppresses_only_where_a_code_or_a_phrase_says_so_of_one_plainly_named(
    text: str, confidence: float, advice: Advice, engine: Engine
) -> None:
    (event,) = engine.classify(mail(text)).events
    assert (event.recipient, event.verdict.confidence, event.verdict.advice) == ("jo@example.org", confidence, advice)


@pytest.mark.parametrize(
    ("subject", "text", "kind"),
    [
        ("Mail delayed", "Not yet delivered to jo@example.org, we will keep trying", Kind.DELAY),
        ("Delivery failed", "Not delivered to jo@example.org, it will be retried by nobody: giving up", Kind.BOUNCE),
        ("Delivery failed", "Could not be delivered to jo@example.org. Delivery attempts will continue for 5 days", Kind.DELAY),
        ("Delivery incomplete", "A temporary problem with jo@example.org. We will retry for 3 hours, and tell you if it fails permanently.", Kind.DELAY),
        ("Delivery report", "jo@example.org: delivery failed; we will not continue trying", Kind.BOUNCE),
        ("Zustellung verzögert", "Noch nicht zugestellt: jo@example.org\n\n" + HEADERS, Kind.DELAY),
    ],
)
def test_still_trying_is_a_delay_unless_it_was_given_up(subject: str, text: str, kind: Kind, engine: Engine) -> None:
    assert engine.classify(mail(text, subject)).kind is kind


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (HEADERS, HEADERS),
        (f"words\n\n{HEADERS}\nbody", HEADERS),
        ("".join(f"  {line}\n" for line in HEADERS.splitlines()), "".join(f"  {line}\n" for line in HEADERS.splitlines())),
        ("Received:from a.test\n by b.test\nX-Own: 1\nMessage-ID: <1@a.test>\n\nbody", "Received:from a.test\n by b.test\nX-Own: 1\nMessage-ID: <1@a.test>\n"),
        ("To: jo@example.org\nSubject: x\nSent: today\n", None),
        ("Message-ID: <1@a.test> was lost\n\nReceived: nothing\n", None),
        ("Message-Id is a word, Received: another", None),
        ("Subject: x\nDate: y\nMessage-Iple: it was damaged", None),
        (f"To: list@a.test\n\nwords\n\n{HEADERS}", HEADERS),
        ("", None),
    ],
)
def test_the_returned_mail_begins_where_its_header_fields_stand(text: str, found: str | None) -> None:
    span = find_headers(text)
    assert (text[slice(*span)] if span else None) == found


def test_the_words_are_lower_case_and_folded() -> None:
    import tomllib  # noqa: PLC0415  here alone

    words = tomllib.loads(data_file("failures.toml").decode())
    assert [word for table in words.values() for word in table if word != " ".join(word.lower().split())] == []
    assert [word for table in words.values() for word in table if table.count(word) > 1] == []


@given(st.text(max_size=300), st.sampled_from(["", "jo@example.org", "jo@example.org: 550 5.1.1 x", "\n\n" + HEADERS]), st.text(max_size=200))
def test_any_text_is_read_and_only_those_are_named_who_stand_in_the_mail(head: str, middle: str, tail: str) -> None:
    raw = mail(f"{head}\nNot delivered. {middle}{tail}")
    for event in ENGINE.classify(raw).events:
        assert event.recipient is None or event.recipient in raw.decode().replace("\0", "")


def test_each_language_has_a_sample_that_it_reads() -> None:
    assert len(list((SAMPLES / "prose").glob("*.eml"))) >= 15


def test_a_paragraph_that_ends_with_a_colon_is_read_on_and_repeated_headers_say_nothing(engine: Engine) -> None:
    text = "It could not be delivered.\n\nTo: jo@example.org\nSubject: News of June and July\n\nThe reason is this:\n\nThere is no such user."
    (event,) = engine.classify(mail(text)).events
    assert event.verdict.reason == "user-unknown"
    (event,) = engine.classify(mail("Your mail to jo@example.org was rejected for this reason:\n\nThe mailbox is full.\n\nWrite to us if you need help.")).events
    assert event.diagnostic == "Your mail to jo@example.org was rejected for this reason: The mailbox is full."


def test_a_robots_reply_code_is_a_notice_in_any_language(engine: Engine) -> None:
    text = "Üzenetét nem sikerült kézbesíteni: jo@example.org\n550 5.1.1 ismeretlen felhasználó"
    robot, person = ("mailer-daemon@mx.test", "postmaster@mx.test")
    found = [said(engine.classify(mail(text, "Hiba", sender, "Return-Path: <>\n"))) for sender in (robot, person)]
    assert found == [[("jo@example.org", 550, "5.1.1")], []]


def test_who_is_no_mail_system_is_doubted(engine: Engine) -> None:
    report = engine.classify(mail("Not delivered.\n\njo@example.org: 550 5.1.1 no such user\n\n" + HEADERS, sender="Kim <kim@example.com>"))
    assert [(event.recipient, event.verdict.advice) for event in report.events] == [("jo@example.org", Advice.COUNT)]
    assert "sender-is-no-mail-system" in {defect.code for defect in report.defects}


def test_those_of_a_header_need_not_stand_in_the_text(engine: Engine) -> None:
    report = engine.classify(mail("It could not be delivered: 550 x", extra="X-Failed-Recipients: jo@example.org, kim@example.org\n"))
    assert said(report) == [("jo@example.org", 550, None), ("kim@example.org", 550, None)]


def test_who_is_only_listed_shares_what_is_said_of_the_next(engine: Engine) -> None:
    report = engine.classify(mail("It could not be delivered to\n\n  jo@example.org\n  kim@example.org\n\nReason: no such user"))
    assert [(event.recipient, event.diagnostic) for event in report.events] == [("jo@example.org", "no such user"), ("kim@example.org", "no such user")]


def test_a_labelled_reason_is_all_that_is_judged(engine: Engine) -> None:
    text = "We are sorry that your message to our customer jo@example.org\n\nReason: mailbox full,\n  so try later\nSubject: News\n"
    (event,) = engine.classify(mail(f"It could not be delivered. {text}")).events
    assert event.diagnostic == "mailbox full, so try later"


def test_a_subject_of_statistics_hides_no_failure_that_it_tells_of(engine: Engine) -> None:
    report = engine.classify(mail("Not delivered.\n\njo@example.org: 550 no such user", "Undeliverable: Weekly statistics"))
    assert (report.format, said(report)) == ("prose", [("jo@example.org", 550, None)])


def test_an_event_of_prose_says_so_in_its_evidence(engine: Engine) -> None:
    event: Event = engine.classify(mail("Not delivered.\n\njo@example.org: 550 5.1.1 no such user")).events[0]
    assert event.verdict.evidence[-1].rule == "read-from-prose"


def test_of_many_recipients_each_has_so_much_of_the_notice_and_a_cut_is_told(engine: Engine) -> None:
    names = [f"u{number}@example.org" for number in range(200)]
    report = engine.classify(mail("Not delivered.\n" + "550 x\n" * 2000, extra=f"X-Failed-Recipients: {', '.join(names)}\n"))
    assert [event.recipient for event in report.events] == names
    assert ("text-cut", "notice") in {(defect.code, defect.where) for defect in report.defects}


@pytest.mark.parametrize("rule", ["", "-----\n", "=========\n\n", "\n___\n\n"])
def test_a_labelled_reason_may_stand_below_a_rule(engine: Engine, rule: str) -> None:
    (event,) = engine.classify(mail(f"It could not be delivered to jo@example.org.\n\nGrund / Reason:\n{rule}\nno such user\n\nGoodbye.")).events
    assert (event.diagnostic, event.verdict.reason) == ("no such user", "user-unknown")
