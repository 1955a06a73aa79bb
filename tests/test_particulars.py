from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass import transcript
from bounceclass.export.texts import always_holds
from bounceclass.model import Details, Reason, Scope
from bounceclass.particulars import ROWS, complete


@pytest.mark.parametrize(
    ("text", "reason", "scope", "details"),
    [
        (
            "550 5.7.25 Fix reverse DNS for 192.0.2.7, see https://postmaster.example.org/ptr.",
            Reason.NO_REVERSE_DNS,
            Scope.SENDER,
            Details(ip="192.0.2.7", url="https://postmaster.example.org/ptr"),
        ),
        ("host mx.example.org[198.51.100.9] said: 550 blocked [2001:db8::7]", Reason.IP_BLOCKED, Scope.SENDER, Details(ip="2001:db8::7")),
        ("550 blocked at 06:13:22 (id 1.2.3.4.5)", Reason.IP_BLOCKED, Scope.SENDER, Details()),
        (
            "550-5.7.26 Unauthenticated email from lists.example.com is not accepted due to domain's DMARC policy.",
            Reason.AUTHENTICATION_FAILED,
            Scope.SENDER,
            Details(domain="lists.example.com"),
        ),
        (
            "550 5.7.509 Access denied, sending domain [EXAMPLE.COM] does not pass DMARC",
            Reason.AUTHENTICATION_FAILED,
            Scope.SENDER,
            Details(domain="EXAMPLE.COM"),
        ),
        ("550 rejected by example.com's DMARC policy", Reason.AUTHENTICATION_FAILED, Scope.SENDER, Details(domain="example.com")),
        ("Domain silent.example does not accept mail (nullMX)", Reason.DOMAIN_NO_MAIL, Scope.DOMAIN, Details(domain="silent.example")),
        ("550 Domain lost.invalid does not exist", Reason.DOMAIN_UNKNOWN, Scope.DOMAIN, Details(domain="lost.invalid")),
        ("450 greylisted, please try again in 300 seconds", Reason.GREYLISTED, Scope.SYSTEM, Details(retry_after="300 seconds")),
        ("552 the mailbox is over its quota of 2048 MB.", Reason.MAILBOX_FULL, Scope.ADDRESS, Details(limit="2048 MB")),
        ("452 4.5.3 Too many recipients (limit 10)", Reason.TOO_MANY_RECIPIENTS, Scope.SENDER, Details(limit="10")),
    ],
)
def test_what_a_reply_states_beside_its_reason_is_read(text: str, reason: Reason, scope: Scope, details: Details) -> None:
    assert complete(Details(), reason, scope, transcript.read(text)) == details


@pytest.mark.parametrize(
    ("text", "reason", "scope"),
    [
        ("connect to mx.example.org[198.51.100.9]:25: Connection refused", Reason.NETWORK_ERROR, Scope.DOMAIN),
        ("550 5.1.1 <user@example.org>: host 198.51.100.9 said: User unknown", Reason.USER_UNKNOWN, Scope.ADDRESS),
        ("dial 198.51.100.9: blocked", Reason.IP_BLOCKED, Scope.SENDER),
        ("550 domain example.org: user unknown", Reason.USER_UNKNOWN, Scope.ADDRESS),
        ("452 message undelivered after 4 hours", Reason.SYSTEM_ERROR, Scope.SYSTEM),
    ],
)
def test_what_is_not_ours_or_not_the_reason_s_is_left(text: str, reason: Reason, scope: Scope) -> None:
    assert complete(Details(), reason, scope, transcript.read(text)) == Details()


def test_what_a_rule_found_stays() -> None:
    found = Details(ip="192.0.2.1", url="https://example.org/a")
    said = transcript.read("550 blocked [192.0.2.7], see https://example.org/b")
    assert complete(found, Reason.IP_BLOCKED, Scope.SENDER, said) == found


@given(st.text(alphabet="domain limt tryagn0123456789.:/<>[]()h'@-spx", max_size=200), st.sampled_from(list(Reason)), st.sampled_from(list(Scope)))
def test_details_are_words_of_the_text(text: str, reason: Reason, scope: Scope) -> None:
    details = complete(Details(), reason, scope, transcript.read(text))
    assert all(value in text for value in (details.ip, details.domain, details.url, details.retry_after, details.limit) if value is not None)


def test_each_pattern_is_asked_wherever_it_could_match() -> None:
    assert [pattern for _, _, words, pattern in ROWS if not always_holds(pattern, words)] == []
