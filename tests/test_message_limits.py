"""What a mail may hold: each limit, with the defect that names it."""

from __future__ import annotations

import pytest

from bounceclass.settings import Limits
from tests.parts import NOTICE, REPORT, defects, entity, limited, message, multipart, seen


def test_of_a_message_that_is_too_large_the_head_is_read() -> None:
    read = limited(REPORT, Limits(message=len(REPORT) - 1, head=150))
    assert (len(read.raw), read.text()[:6], read.defects) == (150, "It did", defects(("message-too-large", "read up to byte 150"), ("boundary-unclosed", "")))
    assert seen(limited(REPORT, Limits(message=len(REPORT), head=150))) == seen(message(REPORT))


def test_a_message_that_was_cut_says_so() -> None:
    assert message(REPORT, cut=True).defects == defects(("message-too-large", "read up to byte 1048576"))
    assert seen(message(REPORT, cut=True)) | {"defects": ()} == seen(message(REPORT))


def test_parts_beyond_the_limit_are_a_defect() -> None:
    read = limited(REPORT, Limits(parts=3))
    assert ([part.content_type for part in read.parts], read.defects) == (
        ["text/plain", "message/delivery-status"],
        defects(("too-many-parts", "multipart/report")),
    )
    assert limited(REPORT, Limits(parts=4)).defects == ()


def test_containers_beyond_the_depth_are_a_defect() -> None:
    mail = multipart(multipart(NOTICE, boundary="inner"), boundary="outer")
    read = limited(mail, Limits(depth=1))
    assert (read.text(), read.defects) == ("", defects(("too-deep", "multipart/report")))
    assert (limited(mail, Limits(depth=2)).text(), limited(mail, Limits(depth=2)).defects) == ("It did not arrive.\n", ())


def test_text_beyond_the_limit_is_a_defect() -> None:
    read = limited("Subject: x\n\n" + "a" * 11, Limits(text=10))
    assert (read.text(), read.defects) == ("a" * 10, defects(("text-cut", "text/plain")))
    read = limited("Subject: x\n\n" + "a" * 10, Limits(text=10))
    assert (read.text(), read.defects) == ("a" * 10, ())


@pytest.mark.parametrize(("charset", "text"), [("utf-8", "한국어 " * 50), ("us-ascii", "abc " * 50)])
def test_text_is_cut_at_a_character(charset: str, text: str) -> None:
    read = limited(f"Content-Type: text/plain; charset={charset}\n\n{text}", Limits(text=21))
    assert (read.text(), read.defects) == (text[:21], defects(("text-cut", "text/plain")))


@pytest.mark.parametrize("charset", ["euc-kr", "iso-2022-kr", "iso-2022-jp", "shift_jis", "gb2312", "big5"])
def test_text_of_a_national_charset_is_cut_at_a_character(charset: str) -> None:
    text = ("" if charset.startswith("iso") else "a") + ("한국" if "kr" in charset else "日本") * 50
    head = f"Content-Type: text/plain; charset={charset}\n\n".encode()
    assert limited(head + text.encode(charset), Limits(text=20)).text() == text[:20]


@pytest.mark.parametrize(("text", "encoding"), [("한국어" * 100, "base64"), ("한국어" * 100, "quoted-printable"), ("\U0001f600" * 101, "")])
def test_wide_text_is_cut_at_the_limit_with_a_defect(text: str, encoding: str) -> None:
    read = limited(entity("text/plain; charset=utf-8", text, encoding), Limits(text=100))
    assert (read.text(), read.defects) == (text[:100], defects(("text-cut", "text/plain")))


def test_a_value_beyond_the_limit_is_cut() -> None:
    assert limited("Subject: 0123456789\n\n", Limits(header_value=5)).headers.get("subject") == "0123"


def test_encoded_words_beyond_the_limit_stay_as_they_are() -> None:
    mail = "Subject: =?utf-8?q?a?= =?utf-8?q?b?=\n\n"
    assert limited(mail, Limits(encoded_words=2)).headers.get("subject") == "ab"
    assert limited(mail, Limits(encoded_words=1)).headers.get("subject") == "=?utf-8?q?a?= =?utf-8?q?b?="


def test_headers_beyond_the_limit_are_not_read() -> None:
    assert list(limited("A: 1\nB: 2\nC: 3\n\n", Limits(headers=2)).headers.items()) == [("A", "1"), ("B", "2")]
    assert "c" not in limited("A: 1\nB: 2\nC: 3\n\n", Limits(header_block=10)).headers


@pytest.mark.parametrize("limits", [Limits(header_value=5), Limits(headers=1), Limits(header_block=12), Limits(encoded_words=1)])
def test_cut_headers_are_a_defect(limits: Limits) -> None:
    read = limited("Subject: 0123456789\nTo: =?utf-8?q?a?= =?utf-8?q?b?=\n\n", limits)
    assert list(read.headers.items()) != [("Subject", "0123456789"), ("To", "ab")]
    assert len(read.defects) == 1


def test_a_defect_is_noted_once_and_in_order() -> None:
    read = message("Subject: x\n\n")
    for code in ("b", "a", "b"):
        read.add_defect(code, "here")
    read.add_defect("b", "there")
    assert read.defects == defects(("b", "here"), ("a", "here"), ("b", "there"))
