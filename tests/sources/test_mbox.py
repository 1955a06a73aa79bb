"""Hypothesis on mboxes: what was written comes back, and of any bytes nothing is lost."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from bounceclass.settings import DEFAULT, Limits
from bounceclass.sources.files import split_mbox

LIMITS = DEFAULT.limits
LINE = b"From user@example.org Tue Jan 13 09:12:44 2026\n"
AWKWARD = st.sampled_from([b"", b">", b"From ", b"From a", b">From a", b">>From a", LINE.strip(), b">" + LINE.strip(), b"\r", b"Subject: a", b"\xff\x00"])
LINES = st.lists(AWKWARD | st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=8)


def messages(data: bytes, limits: Limits = LIMITS) -> list[tuple[bytes, bool]]:
    return list(split_mbox(data[:5], io.BytesIO(data[5:]), limits))


def quoted(line: bytes) -> bytes:
    return b">" + line if line.lstrip(b">").startswith(b"From ") else line


@given(st.lists(LINES, max_size=5))
@settings(max_examples=200, deadline=None)
def test_messages_written_as_an_mboxrd_come_back(bodies: list[list[bytes]]) -> None:
    box = b"".join(LINE + b"".join(quoted(line) + b"\n" for line in lines) + b"\n" for lines in bodies)
    assert messages(box) == [(LINE + b"".join(line + b"\n" for line in lines) + b"\n", False) for lines in bodies]


@given(st.lists(AWKWARD | st.binary(max_size=12), max_size=12).map(b"\n".join))
@settings(max_examples=500, deadline=None)
def test_of_any_bytes_read_as_an_mbox_nothing_is_lost_but_quoting_and_blank_lines_before_the_first(data: bytes) -> None:
    plain = data.replace(b">From ", b">form ")
    read = b"".join(raw for raw, _ in messages(plain))
    assert plain.endswith(read)
    assert plain.removesuffix(read).strip() == b""


@given(st.lists(AWKWARD | st.binary(max_size=200), max_size=12).map(b"\n".join), st.integers(10, 300), st.integers(0, 10))
@settings(max_examples=200, deadline=None)
def test_no_message_of_any_mbox_is_larger_than_the_limit(data: bytes, message: int, head: int) -> None:
    for raw, cut in messages(data, Limits(message=message, head=head)):
        assert len(raw) <= (head if cut else message)
