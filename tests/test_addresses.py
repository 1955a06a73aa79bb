from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass.addresses import comparable, mailbox


@pytest.mark.parametrize(
    ("address", "compared"),
    [
        ("Ruth@EXAMPLE.org", "ruth@example.org"),
        ("ruth@bücher.example", "ruth@xn--bcher-kva.example"),
        ("RÜTH@example.org", "rÜth@example.org"),
        ("ruth@mx\uff20example.org", "ruth@mx\uff20example.org"),
        ("ruth+tag@example.org", "ruth+tag@example.org"),
        ("r.u.t.h@example.org", "r.u.t.h@example.org"),
        ("ruth", "ruth"),
    ],
)
def test_addresses_are_compared_by_a_label_and_ascii_case_and_nothing_else(address: str, compared: str) -> None:
    assert comparable(address) == compared


@given(st.text())
def test_what_is_compared_is_compared_the_same_again(address: str) -> None:
    assert comparable(comparable(address)) == comparable(address)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("ruth@example.org", "ruth@example.org"),
        ("Ruth <ruth@example.org>", "ruth@example.org"),
        ('"Lee, Ruth" <ruth@example.org>', "ruth@example.org"),
        ("Lee, Ruth <ruth@example.org>", "ruth@example.org"),
        ("ruth@example.org (of the garden)", "ruth@example.org"),
        ("MAILER-DAEMON", "MAILER-DAEMON"),
        ("<>", None),
        ("", None),
        # CVE-2023-27043: what stands outside the angle brackets, or several of them, is not the sender.
        ("alice@example.org]<bob@example.net>", "bob@example.net"),
        ("alice@example.org)<bob@example.net>", "bob@example.net"),
        ("alice@example.org<bob@example.net>", "bob@example.net"),
        ("alice@example.org, bob@example.net", None),
        ("<alice@example.org>, <bob@example.net>", None),
        ('"alice@example.org" <bob@example.net>', "bob@example.net"),
        ("(alice@example.org) bob@example.net", "bob@example.net"),
        ("(" * 10_000, None),
    ],
)
def test_a_from_field_names_one_sender_or_none(value: str, named: str | None) -> None:
    assert mailbox(value) == named


@given(st.text(alphabet='"\\()<>,;:@ab. \t', max_size=60))
def test_a_sender_is_made_of_the_text_s_own_characters_in_order(value: str) -> None:
    left = iter(value)
    assert all(char in left for char in mailbox(value) or "")
