from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceclass import dsn
from bounceclass.message import Message
from bounceclass.model import Defect, Event, Kind
from bounceclass.settings import Limits, Settings
from tests.statusparts import ABOUT, BARE, DATE, EVENT, GROUP, changed, message, read, report


def test_a_group_is_an_event() -> None:
    read_from = message(report(ABOUT + GROUP))
    assert (dsn.read(read_from), read_from.defects) == ([EVENT], ())


# --- what happened

ACTIONS = [
    ("Action: failed\n", Kind.BOUNCE, "failed"),
    ("Action: Failed\n", Kind.BOUNCE, "failed"),
    ("Action : failed\n", Kind.BOUNCE, "failed"),
    ("action:failed (it really did)\n", Kind.BOUNCE, "failed"),
    ("Action: delayed\n", Kind.DELAY, "delayed"),
    ("Action: delivered\n", Kind.DELIVERY, "delivered"),
    ("Action: relayed\n", Kind.DELIVERY, "relayed"),
    ("Action: expanded (to list)\n", Kind.DELIVERY, "expanded"),
    ("Action: deliverable\n", Kind.DELIVERY, "deliverable"),
    ("Action: undeliverable\n", Kind.BOUNCE, "undeliverable"),
    ("Action: undelivered\n", Kind.BOUNCE, "undelivered"),
    ("Action:\n", Kind.BOUNCE, None),
    ("", Kind.BOUNCE, None),
    ("Status: 5.0.0\n", Kind.BOUNCE, None),
    ("Status: 2.0.0\n", Kind.DELIVERY, None),
    ("Action: failed\nStatus: 2.0.0\n", Kind.BOUNCE, "failed"),
    ("Action: delayed\nStatus: 5.0.0\n", Kind.DELAY, "delayed"),
    ("Action: delayed\nAction: failed\n", Kind.DELAY, "delayed"),
]


@pytest.mark.parametrize(("fields", "kind", "action"), ACTIONS)
def test_the_action_says_what_happened(fields: str, kind: Kind, action: str | None) -> None:
    (event,) = read(f"{ABOUT}Final-Recipient: rfc822; user@example.org\n{fields}")
    assert (event.kind, event.action) == (kind, action)


def test_a_return_receipt_without_a_group_is_a_delivery() -> None:
    (event,) = read(ABOUT, headers="Auto-Submitted: auto-generated (return-receipt)\n")
    assert event == Event(kind=Kind.DELIVERY, reporting_mta="mx.example.com", occurred_at=DATE)


# --- who

WHO = [
    ("Final-Recipient: rfc822; a@example.org\n", "a@example.org", None),
    ("Final-Recipient: rfc822; a@example.org\nOriginal-Recipient: rfc822; b@example.net\n", "a@example.org", "b@example.net"),
    ("Original-Recipient: rfc822; b@example.net\nFinal-Recipient: rfc822; a@example.org\n", "a@example.org", "b@example.net"),
    ("Original-Recipient: rfc822;b+2Bc+3Dd@example.net\nFinal-Recipient: rfc822;a@example.org\n", "a@example.org", "b+c=d@example.net"),
    ("Original-Recipient: rfc822; b@example.net\n", "b@example.net", "b@example.net"),
    ("Final-Recipient: rfc822; <>\nOriginal-Recipient: rfc822; b@example.net\n", "b@example.net", "b@example.net"),
    ("Final-Recipient: rfc822;\nX-Actual-Recipient: rfc822; c@example.org\n", "c@example.org", None),
    ("Action: failed\nFinal-Recipient: rfc822;a@example.org\n", "a@example.org", None),
    ("Final-Recipient: utf-8; \\x{D55C}@example.org\n", "한@example.org", None),
    ("Final-Recipient: utf-8; 한@example.org\n", "한@example.org", None),
    ("Final-Recipient: rfc822; a\x00@example.org\n", "a@example.org", None),
]


@pytest.mark.parametrize(("fields", "recipient", "original"), WHO)
def test_the_final_recipient_is_who_is_named(fields: str, recipient: str, original: str | None) -> None:
    assert [(event.recipient, event.original_recipient) for event in read(ABOUT + fields)] == [(recipient, original)]


SEVERAL = [
    (f"{ABOUT}{GROUP}\n{GROUP.replace('user@', 'two@')}", ["user@example.org", "two@example.org"]),
    (f"{ABOUT}{GROUP}{GROUP.replace('user@', 'two@')}", ["user@example.org", "two@example.org"]),
    (f"{GROUP}\n\n\n{GROUP.replace('user@', 'two@')}", ["user@example.org", "two@example.org"]),
    (f"{ABOUT}{GROUP}\n{GROUP}", ["user@example.org", "user@example.org"]),
    (f"Reporting-MTA: dns; mx.example.com\n{GROUP}", ["user@example.org"]),
    (ABOUT + GROUP.replace("\n", "\n\n"), ["user@example.org"]),
]


@pytest.mark.parametrize(("status", "names"), SEVERAL)
def test_each_group_is_an_event_however_it_is_set_apart(status: str, names: list[str]) -> None:
    events = read(status)
    assert [changed(event, reporting_mta="mx.example.com") for event in events] == [changed(recipient=name) for name in names]


def test_fields_of_one_recipient_never_reach_another() -> None:
    events = read(f"{ABOUT}Final-Recipient: rfc822; one@example.org\n\n{GROUP}")
    assert events == [changed(BARE, recipient="one@example.org", action=None, enhanced_status=None), EVENT]


def test_two_status_parts_are_read_both() -> None:
    mail = report(ABOUT + GROUP).replace("--b--", f"--b\nContent-Type: message/delivery-status\n\n{GROUP}\n--b--")
    assert dsn.read(message(mail)) == [EVENT, changed(reporting_mta=None)]


@pytest.mark.parametrize(("limit", "count", "defects"), [(3, 3, ()), (2, 2, (Defect("too-many-recipients", "read 2"),))])
def test_recipients_beyond_the_limit_are_a_defect(limit: int, count: int, defects: tuple[Defect, ...]) -> None:
    read_from = message(report(ABOUT + "\n".join([GROUP] * 3)), Limits(recipients=limit))
    assert (dsn.read(read_from), read_from.defects) == ([EVENT] * count, defects)


NO_GROUP: Final = Defect("no-recipient-group", "delivery-status, without a field of one")
FROM_TEXT: Final = Defect("recipient-from-text", "")
NOBODY: Final = Event(kind=Kind.BOUNCE, reporting_mta="mx.example.com", occurred_at=DATE)


@pytest.mark.parametrize(
    ("status", "notice", "headers", "events", "defects"),
    [
        (ABOUT, "", "", [NOBODY], (NO_GROUP,)),
        ("", "", "", [changed(NOBODY, reporting_mta=None)], (NO_GROUP,)),
        ("rubbish", "", "", [changed(NOBODY, reporting_mta=None)], (NO_GROUP,)),
        (ABOUT, "not delivered to a@example.org", "", [changed(NOBODY, recipient="a@example.org")], (NO_GROUP, FROM_TEXT)),
        (ABOUT, "not to a@example.org, not to b@example.org", "", [NOBODY], (NO_GROUP,)),
        (ABOUT, "owner@lists.example.com, we could not deliver", "", [NOBODY], (NO_GROUP,)),
        (ABOUT, "", "X-Failed-Recipients: a@example.org, <b@example.org>\n", [changed(NOBODY, recipient=f"{x}@example.org") for x in "ab"], (NO_GROUP,)),
        (ABOUT, "a@example.org", "X-Failed-Recipients: b@example.org\n", [changed(NOBODY, recipient="b@example.org")], (NO_GROUP,)),
        ("Action: failed\nStatus: 5.1.1\n", "", "", [changed(NOBODY, action="failed", enhanced_status="5.1.1", reporting_mta=None)], (Defect("no-recipient-group", "delivery-status"),)),
    ],
)
def test_a_status_part_without_a_group_is_an_event_all_the_same(
    status: str, notice: str, headers: str, events: list[Event], defects: tuple[Defect, ...]
) -> None:
    read_from = message(report(status, notice, headers))
    assert (dsn.read(read_from), read_from.defects) == (events, defects)


def test_what_was_accepted_is_a_delivery_where_no_action_says_so() -> None:
    (event,) = read("Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; jo@example.org\n", "<jo@example.org>: delivery via mx.example.org: 250 2.0.0 OK")
    assert (event.kind, event.reply_code) == (Kind.DELIVERY, 250)
    (event,) = read("Final-Recipient: rfc822; jo@example.org\nStatus: 5.4.7\nDiagnostic-Code: smtp; 250 2.1.5 OK\n")
    assert event.kind == Kind.BOUNCE


def test_the_header_names_who_a_local_name_is() -> None:
    header = "X-Failed-Recipients: other@example.org\n"
    assert [event.recipient for event in read(GROUP.replace("user@example.org", "user"), headers=header)] == ["other@example.org"]
    assert [event.recipient for event in read(GROUP, headers=header)] == ["user@example.org"]


# --- why: which code is believed

CODES = [
    # Status, Diagnostic-Code, reply code, enhanced status, diagnostic, its type
    ("5.1.1", "smtp; 550 5.1.1 no", 550, "5.1.1", "550 5.1.1 no", "smtp"),
    ("5.0.0", "smtp; 550 5.1.1 no", 550, "5.1.1", "550 5.1.1 no", "smtp"),
    ("5.1.1", "smtp; 550 5.0.0 no", 550, "5.1.1", "550 5.0.0 no", "smtp"),
    ("5.2.0", "smtp; 450 4.2.1 no", 450, "4.2.1", "450 4.2.1 no", "smtp"),
    ("5.2.0", "smtp; 450 no", 450, "5.2.0", "450 no", "smtp"),
    ("5.0.0", "smtp; 550 4.0.0 no", 550, "4.0.0", "550 4.0.0 no", "smtp"),
    ("4.4.7", "X-Postfix; delivery temporarily suspended", None, "4.4.7", "delivery temporarily suspended", "x-postfix"),
    ("5.1.2 (550 5.1.2 unknown domain)", None, 550, "5.1.2", "550 5.1.2 unknown domain", None),
    ("5.1.2 (bad system)", "smtp; 550 no", 550, "5.1.2", "550 no", "smtp"),
    ("5.01.001", None, None, "5.1.1", None, None),
    ("(5.1.1)", None, None, "5.1.1", None, None),
    (None, "smtp; 550 5.1.1 no", 550, "5.1.1", "550 5.1.1 no", "smtp"),
    (None, "smtp; 550 no", 550, None, "550 no", "smtp"),
    (None, "550 no", 550, None, "550 no", None),
    (None, None, None, None, None, None),
    ("5.1.1", "", None, "5.1.1", None, None),
    ("5.1.1", "smtp;", None, "5.1.1", None, "smtp"),
    ("5.1.1", "smtp; 550-5.1.1 a\n 550 5.1.1   b", 550, "5.1.1", "550-5.1.1 a 550 5.1.1 b", "smtp"),
]


@pytest.mark.parametrize(("status", "said", "reply_code", "enhanced_status", "diagnostic", "kind"), CODES)
def test_the_more_specific_code_is_believed(
    status: str | None, said: str | None, reply_code: int | None, enhanced_status: str | None, diagnostic: str | None, kind: str | None
) -> None:
    fields = "".join(f"{name}: {value}\n" for name, value in (("Status", status), ("Diagnostic-Code", said)) if value is not None)
    (event,) = read(f"{ABOUT}Final-Recipient: rfc822; user@example.org\nAction: failed\n{fields}")
    assert event == changed(BARE, reply_code=reply_code, enhanced_status=enhanced_status, diagnostic=diagnostic, diagnostic_type=kind)


@pytest.mark.parametrize(("status", "found"), [("failed: 5.1.1", "5.1.1"), ("rubbish", None), ("6.1.1", None), ("192.0.2.1", None)])
def test_a_status_that_is_none_is_a_defect(status: str, found: str | None) -> None:
    read_from = message(report(GROUP.replace("Status: 5.1.1", f"Status: {status}").replace("550 5.1.1 No", "550 No")))
    (event,) = dsn.read(read_from)
    assert (event.enhanced_status, read_from.defects) == (found, (Defect("bad-status", status),))


@pytest.mark.parametrize(("limit", "diagnostic"), [(22, "550 5.1.1 No such user"), (12, "550 5.1.1 No")])
def test_a_diagnostic_is_cut_at_its_limit(limit: int, diagnostic: str) -> None:
    (event,) = dsn.read(message(report(ABOUT + GROUP), Limits(diagnostic=limit)))
    assert event.diagnostic == diagnostic


def test_a_cut_diagnostic_is_a_defect() -> None:
    read_from = message(report(ABOUT + GROUP), Limits(diagnostic=12))
    dsn.read(read_from)
    assert len(read_from.defects) == 1


# --- where and when


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("dns; mx.example.org", "mx.example.org"),
        ("DNS;MX.Example.ORG.", "MX.Example.ORG"),
        ("dns; mx.example.org (192.0.2.1)", "mx.example.org"),
        ("mx.example.org", "mx.example.org"),
        ("dns; [192.0.2.1]", "[192.0.2.1]"),
        ("dns;", None),
        ("dns; .", None),
    ],
)
def test_a_host_is_named_without_its_trimmings(value: str, host: str | None) -> None:
    (event,) = read(f"Reporting-MTA: {value}\n\nFinal-Recipient: rfc822; user@example.org\nRemote-MTA: {value}\n")
    assert (event.remote_mta, event.reporting_mta) == (host, host)


BAD: Final = "bad-date"
DATES = [
    ("Mon, 05 Jan 2026 12:00:00 +0100", datetime(2026, 1, 5, 11, 0, tzinfo=UTC), ()),
    ("Mon, 5 Jan 2026 11:00:00 GMT", datetime(2026, 1, 5, 11, 0, tzinfo=UTC), ()),
    ("5 Jan 2026 06:00 -0500 (EST)", datetime(2026, 1, 5, 11, 0, tzinfo=UTC), ()),
    ("", DATE, ()),
    ("Mon, 05 Jan 2026 12:00:00 -0000", datetime(2026, 1, 5, 12, 0, tzinfo=UTC), ()),  # RFC 5322 3.3: UTC, of a zone unknown
    ("Mon, 05 Jan 2026 12:00:00", None, (BAD,)),
    ("yesterday", None, (BAD,)),
    ("Mon, 35 Jan 2026 12:00:00 +0100", None, (BAD,)),
    ("Fri, 31 Dec 9999 23:59:59 -1200", None, (BAD,)),
    ("Mon, 05 Jan 2026 12:00:00 +9999999999", None, (BAD,)),
    ("Mon, 05 Jan 99999999999 12:00:00 +0100", None, (BAD,)),
]


@pytest.mark.parametrize(("value", "when", "codes"), DATES)
def test_a_time_is_given_in_utc_or_not_at_all(value: str, when: datetime | None, codes: tuple[str, ...]) -> None:
    read_from = message(report(f"{ABOUT}{GROUP}Last-Attempt-Date: {value}\n"))
    assert dsn.read(read_from) == [changed(occurred_at=when)]
    assert tuple(defect.code for defect in read_from.defects) == codes


# --- fields outside their part

IN_TEXT = [
    ("It failed.\n\n" + ABOUT + GROUP, EVENT),
    ("It failed.\n\n" + GROUP, changed(reporting_mta=None)),
    ("final-recipient: rfc822; user@example.org\naction: failed\n", changed(BARE, enhanced_status=None, reporting_mta=None)),
]


@pytest.mark.parametrize(("notice", "event"), IN_TEXT)
def test_fields_in_the_text_are_read_where_there_is_no_status_part(notice: str, event: Event) -> None:
    read_from = message(f"From: mailer-daemon@mx.example.com\nDate: Mon, 05 Jan 2026 10:00:00 +0100\n\n{notice}")
    assert (dsn.has_fields(read_from), dsn.read(read_from), read_from.defects) == (True, [event], (Defect("status-in-text", ""),))


RETURNED: Final = """Return-Path: <owner@lists.example.com>
Message-ID: <1@lists.example.com>
MIME-Version: 1.0
Content-Type: message/delivery-status

Final-Recipient: rfc822; other@elsewhere.example
Action: failed
Status: 5.1.1
"""


def test_fields_of_a_mail_that_the_text_returns_are_not_the_notices() -> None:
    mail = Message(f"From: MAILER-DAEMON@mx.example.com\n\nuser@example.org: 552 full\n\n{RETURNED}".encode(), Settings())
    assert not dsn.has_fields(mail)
    assert dsn.has_fields(mail, returned=True)
    (event,) = dsn.read(mail, returned=True)
    assert event.recipient == "other@elsewhere.example"


def test_utf_8_that_was_encoded_twice_is_read() -> None:
    said = "550 宛先".encode().decode("latin-1")
    status = f"Final-Recipient: rfc822; user@example.org\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; {said}\n"
    (event,) = read(ABOUT + status)
    assert event.diagnostic == "550 宛先"


@pytest.mark.parametrize("notice", ["", "Final-Recipient is unknown", "the Final-Recipient: x", "Action: failed\nStatus: 5.1.1"])
def test_other_text_holds_no_fields(notice: str) -> None:
    read_from = message(f"From: mailer-daemon@mx.example.com\n\n{notice}")
    assert (dsn.has_fields(read_from), dsn.read(read_from), read_from.defects) == (False, [], ())


@pytest.mark.parametrize(
    ("status", "envid"),
    [
        ("Original-Envelope-Id: run+2B42+3D2026\nReporting-MTA: dns; mx.example.com\n\n" + GROUP, "run+42=2026"),
        ("original-envelope-id:QQ314159\n\n" + GROUP, "QQ314159"),
        ("Original-Envelope-Id:\n\n" + GROUP, None),
        (ABOUT + GROUP + "Original-Envelope-Id: not here\n", None),
        (ABOUT + GROUP, None),
        ("", None),
    ],
)
def test_the_envelope_id_is_one_of_the_fields_about_the_message(status: str, envid: str | None) -> None:
    assert dsn.envid(message(report(status))) == envid


FIELDS = st.sampled_from(
    [
        "Final-Recipient: rfc822; a@example.org", "Original-Recipient: rfc822;b@example.org", "Action: failed", "Action: delayed", "Status: 5.1.1",
        "Status: 4.4.1 (x)", "Diagnostic-Code: smtp; 550 5.1.1 no", "Diagnostic-Code: X-Unix; 67", " folded", "junk", "", "Reporting-MTA: dns; mx",
        "Remote-MTA: dns;", "X-Odd: y",
    ]
)  # fmt: skip


@given(st.lists(FIELDS | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=20), max_size=12))
@settings(max_examples=150, deadline=None)
def test_any_status_part_gives_an_event_for_each_final_recipient_and_one_at_least(lines: list[str]) -> None:
    events = read("\n".join(line for line in lines if not line.startswith("--b")))
    assert len(events) >= max(1, sum(line.startswith("Final-Recipient: rfc822; a@") for line in lines if "\n" not in line))
    assert {event.kind for event in events} <= {Kind.BOUNCE, Kind.DELAY, Kind.DELIVERY}
