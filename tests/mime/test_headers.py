from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceclass.mime.headers import Headers, end_of_headers, raw_field, searchable
from bounceclass.mime.parsers import PARSERS, Stdlib, parser_named
from bounceclass.settings import Limits

LIMITS = Limits()


def headers(block: bytes, limits: Limits = LIMITS, parser: str = "stdlib") -> Headers:
    return Headers(block, parser_named(parser), limits)


@pytest.mark.parametrize(
    ("raw", "head", "body"),
    [
        (b"A: b\n\nbody", b"A: b\n", b"body"),
        (b"A: b\r\n\r\nbody", b"A: b\r\n", b"body"),
        (b"A: b\n\r\nbody", b"A: b\n", b"body"),
        (b"A: b\r\n\nbody", b"A: b\r\n", b"body"),
        (b"A: b\n\nx\r\n\r\ny", b"A: b\n", b"x\r\n\r\ny"),
        (b"A: b\r\n\r\nx\n\ny", b"A: b\r\n", b"x\n\ny"),
        (b"A: b\n", b"A: b\n", b""),
        (b"A: b", b"A: b", b""),
        (b"\nbody", b"", b"body"),
        (b"\r\nbody", b"", b"body"),
        (b"\n", b"", b""),
        (b"", b"", b""),
    ],
)
def test_headers_end_at_the_first_blank_line(raw: bytes, head: bytes, body: bytes) -> None:
    end, start = end_of_headers(raw, 0, len(raw), 1000)
    assert (raw[:end], raw[start:]) == (head, body)


@pytest.mark.parametrize(("start", "end", "found"), [(4, 16, (10, 11)), (4, 10, (10, 10)), (4, 8, (8, 8)), (0, 16, (10, 11))])
def test_headers_are_looked_for_only_within_the_entity(start: int, end: int, found: tuple[int, int]) -> None:
    assert end_of_headers(b"--a\nX: yzw\n\nbody", start, end, 1000) == (found if end < 16 else (11, 12))


def test_headers_that_never_end_are_cut_at_the_limit() -> None:
    assert end_of_headers(b"A: b\n" * 100, 0, 500, 50) == (50, 50)
    assert end_of_headers(b"A: b\n" * 100 + b"\nbody", 0, 505, 50) == (50, 50)


FIELDS = [
    (b"Subject: one\n", b" one"),
    (b"SUBJECT: one\r\nX: y", b" one\r"),
    (b"X: y\nsubject:one\n", b"one"),
    (b"Subject : one\n", b" one"),
    (b"Subject\t: one\n", b" one"),
    (b"Subject: one\n two\n\tthree\nX: y\n", b" one\n two\n\tthree"),
    (b"Subject: one\nSubject: two\n", b" one"),
    (b"Subject:\n", b""),
    (b"Subject: one", b" one"),
    (b"Subject:", b""),
    (b"Subjects: no\nSubject: one\n", b" one"),
    (b"X-Subject: no\n", None),
    (b"X: y\n Subject: no\n", None),
    (b"X: Subject: no\n", None),
    (b"Subject\n: no\n", None),
    (b"Subject", None),
    (b"", None),
    (b"From mx Mon Jan  5 00:00:00 2026\nSubject: one\n", b" one"),
]


@pytest.mark.parametrize(("block", "value"), FIELDS)
def test_the_first_field_of_a_name_is_found(block: bytes, value: bytes | None) -> None:
    assert raw_field(block, searchable(block), b"\nsubject") == value
    assert ("subject" in headers(block)) is (value is not None)


def test_a_fold_that_lost_its_blank_is_mended_only_for_a_boundary() -> None:
    block = b'Content-Type: multipart/report;\nboundary="x"\nX: a;\nTo: b@example.org\n'
    assert headers(block).get("content-type") == 'multipart/report; boundary="x"'
    assert headers(block).get("x") == "a;"
    assert headers(block.replace(b"\n", b"\r\n")).get("content-type") == 'multipart/report; boundary="x"'


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    ("block", "value"),
    [
        (b"X:  plain \n", "plain"),
        (b"X: one\n two\r\n\tthree\n", "one two three"),
        (b"X: =?utf-8?b?7ZWc?= =?utf-8?q?=EA=B5=AD?=\n", "한국"),
        (b"X: =?utf-8?b?7ZWc?=\n =?utf-8?q?=EA=B5=AD?=\n", "한국"),
        (b"X: =?iso-2022-jp?b?GyRCRnxLXBsoQg==?= <a@example.org>\n", "日本 <a@example.org>"),
        ("X: 한국\n".encode(), "한국"),
        (b"X: a\xffb\n", "a\\xffb"),
        (b"X:\n", ""),
        (b"X: =?utf-8?q\n", "=?utf-8?q"),
        (b"X: a\x00b\n", "ab"),
        (b"X: =?utf-8?q?a\x00\x00=62?=\n", "ab"),
        (b"X: =?utf-8?q?a=00b?=\n", "ab"),
    ],
)
def test_a_value_is_unfolded_and_decoded(block: bytes, value: str, parser: str) -> None:
    found = headers(block, parser=parser)
    assert (found.get("x"), found.get("X"), list(found.items())) == (value, value, [("X", value)])


def test_a_field_that_is_not_there_is_none() -> None:
    found = headers(b"X: y\n")
    assert (found.get("y"), found.get("X-\xe9"), "y" in found) == (None, None, False)


def test_all_fields_come_in_order_with_their_names_as_written() -> None:
    block = b"From mx\nReceived: a\n b\nX-One : 1\njunk line\nreceived: c\n"
    assert list(headers(block).items()) == [("Received", "a b"), ("X-One", "1"), ("received", "c")]


@pytest.mark.parametrize(
    ("limits", "items"),
    [
        (Limits(headers=2), [("A", "one"), ("B", "twothree")]),
        (Limits(encoded_words=1), [("A", "one"), ("B", "=?us-ascii?q?two?= =?us-ascii?q?three?="), ("C", "four")]),
        (Limits(encoded_words=2), [("A", "one"), ("B", "twothree"), ("C", "four")]),
        (Limits(header_value=4), [("A", "one"), ("B", "=?u"), ("C", "fou")]),
        (Limits(header_block=7), [("A", "one")]),
    ],
)
def test_limits_hold_what_is_read(limits: Limits, items: list[tuple[str, str]]) -> None:
    block = b"A: one\nB: =?us-ascii?q?two?= =?us-ascii?q?three?=\nC: four\n"
    assert list(headers(block, limits).items()) == items


NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1, max_size=20)
VALUES = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Z"], exclude_characters="=\x85"), max_size=40)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=100, deadline=None)
def test_fields_that_were_written_are_read_back(fields: list[tuple[str, str]], line_end: str) -> None:
    block = "".join(f"{name}: {value}{line_end}" for name, value in fields).encode()
    found = headers(block)
    assert list(found.items()) == fields
    for name, _ in fields:
        assert found.get(name) == next(value for other, value in fields if other.lower() == name.lower())


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read(block: bytes, name: bytes) -> None:
    found = Headers(block, Stdlib(), LIMITS)
    value = found.get(name.decode("latin-1"))
    assert all(isinstance(text, str) for pair in found.items() for text in pair)
    assert (value is not None) == (name.decode("latin-1") in found)
    end, body = end_of_headers(block, 0, len(block), 100)
    assert 0 <= end <= body <= len(block)
