from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceclass import feedback
from bounceclass.engine import Engine
from bounceclass.message import Message
from bounceclass.model import Event, Kind
from bounceclass.settings import DEFAULT

DATE: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
FIELDS: Final = """Feedback-Type: abuse
User-Agent: Loop/1
Version: 1
Original-Rcpt-To: <user@example.org>
Reporting-MTA: dns; fbl.example.org
Arrival-Date: Sun, 04 Jan 2026 10:00:00 +0000
"""
EVENT: Final = Event(
    kind=Kind.COMPLAINT, recipient="user@example.org", label="abuse", reporting_mta="fbl.example.org", occurred_at=datetime(2026, 1, 4, 10, 0, tzinfo=UTC)
)
RETURNED: Final = "From: list@lists.example.com\nTo: someone.else@example.org\nSubject: x\n"


def mail(*parts: str) -> str:
    joined = "".join(f"--b\nContent-Type: {part}\n" for part in parts)
    return f'Date: Mon, 05 Jan 2026 10:00:00 +0100\nFrom: fbl@example.org\nContent-Type: multipart/report; boundary="b"\n\n{joined}--b--\n'


def report(fields: str = FIELDS, returned: str = RETURNED) -> str:
    return mail("text/plain\n\nA complaint.\n", f"message/feedback-report\n\n{fields}", f"message/rfc822\n\n{returned}\n")


def message(text: str) -> Message:
    return Message(text.encode(), DEFAULT)


def changed(**fields: object) -> Event:
    return msgspec.structs.replace(EVENT, **fields)


CASES: list[tuple[str, list[Event]]] = [
    (FIELDS, [EVENT]),
    (FIELDS.upper().replace("<USER@EXAMPLE.ORG>", "user@example.org"), [changed(reporting_mta="FBL.EXAMPLE.ORG")]),
    (FIELDS.replace("abuse", "Not-Spam"), [changed(label="not-spam")]),
    (FIELDS.replace("abuse", "fraud (phishing)"), [changed(label="fraud")]),
    (FIELDS.replace("abuse", ""), [changed(label=None)]),
    (FIELDS.replace("Feedback-Type: abuse\n", ""), [changed(label=None)]),
    (FIELDS.replace("Version", "Feedback-Type: virus\nVersion"), [EVENT]),
    (FIELDS.replace("\nUser", "\n\nUser"), [EVENT]),  # a blank line within the block
    (FIELDS.replace("Original-Rcpt-To", "Removal-Recipient"), [EVENT]),
    (FIELDS.replace("<user@", "rfc822; <user@"), [EVENT]),
    (FIELDS + "Original-Rcpt-To: two@example.org\n", [EVENT, changed(recipient="two@example.org")]),
    (FIELDS + "Original-Rcpt-To: user@example.org\n", [EVENT]),
    (FIELDS + "Removal-Recipient: user@example.org\n", [EVENT]),
    (FIELDS.replace("<user@example.org>", "<redacted@example.org>"), [changed(recipient=None)]),
    (FIELDS.replace("<user@example.org>", "[Redacted]@example.org"), [changed(recipient=None)]),
    (FIELDS.replace("<user@example.org>", "user"), [changed(recipient=None)]),
    (FIELDS.replace("Original-Rcpt-To: <user@example.org>\n", "Original-Mail-From: <list@lists.example.com>\n"), [changed(recipient=None)]),
    (FIELDS.replace("Arrival-Date", "Received-Date"), [EVENT]),
    (FIELDS.replace("Arrival-Date", "X-Date"), [changed(occurred_at=DATE)]),
    (FIELDS.replace("+0000", ""), [changed(occurred_at=None)]),
    (FIELDS.replace("Reporting-MTA", "X-MTA"), [changed(reporting_mta=None)]),
    ("", [Event(kind=Kind.COMPLAINT, occurred_at=DATE)]),
    ("rubbish", [Event(kind=Kind.COMPLAINT, occurred_at=DATE)]),
]


@pytest.mark.parametrize(("fields", "events"), CASES)
def test_a_feedback_report_is_a_complaint_of_whom_it_names(fields: str, events: list[Event]) -> None:
    assert feedback.read(message(report(fields))) == events


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_an_encoded_feedback_report_is_read(encoding: str) -> None:
    fields = FIELDS.encode()
    body = {"base64": base64.encodebytes(fields + b"\n" * (-len(fields) % 3)), "quoted-printable": fields.replace(b"=", b"=3D")}[encoding]
    part = f"message/feedback-report\nContent-Transfer-Encoding: {encoding}\n\n{body.decode()}"
    assert feedback.read(message(mail(part))) == [EVENT]


def test_mail_without_a_feedback_report_is_no_complaint() -> None:
    text = mail(f"text/plain\n\n{FIELDS}", f"message/rfc822\n\n{RETURNED}")
    assert (feedback.read(message(text)), feedback.read_jmrp(message(text))) == ([], [])


def test_a_comment_behind_the_reporting_host_is_no_part_of_it() -> None:
    assert feedback.read(message(report(FIELDS.replace("dns; fbl.example.org", "dns; fbl.example.org (loop 2)")))) == [EVENT]


def test_nul_bytes_are_no_part_of_an_address() -> None:
    assert feedback.read(message(report(FIELDS.replace("user@", "us\x00er@")))) == [EVENT]


# --- Microsoft's JMRP


@pytest.mark.parametrize(
    ("header", "recipient"),
    [
        ("X-HmXmrOriginalRecipient: user@example.org\n", "user@example.org"),
        ("x-hmxmroriginalrecipient: <user@example.org>\n", "user@example.org"),
        ("X-HmXmrOriginalRecipient:\n", None),
    ],
)
def test_a_jmrp_report_names_who_complained_in_the_original(header: str, recipient: str | None) -> None:
    text = mail(f"message/rfc822\n\n{header}{RETURNED}")
    assert feedback.read_jmrp(message(text)) == [Event(kind=Kind.COMPLAINT, recipient=recipient, label="abuse", occurred_at=DATE)]


def test_the_header_of_a_jmrp_report_means_nothing_on_the_mail_itself() -> None:
    assert feedback.read_jmrp(message(f"X-HmXmrOriginalRecipient: user@example.org\n{mail(f'message/rfc822{chr(10) * 2}{RETURNED}')}")) == []


def test_a_bounce_of_a_mail_with_that_header_is_a_bounce() -> None:
    """Whoever writes a mail may put the header into it; its bounce must not become a complaint of somebody else."""
    status = "message/delivery-status\n\nFinal-Recipient: rfc822; gone@example.org\nAction: failed\nStatus: 5.1.1\n"
    text = mail("text/plain\n\nIt failed.\n", status, f"message/rfc822\n\nX-HmXmrOriginalRecipient: victim@example.net\n{RETURNED}")
    report_of = Engine().classify(text.encode())
    assert [(event.kind, event.recipient) for event in report_of.events] == [(Kind.BOUNCE, "gone@example.org")]


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        (FIELDS, ["suppress"]),
        (FIELDS.replace("abuse", "opt-out"), ["suppress"]),
        (FIELDS.replace("<user@", "<redacted@"), ["review"]),
        (FIELDS + "Original-Rcpt-To: two@example.org\n", ["review", "review"]),
    ],
)
def test_only_a_complaint_of_exactly_one_person_suppresses(engine: Engine, fields: str, advice: list[str]) -> None:
    assert [str(event.verdict.advice) for event in engine.classify(report(fields).encode()).events] == advice


LINES = st.sampled_from(
    ["Feedback-Type: abuse", "Original-Rcpt-To: <a@example.org>", "Original-Rcpt-To: <b@example.org>", "Removal-Recipient: x", "", " folded", "Arrival-Date: x"]
)


@given(st.lists(LINES | st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=10))
@settings(max_examples=100, deadline=None)
def test_any_feedback_report_is_one_complaint_at_least_and_one_a_person(lines: list[str]) -> None:
    events = feedback.read(message(report("\n".join(line for line in lines if not line.startswith("--b")))))
    names = [event.recipient for event in events]
    assert {event.kind for event in events} == {Kind.COMPLAINT}
    assert len(set(names)) == len(names)
    assert None not in names or names == [None]
