from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceclass import dsn
from bounceclass.message import Message
from bounceclass.model import Defect, Event, Kind
from bounceclass.settings import Limits, Settings

DATE: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ABOUT: Final = "Reporting-MTA: dns; mx.example.com\n\n"
GROUP: Final = """Final-Recipient: rfc822; user@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 5.1.1 No such user
"""
EVENT: Final = Event(
    kind=Kind.BOUNCE,
    recipient="user@example.org",
    action="failed",
    reply_code=550,
    enhanced_status="5.1.1",
    diagnostic="550 5.1.1 No such user",
    diagnostic_type="smtp",
    remote_mta="mx.example.org",
    reporting_mta="mx.example.com",
    occurred_at=DATE,
)
BARE: Final = msgspec.structs.replace(EVENT, reply_code=None, diagnostic=None, diagnostic_type=None, remote_mta=None)


def report(status: str, notice: str = "", headers: str = "", kind: str = "delivery-status") -> str:
    return f"""Date: Mon, 05 Jan 2026 10:00:00 +0100
From: Mail Delivery System <mailer-daemon@mx.example.com>
To: owner@lists.example.com
{headers}Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

{notice}
--b
Content-Type: message/{kind}

{status}
--b--
"""


def message(mail: str, limits: Limits | None = None) -> Message:
    return Message(mail.encode(), Settings(limits=limits or Limits()))


def read(status: str, notice: str = "", headers: str = "") -> list[Event]:
    return dsn.read(message(report(status, notice, headers)))


def changed(event: Event = EVENT, **fields: object) -> Event:
    return msgspec.structs.replace(event, **fields)


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


NO_GROUP: Final = Defect("no-recipient-group", "delivery-status")
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
        ("Action: failed\nStatus: 5.1.1\n", "", "", [changed(NOBODY, action="failed", enhanced_status="5.1.1", reporting_mta=None)], (NO_GROUP,)),
    ],
)
def test_a_status_part_without_a_group_is_an_event_all_the_same(
    status: str, notice: str, headers: str, events: list[Event], defects: tuple[Defect, ...]
) -> None:
    read_from = message(report(status, notice, headers))
    assert (dsn.read(read_from), read_from.defects) == (events, defects)


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


GENERIC: Final = "Final-Recipient: rfc822; user@example.org\nAction: failed\nStatus: 5.0.0\n"
NOTICES = [
    ("user@example.org: 550 5.1.1 No such user", 550, "5.1.1", "550 5.1.1 No such user"),
    ("<user@example.org>: host mx.example.org[192.0.2.1] said: 550\n    5.1.1 No (in reply to RCPT TO command)", 550, "5.1.1", "550 5.1.1 No"),
    ("USER@example.org: 550 5.1.1 No such user", 550, "5.1.1", "550 5.1.1 No such user"),
    ("Sorry.\n\nThe host mx.example.org said: 452 4.2.2 full", 452, "4.2.2", "452 4.2.2 full"),
    ("nothing that helps", None, "5.0.0", None),
    ("", None, "5.0.0", None),
]


@pytest.mark.parametrize(("notice", "reply_code", "status", "diagnostic"), NOTICES)
def test_what_the_notice_quotes_counts_where_the_report_says_nothing(notice: str, reply_code: int | None, status: str, diagnostic: str | None) -> None:
    (event,) = read(ABOUT + GENERIC, notice)
    assert (event.reply_code, event.enhanced_status, event.diagnostic) == (reply_code, status, diagnostic)


def test_each_recipient_gets_its_own_words_of_the_notice() -> None:
    notice = "one@example.org: 550 5.1.1 No such user\ntwo@example.org: 552 5.2.2 Full\n"
    status = "\n".join(GENERIC.replace("user@", f"{name}@") for name in ("one", "two", "three"))
    assert [(event.recipient, event.reply_code, event.enhanced_status) for event in read(ABOUT + status, notice)] == [
        ("one@example.org", 550, "5.1.1"),
        ("two@example.org", 552, "5.2.2"),
        ("three@example.org", None, "5.0.0"),
    ]


def test_what_the_remote_said_in_the_report_comes_before_the_notice() -> None:
    (event,) = read(ABOUT + GROUP, "user@example.org: 452 4.2.2 full")
    assert (event.reply_code, event.enhanced_status, event.diagnostic) == (550, "5.1.1", "550 5.1.1 No such user")


SENDMAIL: Final = """   ----- The following addresses had permanent fatal errors -----
<user@example.org>
    (reason: {reason})

   ----- Transcript of session follows -----
... while talking to mx.example.org.:
>>> DATA
<<< 554-5.7.1 We have looked
<<< 554-5.7.1 at your mail:
<<< 554 5.7.1 it is spam
554 5.0.0 Service unavailable
"""


@pytest.mark.parametrize("said", ["554-5.7.1 We have looked", "221 2.0.0 Bye", ""])
def test_of_a_reply_that_the_report_has_in_part_or_not_at_all_the_transcript_has_the_rest(said: str) -> None:
    """Sendmail reports the first line, or what QUIT was answered where the host has closed the connection."""
    status = f"Final-Recipient: rfc822; user@example.org\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; {said}\n"
    (event,) = dsn.read(message(report(ABOUT + status, SENDMAIL.format(reason=said))))
    assert (event.reply_code, event.enhanced_status) == (554, "5.7.1")
    assert event.diagnostic == "554-5.7.1 We have looked 554-5.7.1 at your mail: 554 5.7.1 it is spam"


def test_a_success_keeps_its_reply() -> None:
    status = "Final-Recipient: rfc822; user@example.org\nAction: relayed\nStatus: 2.0.0\nDiagnostic-Code: smtp; 250 2.0.0 Ok\n"
    (event,) = dsn.read(message(report(ABOUT + status, "<user@example.org>: 550 5.1.1 No such user")))
    assert (event.kind, event.reply_code) == (Kind.DELIVERY, 250)


def test_how_a_program_ended_is_no_reply() -> None:
    status = "Final-Recipient: rfc822; user@example.org\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: X-Unix; 255\n"
    (event,) = dsn.read(message(report(ABOUT + status, "<user@example.org>\n    (reason: 255)\n")))
    assert (event.reply_code, event.enhanced_status) == (None, "5.0.0")


def test_what_exim_has_cut_its_notice_has_whole() -> None:
    status = "Action: failed\nFinal-Recipient: rfc822;user@example.org\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550-No such user;\n 550 wri[truncated]\n"
    notice = "  user@example.org\n    SMTP error from remote mail server after RCPT TO:<user@example.org>:\n    550-No such user;\n    550 write to nobody\n"
    (event,) = dsn.read(message(report(ABOUT + status, notice)))
    assert (event.diagnostic, event.command) == ("550-No such user; 550 write to nobody", "rcpt")


def test_octets_that_exim_spells_are_read() -> None:
    status = "Action: failed\nFinal-Recipient: rfc822;user@example.org\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 \\345\\256\\233\\345\\205\\210 \\101\n"
    (event,) = dsn.read(message(report(ABOUT + status)))
    assert event.diagnostic == "550 宛先 \\101"


@pytest.mark.parametrize("words", ["generated from", "ultimately generated from"])
def test_whom_exim_forwarded_to_is_who_failed(words: str) -> None:
    """Its report calls the address final that was mailed; each of several has its own reply."""
    groups = [f"Action: failed\nFinal-Recipient: rfc822;all@example.com\nStatus: 5.0.0\nDiagnostic-Code: smtp; {said}\n" for said in ("550 no", "552 full")]
    notice = f"""  b@example.org
    ({words} all@example.com)
    host mx.example.org [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<b@example.org>:
    552 full
  a@example.org
    ({words} all@example.com)
    host mx.example.org [192.0.2.1]
    550 no
"""
    events = dsn.read(message(report(ABOUT + "\n".join(groups), notice)))
    assert [(event.recipient, event.original_recipient, event.reply_code) for event in events] == [
        ("a@example.org", "all@example.com", 550),
        ("b@example.org", "all@example.com", 552),
    ]


@pytest.mark.parametrize(
    ("actual", "expanded", "expected"),
    [
        ("rfc822; left@example.net", "    (expanded from: <user@example.org>)\n", ("left@example.net", "user@example.org")),
        ("rfc822; left@example.net", "    (expanded from: an-alias-between)\n", ("left@example.net", "user@example.org")),
        ("rfc822; left@example.net", "", ("user@example.org", None)),
        ("X-Unix; |/usr/bin/program", "    (expanded from: <user@example.org>)\n", ("user@example.org", None)),
        ("rfc822; user@example.org", "    (expanded from: <user@example.org>)\n", ("user@example.org", None)),
    ],
)
def test_whom_sendmail_forwarded_to_is_who_failed(actual: str, expanded: str, expected: tuple[str, str | None]) -> None:
    status = f"Final-Recipient: RFC822; user@example.org\nX-Actual-Recipient: {actual}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: SMTP; 550 5.1.1 no\n"
    notice = f"{actual.partition('; ')[2]}\n    (reason: 550 5.1.1 no)\n{expanded}"
    (event,) = dsn.read(message(report(ABOUT + status, notice)))
    assert (event.recipient, event.original_recipient) == expected


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("joann@example.org: 552 5.2.2 full\nann@example.org: 550 5.1.1 no", 550),
        ("ann@example.org.example: 552 5.2.2 full\nann@example.org: 550 5.1.1 no", 550),
        ("收件人ann@example.org: 550 5.1.1 no", 550),
        ("jo.ann@example.org: 552 5.2.2 full", None),
    ],
)
def test_an_address_is_not_the_end_of_another(other: str, said: int | None) -> None:
    groups = [f"Final-Recipient: rfc822; {name}@example.org\nAction: failed\nStatus: 5.0.0\n" for name in ("ann", "joann")]
    events = dsn.read(message(report(ABOUT + "\n".join(groups), other).replace("text/plain", "text/plain; charset=utf-8")))
    assert events[0].reply_code == said


LISTED: Final = "Delivery failed for:\n- {}\n\nDestination host responded:\n550 5.1.1 no such user\n"


@pytest.mark.parametrize(
    ("listed", "names", "codes"),
    [
        ("o'neil@example.org", ["o'neil@example.org"], ["recipient-from-text"]),
        ('"a b"@example.org', ['"a b"@example.org'], ["recipient-from-text"]),
        ("j&#246;rg@example.org", ["jörg@example.org"], ["recipient-from-text"]),
        ("a@example.org\n- b@example.org", ["a@example.org", "b@example.org"], ["recipient-from-text", "shared-reply"]),
    ],
)
def test_where_the_report_names_nobody_the_notice_lists_who_failed(listed: str, names: list[str], codes: list[str]) -> None:
    """Slimta has one reply for all of them."""
    mail = message(report("Remote-MTA: dns; mx.example.org\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n", LISTED.format(listed)))
    assert [event.recipient for event in dsn.read(mail)] == names
    assert [defect.code for defect in mail.defects if defect.code in codes] == codes


@pytest.mark.parametrize("name", ["o'neil@example.org", "host!jane@example.org", "{jane}#1@example.org", "a/b=c@example.org"])
def test_an_address_in_a_text_is_taken_whole(name: str) -> None:
    (event,) = dsn.read(message(report("Diagnostic-Code: smtp; 550 5.1.1 no such user\n", f"Your mail to {name} has failed.")))
    assert event.recipient == name


def test_nullmailer_has_for_all_the_reply_to_one() -> None:
    groups = "\n".join(GROUP.replace("user@", f"{name}@") for name in ("a", "b"))
    mail = message(report("Reporting-MTA: x-local-hostname; mail.example.com\n\n" + groups))
    assert len(dsn.read(mail)) == 2
    assert Defect("shared-reply", "delivery-status") in mail.defects


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
