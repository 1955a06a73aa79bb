"""Records of several lines, as PowerMTA's accounting file has them: joined where a quote is closed, and otherwise nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass.logs.joining import join
from bounceclass.logs.reader import LogReader

if TYPE_CHECKING:
    from bounceclass.model import Event

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
HEADING = b"type,timeLogged,orig,rcpt,dsnStatus,dsnDiag,dsnMta\n"


def record(name: str, said: str = "smtp;550 5.1.1 no", kind: str = "b") -> bytes:
    return f"{kind},2026-03-09 12:00:00+0000,b@lists.example.com,{name}@example.net,5.1.1 (bad),{said},mx.example.net (192.0.2.1)\n".encode()


def joined(raw: bytes, *, ended: bool = True) -> list[bytes]:
    """The records behind the heading, each read as it comes."""
    reader, records = LogReader(), []
    for one in join(raw.splitlines(keepends=True), reader, ended=ended):
        reader.read(one, NOW)
        records.append(one)
    return records[1:]


def events(raw: bytes) -> list[Event]:
    reader = LogReader()
    return [event for one in join(raw.splitlines(keepends=True), reader) for report in reader.read(one, NOW) for event in report.events]


A, B, C = record("a"), record("b"), record("c")
LONG = record("l", '"smtp;550 5.1.1 no\nsuch user, see ""help"""')
STRAY = record("s", '"smtp;550 5.1.1 no')
RAW = record("r", 'smtp;550 "no')


@pytest.mark.parametrize(
    ("raw", "records"),
    [
        (A + B, [A, B]),
        (A + LONG + B, [A, LONG, B]),
        (LONG + LONG, [LONG, LONG]),
        (record("l", '"smtp;550 no\n\n\nsuch user"'), [record("l", '"smtp;550 no\n\n\nsuch user"')]),
        (record("l", '"smtp;550 no\nb,c"').replace(b"dsn", b"x"), [record("l", '"smtp;550 no\nb,c"')]),
        (record("l", '"smtp;550 no\nsuch","x\ny"'), [record("l", '"smtp;550 no\nsuch","x\ny"')]),
        (STRAY + A + STRAY + B, [STRAY, A, STRAY, B]),
        (STRAY + HEADING + A, [STRAY, HEADING, A]),
        (RAW + A + RAW, [RAW, A, RAW]),
        (STRAY + b"more\n" * 60 + A, [STRAY, *[b"more\n"] * 60, A]),
        (STRAY + b"x" * 300_000 + b"\n" + A, [STRAY, b"x" * 300_000 + b"\n", A]),
        (A + STRAY, [A, STRAY]),
        (STRAY + b"more\n" + LONG, [STRAY, b"more\n", LONG]),
    ],
)
def test_a_quoted_cell_goes_on_over_line_ends_and_one_that_is_never_closed_takes_nothing_with_it(raw: bytes, records: list[bytes]) -> None:
    assert joined(HEADING + raw) == records


@pytest.mark.parametrize(
    ("raw", "records"),
    [(A + LONG, [A, LONG]), (A + LONG.partition(b"\n")[0] + b"\n", [A]), (A + STRAY + b"more\n" * 3, [A]), (STRAY + A, [STRAY, A]), (STRAY + b"more\n" * 50, [STRAY, *[b"more\n"] * 50])],
)
def test_where_more_may_come_what_is_open_waits(raw: bytes, records: list[bytes]) -> None:
    assert joined(HEADING + raw, ended=False) == records


def test_the_whole_reply_is_read() -> None:
    assert {event.recipient: event.diagnostic for event in events(HEADING + A + LONG + STRAY + C)} == {
        "a@example.net": "550 5.1.1 no",
        "l@example.net": '550 5.1.1 no such user, see "help"',
        "s@example.net": "550 5.1.1 no,mx.example.net (192.0.2.1)",
        "c@example.net": "550 5.1.1 no",
    }


def test_lines_of_other_logs_are_left_as_they_are() -> None:
    lines = [b'Mar  9 12:00:00 mx postfix/smtp[9]: 4gYc7K1: to=<a@example.net>, "status=sent (250 ok\n', b'next"\n']
    reader = LogReader()
    records = []
    for one in join(lines, reader):
        reader.read(one, NOW)
        records.append(one)
    assert records == lines


@given(st.lists(st.sampled_from([A, LONG, STRAY, RAW, b'"\n', b"more\n", b'more",x\n', b"\n", b'a,"b"c,"\n', HEADING]), max_size=120), st.booleans())
def test_no_octet_is_lost_and_none_is_read_twice(parts: list[bytes], ended: bool) -> None:  # noqa: FBT001  hypothesis gives it
    raw = b"".join(parts)
    found = b"".join(joined(HEADING + raw, ended=ended))
    assert raw == found if ended else raw.startswith(found)
    if ended:
        recipients = [event.recipient for event in events(HEADING + raw)]
        assert (recipients.count("a@example.net"), recipients.count("l@example.net")) == (parts.count(A), parts.count(LONG))
