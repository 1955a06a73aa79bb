"""Rows of data and the interpreter: which row reads a mail, and what becomes of each line."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass.message import Message
from bounceclass.model import Event, Kind
from bounceclass.notice import Notice, Notices
from bounceclass.settings import DEFAULT

ACME = Notice(
    name="acme",
    evidence="made up for this test",
    subject=("not delivered", "returned"),
    start=r"^ACME could not deliver",
    recipient=r"^\* (?P<recipient>\S+)(?: - (?P<text>.+))?$",
    stop=r"^-- returned",
)
TEXT = """\
Dear customer,
* before@example.org - is not meant
ACME could not deliver to
* one@example.org - 550 5.1.1 no such user
* two@example.org
  host mx.example.org said: 452 4.2.2 mailbox full
  (in reply to RCPT TO command)
-- returned
* behind@example.org - is not meant
"""


def message(text: str, subject: str = "Not delivered", sender: str = "mailer-daemon@mx.example.com", extra: str = "") -> Message:
    head = f"From: {sender}\nSubject: {subject}\nDate: Fri, 05 Jun 2026 08:00:00 +0000\n{extra}"
    return Message(f"{head}\n{text}".encode(), DEFAULT)


def read(row: Notice, mail: Message, *, from_daemon: bool = True) -> list[tuple[str | None, int | None, str | None, str | None]]:
    _, events = Notices([row]).read(mail, from_daemon=from_daemon)
    return [(event.recipient, event.reply_code, event.enhanced_status, event.command) for event in events]


def test_a_line_opens_a_recipient_or_belongs_to_the_last_one_between_start_and_stop() -> None:
    assert read(ACME, message(TEXT)) == [
        ("one@example.org", 550, "5.1.1", None),
        ("two@example.org", 452, "4.2.2", "rcpt"),
    ]


def test_what_is_said_before_the_first_recipient_is_shared_by_those_of_whom_nothing_is_said() -> None:
    text = "ACME could not deliver: mailbox full\n* one@example.org\n* two@example.org - no such user\n"
    _, events = Notices([ACME]).read(message(text), from_daemon=True)
    assert [event.diagnostic for event in events] == ["ACME could not deliver: mailbox full", "no such user"]


@pytest.mark.parametrize(
    ("change", "mail", "from_daemon", "reads"),
    [
        ({}, message(TEXT), True, True),
        ({}, message(TEXT), False, False),
        ({}, message(TEXT, subject="Hello"), True, False),
        ({}, message(TEXT, subject="RETURNED mail"), True, True),
        ({"subject": ()}, message(TEXT, subject="Hello"), True, True),
        ({"sender": ("acme post",)}, message(TEXT), True, False),
        ({"sender": ("acme post",)}, message(TEXT, sender="ACME Post <no@example.com>"), False, True),
        ({"header": ("x-mailer: acme", "x-acme:")}, message(TEXT), True, False),
        ({"header": ("x-mailer: acme", "x-acme:")}, message(TEXT, extra="X-Mailer: ACME 3.1\n"), False, True),
        ({"header": ("x-mailer: acme", "x-acme:")}, message(TEXT, extra="X-Acme: anything\n"), False, True),
        ({"header": ("x-mailer: acme",)}, message(TEXT, extra="X-Mailer: not acme\n"), True, False),
        ({"start": "^Nothing"}, message(TEXT), True, False),
    ],
)
def test_a_row_reads_where_its_clues_and_its_start_hold(change: dict[str, object], mail: Message, *, from_daemon: bool, reads: bool) -> None:
    row = msgspec.structs.replace(ACME, **change)
    assert bool(read(row, mail, from_daemon=from_daemon)) is reads


def test_the_first_row_that_names_somebody_reads() -> None:
    nobody = Notice(name="nobody", evidence="made up", start="^ACME", recipient=r"^(?P<recipient>never)$")
    assert Notices([nobody, ACME]).read(message(TEXT), from_daemon=True)[0] == "acme"
    assert Notices([nobody]).read(message(TEXT), from_daemon=True) == (None, [])


def test_a_reader_gets_the_notice_from_start_to_stop() -> None:
    seen = []

    def take(mail: Message, notice: str) -> list[Event]:
        seen.append((mail.headers.get("subject"), notice))
        return [Event(kind=Kind.BOUNCE)]

    row = Notice(name="own", evidence="made up", start="^ACME", stop=r"^\* two", reader=take)
    assert Notices([row]).read(message(TEXT), from_daemon=True) == ("own", [Event(kind=Kind.BOUNCE)])
    assert seen == [("Not delivered", "ACME could not deliver to\n* one@example.org - 550 5.1.1 no such user\n")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Notice(name="bare", evidence="", start="^x"), "notice bare: recipient has no group"),
        (Notice(name="bad", evidence="", start="(", recipient="(?P<recipient>x)"), "notice bad: '('"),
        (Notice(name="bad", evidence="", start="^x", recipient="(?P<recipient>x"), "notice bad:"),
        (Notice(name="bad", evidence="", start="(", reader=lambda _message, _text: []), "notice bad: '('"),
        (Notice(name="bad", evidence="", start="x{1" + "0" * 50 + "}", recipient="(?P<recipient>x)"), "notice bad:"),
    ],
)
def test_a_row_that_can_not_work_is_refused_when_it_is_given(row: Notice, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        Notices([row])


@given(st.text(max_size=400), st.text(alphabet="*- @a.\n", max_size=200))
def test_any_text_is_read_without_an_error_and_names_only_what_stands_in_it(head: str, body: str) -> None:
    text = f"{head}\nACME could not deliver\n{body}"
    mail = message(text)
    decoded = mail.text()
    for recipient, *_ in read(ACME, mail):
        assert recipient is not None
        assert recipient in decoded
