"""What the notice for people adds to its status part: whole replies, whom an alias led to, who is meant."""

from __future__ import annotations

from typing import Final

import pytest

from bounceclass import dsn
from bounceclass.model import Defect, Kind
from tests.statusparts import ABOUT, GENERIC, GROUP, message, read, report

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
