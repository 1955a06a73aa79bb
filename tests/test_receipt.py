from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceclass import receipt
from bounceclass.message import Message
from bounceclass.model import Event, Kind
from bounceclass.settings import Limits, Settings

FIELDS: Final = """Reporting-UA: desk.example.org; Heron Mail 4.2
Original-Recipient: rfc822;user@example.org
Final-Recipient: rfc822;final@example.org
Original-Message-ID: <one@example.com>
Disposition: manual-action/MDN-sent-manually; displayed
"""
EVENT: Final = Event(
    kind=Kind.RECEIPT,
    recipient="final@example.org",
    original_recipient="user@example.org",
    reporting_mta="desk.example.org",
    label="displayed",
    occurred_at=datetime(2026, 1, 5, 9, 0, tzinfo=UTC),
)
AUTOMATIC: Final = "automatic-action/MDN-sent-automatically; deleted"


def report(fields: str = FIELDS, notice: str = "It was shown.", subject: str = "Read: x") -> str:
    return f"""Date: Mon, 05 Jan 2026 10:00:00 +0100
From: user@example.org
Subject: {subject}
Content-Type: multipart/report; report-type=disposition-notification; boundary="b"

--b

{notice}
--b
Content-Type: message/disposition-notification

{fields}
--b--
"""


def read(fields: str = FIELDS, notice: str = "It was shown.", subject: str = "Read: x", limits: Limits | None = None) -> list[Event]:
    return receipt.read(Message(report(fields, notice, subject).encode(), Settings(limits=limits or Limits())))


def changed(**fields: object) -> Event:
    return msgspec.structs.replace(EVENT, **fields)


def with_disposition(value: str) -> str:
    return FIELDS.replace("manual-action/MDN-sent-manually; displayed", value)


CASES: list[tuple[str, Event]] = [
    (FIELDS, EVENT),
    (FIELDS.replace("\n", "\n\n"), EVENT),
    (FIELDS.replace("Final-", "X-Final-"), changed(recipient="user@example.org")),
    (FIELDS.replace("Original-R", "X-Original-R"), changed(original_recipient=None)),
    (FIELDS.replace("Reporting-UA", "X-UA"), changed(reporting_mta=None)),
    (FIELDS.replace("; Heron Mail 4.2", ""), EVENT),
    (FIELDS.replace("desk.example.org; Heron", "desk.example.org (room 5); Heron"), EVENT),
    (with_disposition("automatic-action/MDN-sent-automatically; processed"), changed(label="processed")),
    (with_disposition("manual-action/MDN-sent-manually;Displayed/error"), changed(label="displayed")),
    (with_disposition("displayed"), changed(label="displayed")),
    (with_disposition(""), changed(label=None)),
    ("", Event(kind=Kind.RECEIPT, occurred_at=EVENT.occurred_at)),
    ("rubbish", Event(kind=Kind.RECEIPT, occurred_at=EVENT.occurred_at)),
]


@pytest.mark.parametrize(("fields", "event"), CASES)
def test_a_disposition_notification_is_a_receipt(fields: str, event: Event) -> None:
    assert read(fields) == [event]


def test_a_reporting_agent_without_a_dot_in_its_name_is_named_all_the_same() -> None:
    assert read(FIELDS.replace("desk.example.org", "desk")) == [changed(reporting_mta="desk")]


def test_mail_without_a_disposition_notification_is_no_receipt() -> None:
    assert receipt.read(Message(report().replace("message/disposition-notification", "text/plain").encode(), Settings())) == []


REFUSALS = [
    ("Your message was automatically rejected:\nno such user", "Rejected: x", "no such user", None, None),
    ("Your message to <a@example.org> was rejected:\n\n  552 5.2.2\n  Quota exceeded", "x", "552 5.2.2 Quota exceeded", 552, "5.2.2"),
    ("The message was refused by the recipient's filter: not wanted", "x", "not wanted", None, None),
    ("Quota exceeded (mailbox for user is full)", "Rejected: x", "Quota exceeded (mailbox for user is full)", None, None),
    ("550 5.1.1 nobody here", "Automatically rejected mail", "550 5.1.1 nobody here", 550, "5.1.1"),
]


@pytest.mark.parametrize(("notice", "subject", "diagnostic", "reply_code", "status"), REFUSALS)
@pytest.mark.parametrize("disposition", [AUTOMATIC, AUTOMATIC.upper()])
def test_a_refusal_in_the_dress_of_a_receipt_is_a_bounce(
    notice: str, subject: str, diagnostic: str, reply_code: int | None, status: str | None, disposition: str
) -> None:
    fields = with_disposition(disposition).replace("DISPOSITION", "Disposition")
    event = changed(kind=Kind.BOUNCE, label="deleted", diagnostic=diagnostic, reply_code=reply_code, enhanced_status=status)
    assert read(fields, notice, subject) == [event]


@pytest.mark.parametrize(
    ("disposition", "notice", "subject"),
    [
        ("manual-action/MDN-sent-manually; deleted", "Your message was rejected: by hand", "Rejected: x"),
        (AUTOMATIC, "Your message was deleted without being read.", "Not read: x"),
        ("automatic-action/MDN-sent-automatically; displayed", "Your message was rejected: no", "Rejected: x"),
    ],
)
def test_words_and_disposition_must_agree_on_a_refusal(disposition: str, notice: str, subject: str) -> None:
    (event,) = read(with_disposition(disposition), notice, subject)
    assert (event.kind, event.diagnostic) == (Kind.RECEIPT, None)


def test_a_refusal_without_words_has_no_diagnostic() -> None:
    assert read(with_disposition(AUTOMATIC), "", "Rejected: x") == [changed(kind=Kind.BOUNCE, label="deleted")]


def test_the_words_of_a_refusal_are_cut_at_the_limit() -> None:
    (event,) = read(with_disposition(AUTOMATIC), "It was rejected: no such user", "x", Limits(diagnostic=7))
    assert event.diagnostic == "no such"


def test_nul_bytes_are_no_part_of_an_address() -> None:
    assert read(FIELDS.replace("final@", "fi\x00nal@")) == [EVENT]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_notification_is_a_receipt_or_a_bounce(disposition: str, notice: str) -> None:
    events = read(with_disposition(disposition.replace("--b", "")), notice.replace("--b", ""))
    assert [event.kind in {Kind.RECEIPT, Kind.BOUNCE} for event in events] == [True]
