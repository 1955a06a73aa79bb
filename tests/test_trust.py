from __future__ import annotations

import pytest

from bounceclass.model import Trust
from bounceclass.tags import Addressee, fingerprint, tagged
from tests.assessing import (
    ENGINE,
    FORGERIES,
    KEY,
    MALLORY,
    OURS,
    OUTSIDE,
    PATH,
    RUTH,
    TAG,
    TAGGED,
    TODAY,
    assess,
    dsn,
    one,
    returned,
    seen,
)


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_read_and_nothing_ties_it_to_us(name: str) -> None:
    raw, recipient, alarms = FORGERIES[name]
    assert ENGINE.classify(raw).events
    found = one(raw, recipient, bounced=lambda queue, who: (queue, who) == ("4AB", RUTH), sent=lambda _, __: None)
    assert (found.grade, found.alarms) == (Trust.NONE, alarms)


def test_a_tag_acts_on_whom_it_names_wherever_it_stands() -> None:
    for raw, recipient in (
        (dsn(), OURS),
        (dsn(to=OURS), None),
        (dsn(top=f"Delivered-To: {OURS}\n{OUTSIDE}"), None),
        (dsn(top=f"X-Original-To: {OURS.upper()}\n{OUTSIDE}"), None),
        (dsn(top=f"References: <{TAG}.1@lists.example.com>\n{OUTSIDE}", original="Subject: x\n"), None),
        (dsn(envid=f"{TAG}.77aa"), None),
        (dsn(original=TAGGED), None),
        (dsn(original=returned(f"prvs=4123ABCDEF={OURS}")), None),
        (dsn(original=returned(f"SRS0=HHHH=TT=lists.example.com={OURS.partition('@')[0]}@fwd.test")), None),
        (dsn(original=returned(message_id=f"{TAG}.1@lists.example.com")), None),
        (dsn(original=returned(extra=f"List-Unsubscribe: <mailto:leave+{TAG}@lists.example.com>\n")), None),
        (dsn(original=returned(extra=f"References: <{TAG}.1@lists.example.com>\n")), None),
    ):
        assert seen(one(raw, recipient)) == ("signed", RUTH, False, ())


@pytest.mark.parametrize("kind", ["plain", "of a mail that names nobody"])
def test_who_is_named_does_not_matter_under_a_valid_tag(kind: str) -> None:
    named = MALLORY if kind == "plain" else None
    assert seen(one(dsn(named, original="Subject: x\n"), OURS)) == ("signed", RUTH, named is not None, ())


def test_a_tag_that_is_replayed_for_somebody_else_counts_for_its_own_only() -> None:
    found = one(dsn(MALLORY, original=returned(message_id="x@example.org", path="x@example.org", sender="x@example.org")), OURS)
    assert seen(found) == ("signed", RUTH, True, ())


def test_of_a_report_about_two_the_tag_speaks_of_its_own_only() -> None:
    raw = dsn(original="Subject: x\n", more=f"\nFinal-Recipient: rfc822; {MALLORY}\nAction: failed\nStatus: 5.1.1\n")
    assert [seen(found)[:3] for found in assess(raw, OURS)] == [("signed", RUTH, False), ("none", None, False)]


def test_a_forward_is_seen_behind_the_original_recipient_too() -> None:
    assert seen(one(dsn("ruth@example.org", orcpt=RUTH), OURS)) == ("signed", RUTH, True, ())
    assert seen(one(dsn("ruth", orcpt=RUTH), OURS)) == ("signed", RUTH, False, ())


def test_two_tags_that_disagree_are_told_and_the_envelope_counts() -> None:
    other = tagged(PATH, "moll@example.org", KEY, TODAY)
    assert seen(one(dsn(original=returned(other)), OURS)) == ("signed", RUTH, False, ("tags-disagree",))


def test_a_tag_under_which_many_are_named_is_told() -> None:
    before = [f"{name}@example.org" for name in "abc"]
    assert seen(one(dsn(), OURS, named=lambda _: before)) == ("signed", RUTH, False, ("tag-shared",))
    assert seen(one(dsn(), OURS, named=lambda _: before[:2])) == ("signed", RUTH, False, ())


def test_a_fingerprint_needs_the_look_up() -> None:
    long = f"{'r' * 50}@example.net"
    path = tagged(PATH, long, KEY, TODAY, stream="fen")
    known = {fingerprint(long, "fen"): Addressee(long, "fen")}.get
    assert one(dsn(long, original="Subject: x\n"), path).grade is Trust.NONE
    found = one(dsn(long, original="Subject: x\n"), path, addressee=known)
    assert (found.grade, found.recipient, found.stream) == (Trust.SIGNED, long, "fen")
