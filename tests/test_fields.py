from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bounceclass.fields import address, decode_xtext, paragraphs, typed

Fields = list[tuple[str, str]]


def read(text: str) -> list[tuple[Fields, int]]:
    return [(paragraph.fields, paragraph.junk) for paragraph in paragraphs(text)]


PARAGRAPHS: list[tuple[str, list[tuple[Fields, int]]]] = [
    ("Action: failed\nStatus: 5.1.1\n", [([("action", "failed"), ("status", "5.1.1")], 0)]),
    ("Aa: 1\nC: is a drive\n", [([("aa", "1")], 1)]),
    ("Aa: 1\n\nBb: 2", [([("aa", "1")], 0), ([("bb", "2")], 0)]),
    ("\n\n \nAa: 1\n\t\n\nBb: 2\n\n", [([("aa", "1")], 0), ([("bb", "2")], 0)]),
    ("Aa : 1\nBb\t:2\nCc:\n", [([("aa", "1"), ("bb", "2"), ("cc", "")], 0)]),
    ("Aa: 1\n  2\n\t3\nBb: 4\n", [([("aa", "1 2 3"), ("bb", "4")], 0)]),
    ("Aa: 1\nAa: 2\n", [([("aa", "1"), ("aa", "2")], 0)]),
    ("Aa: b: c;d\n", [([("aa", "b: c;d")], 0)]),
    ("a line\nAa: 1\nanother\n", [([("aa", "1")], 2)]),
    ("  folded first\nAa: 1\n", [([("aa", "1")], 1)]),
    ("no field at all\n", []),
    ("", []),
    ("\n\n", []),
    ("Aa: 1\u2028Bb: 2\x0bCc: 3\n", [([("aa", "1\u2028Bb: 2\x0bCc: 3")], 0)]),  # only LF ends a line
    ("Diagnostic-Code: smtp; 450-4.2.1 one\n450 4.2.1 two\nAa: 1\n", [([("diagnostic-code", "smtp; 450-4.2.1 one 450 4.2.1 two"), ("aa", "1")], 0)]),
    ("Diagnostic-Code: smtp; 550 no\nunfolded\n\nAa: 1\n", [([("diagnostic-code", "smtp; 550 no unfolded")], 0), ([("aa", "1")], 0)]),
    ("Aa: 1\n450 4.2.1: x\n", [([("aa", "1")], 1)]),
    (f"{'A' * 100}: 1\nAa: 2\n", [([("aa", "2")], 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PARAGRAPHS)
def test_fields_stand_in_paragraphs(text: str, expected: list[tuple[Fields, int]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, (None, "")),
        ("", (None, "")),
        ("dns; mx.example.org", ("dns", "mx.example.org")),
        ("SMTP;550 5.1.1 a; b", ("smtp", "550 5.1.1 a; b")),
        (" X-Postfix ; a ", ("x-postfix", "a")),
        ("rfc822;", ("rfc822", "")),
        ("mx.example.org", (None, "mx.example.org")),
        ("550 5.1.1; try later", (None, "550 5.1.1; try later")),
        ("mx.example.org; x", (None, "mx.example.org; x")),
        (";x", (None, ";x")),
        ("x" * 41 + "; y", (None, "x" * 41 + "; y")),
    ],
)
def test_a_value_has_a_type_before_its_semicolon(value: str | None, expected: tuple[str | None, str]) -> None:
    assert typed(value) == expected


ADDRESSES = [
    ("rfc822; user@example.org", "user@example.org"),
    ("rfc822;user@example.org", "user@example.org"),
    ("user@example.org", "user@example.org"),
    ("RFC822; User.Name@Example.ORG", "User.Name@Example.ORG"),
    ("rfc822; <user@example.org>", "user@example.org"),
    ("rfc822; <user@example.org> (User)", "user@example.org"),
    ("rfc822; user@example.org (User)", "user@example.org"),
    ("rfc822; User <user@example.org>", "user@example.org"),
    ('rfc822; "User" <user@example.org>', "user@example.org"),
    ('rfc822; "<user@example.org>"', "user@example.org"),
    ('rfc822; "mary ann"@example.org', '"mary ann"@example.org'),
    ("rfc822; foo..bar@example.org", "foo..bar@example.org"),
    ("rfc822; .foo.@example.org", ".foo.@example.org"),
    ("rfc822; user+tag=a@example.org", "user+tag=a@example.org"),
    ("rfc822; user@[192.0.2.1]", "user@[192.0.2.1]"),
    ("rfc822; user@[IPv6:2001:db8::1]", "user@[IPv6:2001:db8::1]"),
    ("rfc822; user", "user"),
    ("X400; /G=Tom/S=Ash/", "/G=Tom/S=Ash/"),
    ("rfc822; 한국@example.org", "한국@example.org"),
    ("utf-8; 한국@example.org", "한국@example.org"),
    ("utf-8; \\x{D55C}\\x{AD6D}@example.org", "한국@example.org"),
    ("UTF-8; a\\x{1F600}@example.org", "a\U0001f600@example.org"),
    ("utf-8; a\\x{D800}\\x{110000}@example.org", "a\\x{D800}\\x{110000}@example.org"),
    ("rfc822; \\x{D55C}@example.org", "\\x{D55C}@example.org"),
    (None, None),
    ("", None),
    ("rfc822;", None),
    ("rfc822; <>", None),
    ("rfc822; ()", None),
    ("rfc822; @", None),
]


@pytest.mark.parametrize(("value", "expected"), ADDRESSES)
def test_an_address_is_kept_as_written_without_its_wrapping(value: str | None, expected: str | None) -> None:
    assert address(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("user@example.org", "user@example.org"),
        ("user+2Btag+3Da@example.org", "user+tag=a@example.org"),
        ("user+tag@example.org", "user+tag@example.org"),
        ("user+2btag@example.org", "user+2btag@example.org"),  # RFC 3461 4: hexchars are upper case
        ("user+41@example.org", "user+41@example.org"),  # "A" need not be encoded: a tag
        ("+", "+"),
        ("a+2", "a+2"),
        ("+2B2B", "+2B"),
    ],
)
def test_xtext_is_undone_only_where_it_must_be_xtext(text: str | None, expected: str | None) -> None:
    assert decode_xtext(text) == expected


@pytest.mark.parametrize("text", ["jo+2026@example.org", "jo+0A@example.org", "jo+1024@example.org", "jo+7F@example.org"])
def test_a_tag_that_begins_like_xtext_puts_no_blank_into_an_address(text: str) -> None:
    assert decode_xtext(text) == text


NAMES = st.from_regex(r"[a-z][a-z0-9-]{1,20}", fullmatch=True)
VALUES = st.text(st.characters(min_codepoint=33, exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=20)


@given(st.lists(st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=5), max_size=4), st.sampled_from([": ", ":", " : ", ":\n\t"]))
@settings(max_examples=150, deadline=None)
def test_fields_that_were_written_are_read_back(groups: list[Fields], colon: str) -> None:
    text = "\n".join("".join(f"{name}{colon}{value}\n" for name, value in group) for group in groups)
    expected = [([(name, value) for name, value in group], 0) for group in groups]
    assert [([(name, value.strip()) for name, value in fields], junk) for fields, junk in read(text)] == expected


@given(st.text(st.sampled_from('ab:; \n\t<>@()"+2B\\x{D5}5-.\u2028\x00') | st.characters(), max_size=80))
@example("0 <")
@settings(max_examples=200, deadline=None)
def test_any_text_is_read(text: str) -> None:
    for fields, _ in read(text):
        assert fields
        assert all("\n" not in value for _, value in fields)
    found = address(text)
    assert found is None or found.strip() == found != ""
    assert typed(text)[1].strip() == typed(text)[1]
    assert decode_xtext(text) is not None
