from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass.codes import Code, find_status, is_generic, parse, status_class, subject_of, tidy
from bounceclass.errors import CodeError


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("550", Code(550, None)),
        (" 250 ", Code(250, None)),
        ("5.1.1", Code(None, "5.1.1")),
        ("550 5.1.1", Code(550, "5.1.1")),
        ("550-5.7.26", Code(550, "5.7.26")),
        ("550 #5.1.0", Code(550, "5.1.0")),
        ("599", Code(599, None)),
        ("5.01.001", Code(None, "5.1.1")),
    ],
)
def test_a_code_is_read(text: str, code: Code) -> None:
    assert parse(text) == code


@pytest.mark.parametrize("text", ["", "x", "55", "5500", "199", "650", "3.1.1", "5.1", "5.1.1.1", "5.1234.1", "550 hello", "550 550", "\udcff"])
def test_what_is_no_code_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(CodeError, match="is no SMTP code"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("550 sorry (#5.1.1)", "5.1.1"),
        ("mailbox full 4.2.2", "4.2.2"),
        ("5.7.26.", "5.7.26"),
        ("192.0.2.5.1.1", None),
        ("5.1.1.2 is an address", None),
        ("v5.1.1", None),
        ("host5.1.1", None),
        ("5.1.1-beta", None),
        ("no code", None),
        ("", None),
    ],
)
def test_a_status_is_found_only_where_it_stands_alone(text: str, status: str | None) -> None:
    assert find_status(text) == status


def test_a_status_in_parts() -> None:
    assert (status_class("4.2.2"), status_class(None), subject_of("5.7.26")) == (4, None, "x.7.26")
    assert [is_generic(status) for status in (None, "5.0.0", "4.0.0", "5.0.350", "5.1.0")] == [True, True, True, False, False]


@given(st.integers(200, 599), st.sampled_from("245"), st.integers(0, 999), st.integers(0, 999))
def test_any_code_is_read_back_as_it_is_written(reply: int, class_: str, subject: int, detail: int) -> None:
    code = Code(reply, f"{class_}.{subject}.{detail}")
    assert parse(str(code)) == code
    assert tidy(code.status) == code.status
