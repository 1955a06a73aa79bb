from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
import pytest

from bounceclass import reader
from bounceclass.mime.parsers import PARSERS
from bounceclass.model import UNJUDGED, Defect, Event, Kind, Original, Report
from bounceclass.settings import DEFAULT, Limits, Settings

DATE: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
DAEMON: Final = "From: mailer-daemon@mx.example.com\n"
PERSON: Final = "From: Jo <jo@example.org>\n"
REPLIED: Final = "Auto-Submitted: auto-replied\n"
NOTICE: Final = "text/plain\n\nSomething happened.\n"
STATUS: Final = "message/delivery-status\n\nFinal-Recipient: rfc822; user@example.org\nAction: failed\nStatus: 5.1.1\n"
FEEDBACK: Final = "message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: user@example.org\n"
DISPOSITION: Final = "message/disposition-notification\n\nFinal-Recipient: rfc822; user@example.org\nDisposition: manual-action/x; displayed\n"
HEADS: Final = """Message-ID: <one@lists.example.com>
From: List <list@lists.example.com>
To: list@lists.example.com
Subject: =?utf-8?q?caf=C3=A9?=
List-Id: <list.example.com>
X-Run: 1
x-run: 2
"""
ORIGINAL: Final = f"text/rfc822-headers\n\n{HEADS}"
JMRP: Final = "message/rfc822\n\nX-HmXmrOriginalRecipient: user@example.org\nSubject: x\n"


def mail(*parts: str, headers: str = DAEMON) -> bytes:
    joined = "".join(f"--b\nContent-Type: {part}\n" for part in parts)
    return f'Date: Mon, 05 Jan 2026 10:00:00 +0100\n{headers}Content-Type: multipart/report; boundary="b"\n\n{joined}--b--\n'.encode()


def plain(headers: str, text: str = "") -> bytes:
    return f"Date: Mon, 05 Jan 2026 10:00:00 +0100\n{headers}\n{text}".encode()


def read(raw: bytes, **options: object) -> Report:
    return reader.read(raw, msgspec.structs.replace(DEFAULT, **options))


FORMATS: list[tuple[bytes, str | None, Kind, int]] = [
    (mail(NOTICE, STATUS), "rfc3464", Kind.BOUNCE, 1),
    (mail(NOTICE, STATUS.replace("delivery-status", "global-delivery-status")), "rfc3464", Kind.BOUNCE, 1),
    (mail(NOTICE, STATUS.replace("failed", "delayed")), "rfc3464", Kind.DELAY, 1),
    (mail(NOTICE, STATUS.replace("failed", "relayed")), "rfc3464", Kind.DELIVERY, 1),
    (mail(NOTICE, STATUS, headers=f"{DAEMON}Subject: Postmaster Copy: Undelivered Mail\n"), "postfix-postmaster-copy", Kind.BOUNCE, 1),
    (mail(NOTICE, STATUS, headers=f"{DAEMON}Subject: Postmaster Warning: Delayed Mail\n"), "postfix-postmaster-copy", Kind.BOUNCE, 1),
    (mail(NOTICE, FEEDBACK, ORIGINAL), "rfc5965", Kind.COMPLAINT, 1),
    (mail(JMRP), "jmrp", Kind.COMPLAINT, 1),
    (mail(NOTICE, DISPOSITION), "rfc8098", Kind.RECEIPT, 1),
    (plain(f"{PERSON}Subject: unsubscribe\n"), "list-unsubscribe", Kind.UNSUBSCRIBE, 1),
    (plain(f"{PERSON}{REPLIED}Subject: Away\n"), "rfc3834", Kind.AUTO_REPLY, 1),
    (plain(f"{PERSON}TLS-Report-Domain: example.org\n"), "tls-report", Kind.OTHER, 0),
    (plain(f"{PERSON}Subject: Report Domain: example.org Submitter: example.com\n"), "dmarc-aggregate", Kind.OTHER, 0),
    (plain(f"{PERSON}Subject: Hello\n", "Hello"), None, Kind.OTHER, 0),
    (b"", None, Kind.OTHER, 0),
    (b"\x00\xff\n", None, Kind.OTHER, 0),
]


@pytest.mark.parametrize(("raw", "name", "kind", "count"), FORMATS)
def test_the_reader_that_finds_events_names_the_format(raw: bytes, name: str | None, kind: Kind, count: int) -> None:
    report = read(raw)
    assert (report.format, report.kind, len(report.events)) == (name, kind, count)
    assert all(event.verdict == UNJUDGED for event in report.events)


ORDER = [
    (mail(NOTICE, STATUS, FEEDBACK), "rfc5965"),  # a complaint that quotes fields of a bounce
    (mail(NOTICE, FEEDBACK, JMRP), "rfc5965"),
    (mail(NOTICE, DISPOSITION, STATUS), "rfc3464"),
    (mail(NOTICE, STATUS, headers=f"{DAEMON}{REPLIED}"), "rfc3464"),  # Postfix marks its bounces so
    (mail(NOTICE, STATUS, headers=f"{PERSON}Auto-Submitted: auto-generated\n"), "rfc3464"),
    (mail(NOTICE, STATUS, headers=f"{PERSON}{REPLIED}"), "rfc3834"),  # a reply in the dress of a bounce
    (mail(NOTICE, STATUS, headers=f"{DAEMON}Subject: unsubscribe\n"), "rfc3464"),
    (mail(NOTICE, DISPOSITION, headers=f"{PERSON}{REPLIED}"), "rfc8098"),
    (plain(f"{PERSON}{REPLIED}Subject: unsubscribe\n"), "list-unsubscribe"),
    (plain(f"{PERSON}{REPLIED}TLS-Report-Domain: example.org\n"), "rfc3834"),
]


@pytest.mark.parametrize(("raw", "name"), ORDER)
def test_the_stronger_evidence_is_asked_first(raw: bytes, name: str) -> None:
    assert read(raw).format == name


FIELDS: Final = "Hello,\n\nFinal-Recipient: rfc822; user@example.org\nAction: failed\n"


@pytest.mark.parametrize(
    ("headers", "name", "kind"),
    [
        (DAEMON, "rfc3464", Kind.BOUNCE),
        (f"Return-Path: <>\n{PERSON}", "rfc3464", Kind.BOUNCE),
        ("", "rfc3464", Kind.BOUNCE),
        (PERSON, None, Kind.OTHER),
        (f"Return-Path: <jo@example.org>\n{PERSON}", None, Kind.OTHER),
    ],
)
def test_fields_in_the_text_are_believed_only_of_a_mail_system(headers: str, name: str | None, kind: Kind) -> None:
    report = read(plain(headers, FIELDS))
    assert (report.format, report.kind, [defect.code for defect in report.defects]) == (name, kind, ["status-in-text"] if name else [])


@pytest.mark.parametrize(
    "text",
    [
        "550 5.1.1 user@example.org: user unknown",
        "Your message could not be delivered to user@example.org. Undelivered Mail Returned to Sender",
        "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no",
        "> Final-Recipient: rfc822; user@example.org\n> Action: failed",
    ],
)
def test_words_alone_make_no_bounce(text: str) -> None:
    report = read(plain(f"{PERSON}Subject: Undelivered Mail Returned to Sender\n", text))
    assert report == Report(kind=Kind.OTHER, parser="flanker")


def test_the_gravest_event_names_the_report() -> None:
    status = f"{STATUS.replace('failed', 'delayed')}\nFinal-Recipient: rfc822; two@example.org\nAction: failed\n"
    report = read(mail(NOTICE, status))
    assert (report.kind, [event.kind for event in report.events]) == (Kind.BOUNCE, [Kind.DELAY, Kind.BOUNCE])


def test_a_report_holds_all_that_a_mail_says() -> None:
    raw = mail(NOTICE, f"message/delivery-status\n\nOriginal-Envelope-Id: run+2B42\n\nStatus: x\n{STATUS.partition(chr(10) * 2)[2]}", ORIGINAL)
    assert reader.read(raw, Settings(keep_headers=("X-RUN", "Subject", "x-none")), "box.mbox:17") == Report(
        source="box.mbox:17",
        kind=Kind.BOUNCE,
        events=(Event(kind=Kind.BOUNCE, recipient="user@example.org", action="failed", occurred_at=DATE),),
        format="rfc3464",
        parser="flanker",
        defects=(Defect("bad-status", "x"),),
        original=Original(
            message_id="<one@lists.example.com>",
            from_="List <list@lists.example.com>",
            to="list@lists.example.com",
            subject="café",
            list_id="<list.example.com>",
            envid="run+42",
            headers=(("Subject", "café"), ("X-Run", "1"), ("x-run", "2")),
        ),
    )


@pytest.mark.parametrize(
    ("parts", "original"),
    [
        ([NOTICE, STATUS], None),
        ([NOTICE, STATUS.replace("Final", "Original-Envelope-Id: 42\n\nFinal", 1)], Original(envid="42")),
        ([NOTICE, STATUS, "message/rfc822\n\n\nno headers"], Original()),
        ([NOTICE, STATUS, "message/rfc822\n\nSubject: a\nSubject: b\n"], Original(subject="a")),
    ],
)
def test_the_original_is_what_came_back(parts: list[str], original: Original | None) -> None:
    assert read(mail(*parts)).original == original


@pytest.mark.parametrize("parser", PARSERS)
def test_the_report_names_the_parser(parser: str) -> None:
    assert read(mail(NOTICE, STATUS, ORIGINAL), parser=parser) == msgspec.structs.replace(read(mail(NOTICE, STATUS, ORIGINAL)), parser=parser)


def test_a_mail_with_a_leading_mbox_line_reads_the_same() -> None:
    raw = mail(NOTICE, STATUS, ORIGINAL)
    assert read(b"From MAILER-DAEMON Mon Jan  5 10:00:00 2026\n" + raw) == read(raw)
    assert read(b">From MAILER-DAEMON Mon Jan  5 10:00:00 2026\n" + raw) == read(raw)


def test_a_mail_that_was_cut_says_so() -> None:
    report = reader.read(mail(NOTICE, STATUS), Settings(limits=Limits(head=5000)), cut=True)
    assert (report.kind, report.defects) == (Kind.BOUNCE, (Defect("message-too-large", "read up to byte 5000"),))


def test_a_postmaster_copy_that_was_forwarded_is_one_all_the_same() -> None:
    inner = mail(NOTICE, STATUS, headers=f"{DAEMON}Subject: Postmaster Copy: Undelivered Mail\n").decode()
    outer = f'{PERSON}Subject: Fwd\nContent-Type: multipart/mixed; boundary="o"\n\n--o\nContent-Type: message/rfc822\n\n{inner}\n--o--\n'
    report = read(outer.encode())
    assert (report.kind, report.format, [event.occurred_at for event in report.events]) == (Kind.BOUNCE, "postfix-postmaster-copy", [DATE])


@pytest.mark.parametrize(
    ("head", "defects"),
    [
        (b"From: MAILER-DAEMON@mx.example.org\nSubject: failure notice", (Defect("unread-notice", "failure notice"),)),
        (b"Return-Path: <>\nFrom: Ann <ann@example.org>\nSubject: gone", (Defect("unread-notice", "gone"),)),
        (b"From: Ann <ann@example.org>\nSubject: failure notice", ()),
    ],
)
def test_a_notice_that_no_reader_knows_is_marked_and_not_lost(head: bytes, defects: tuple[Defect, ...]) -> None:
    report = reader.read(head + b"\n\nSorry, it did not work out.\n", Settings())
    assert (report.kind, report.events, report.format, report.defects) == ("other", (), None, defects)
