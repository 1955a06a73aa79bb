"""What is done about an address, from what we have of it and what an ESP has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass.comparison import Account, Action, Standing, There, decide, differences, merge, standing_of
from bounceclass.model import Reason, Suppression
from bounceclass.remotelist import Listed
from bounceclass.store.records import Cause

if TYPE_CHECKING:
    from collections.abc import Iterable

RUTH = "ruth@example.net"
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ACCOUNT = Account("ses:eu", "garden")
UNKNOWN, LISTED, COMPLAINT, UNSUBSCRIBE = Reason.USER_UNKNOWN, Reason.SUPPRESSED, Reason.COMPLAINT, Reason.UNSUBSCRIBE


def cause(reason: Reason = UNKNOWN, *, lifted: float | None = None, lifted_by: str = "amy@host", days: float = 10, **more: Any) -> Cause:
    """An entry that began some days ago; `lifted` is how many days ago it was lifted."""
    entry = Suppression(**{"address": RUTH, "reason": reason, "since": NOW - days * DAY, "by": "policy", **more})
    over = entry.until is not None and entry.until <= NOW
    lifted_at = None if lifted is None else NOW - lifted * DAY
    active = lifted_at is None and not over and entry.since <= NOW
    return Cause(id=1, suppression=entry, account=None, provider=None, lifted_at=lifted_at, lifted_by=lifted_by if lifted_at else None, active=active)


def there(*reasons: Reason, days: float | None = 5) -> There:
    return There(RUTH, reasons or (LISTED,), None if days is None else NOW - days * DAY, "word")


MIRROR: dict[str, Any] = {"scope": "ses:eu", "by": "sync:ses:eu"}
POSTED: dict[str, Any] = {"scope": "ses:eu", "by": "policy"}


@pytest.mark.parametrize(
    ("here", "other", "actions"),
    [
        # only here
        ([cause()], None, ["add"]),
        ([cause(COMPLAINT)], None, ["add"]),
        ([cause(scope="garden")], None, ["add"]),
        ([cause(by="amy@host")], None, ["add"]),
        ([cause(until=NOW + DAY)], None, ["add"]),
        ([cause(LISTED)], None, ["none"]),
        ([cause(LISTED, **POSTED)], None, ["none"]),
        ([cause(COMPLAINT, **POSTED)], None, ["none"]),
        ([cause(address="hmac:0123456789abcdef0123456789abcdef")], None, ["none"]),
        ([cause(scope="kitchen")], None, []),
        ([cause(lifted=1)], None, []),
        ([cause(days=-1)], None, []),
        # came from there
        ([cause(LISTED, **MIRROR)], None, ["release"]),
        ([cause(COMPLAINT, **MIRROR)], None, ["release"]),
        ([cause(LISTED, **MIRROR), cause()], None, ["release", "add"]),
        ([cause(LISTED, **MIRROR, lifted=1, lifted_by="sync:ses:eu")], None, []),
        ([cause(LISTED, scope="ses:us", by="sync:ses:us")], None, []),
        # on both
        ([cause()], there(), ["none"]),
        ([cause()], there(COMPLAINT), ["none"]),
        ([cause(LISTED)], there(), ["none"]),
        ([cause(LISTED, **MIRROR)], there(), ["none"]),
        ([cause(LISTED, **MIRROR), cause(lifted=1)], there(), ["none"]),
        ([cause(COMPLAINT, **POSTED)], there(COMPLAINT), ["none"]),
        # only there
        ([], there(), ["enter"]),
        ([cause(scope="kitchen")], there(), ["enter"]),
        ([cause(domain="example.net", address=None)], there(), ["enter"]),
        ([cause(days=-1)], there(), ["enter"]),
        # ended here
        ([cause(lifted=1)], there(), ["remove"]),
        ([cause(scope="garden", lifted=1)], there(), ["remove"]),
        ([cause(until=NOW - DAY)], there(), ["remove"]),
        ([cause(until=NOW - DAY, lifted=0.5)], there(), ["remove"]),
        ([cause(LISTED, **MIRROR, lifted=1)], there(), ["remove"]),
        ([cause(LISTED, **POSTED, lifted=1)], there(), ["remove"]),
        ([cause(lifted=6)], there(), ["enter"]),
        ([cause(lifted=5)], there(), ["enter"]),
        ([cause(until=NOW - 7 * DAY, lifted=1)], there(), ["enter"]),
        ([cause(lifted=1)], there(days=None), ["enter"]),
        ([cause(LISTED, lifted=1)], there(), ["enter"]),
        ([cause(scope="kitchen", lifted=1)], there(), ["enter"]),
        ([cause(LISTED, **MIRROR, lifted=1, lifted_by="sync:ses:eu")], there(), ["enter"]),
        ([cause(lifted=1)], there(COMPLAINT), ["enter"]),
        ([cause(lifted=1)], there(UNSUBSCRIBE, LISTED), ["enter"]),
        ([cause(COMPLAINT, lifted=1)], there(COMPLAINT), ["remove"]),
        ([cause(UNSUBSCRIBE, lifted=1)], there(COMPLAINT, LISTED), ["remove"]),
        ([cause(COMPLAINT, lifted=2), cause(lifted=1)], there(COMPLAINT), ["enter"]),
        ([cause(COMPLAINT, **POSTED, lifted=1)], there(COMPLAINT), ["remove"]),
    ],
)
def test_what_is_done_about_an_address(here: list[Cause], other: There | None, actions: list[str]) -> None:
    assert [str(one.action) for one in decide(standing_of(here, ACCOUNT, NOW), other)] == actions


@pytest.mark.parametrize(
    ("here", "other", "because"),
    [
        ([cause()], None, "only here"),
        ([cause(LISTED)], None, "only here, and no fact that is ours to tell there"),
        ([cause(LISTED, **MIRROR)], None, "it came from there, and is gone there"),
        ([], there(), "only there"),
        ([cause(lifted=6)], there(), "only there, and newer than what ended here"),
        ([cause(lifted=1)], there(days=None), "only there; since when isn't said, so it may be newer than what ended here"),
        ([cause(lifted=1)], there(COMPLAINT), "there it is of a complaint, which what ended here was not"),
        ([cause(lifted=1)], there(), "ended here after it was entered there"),
        ([cause()], there(), "on both"),
    ],
)
def test_a_row_says_why(here: list[Cause], other: There | None, because: str) -> None:
    assert [one.because for one in decide(standing_of(here, ACCOUNT, NOW), other)] == [because]


def test_of_several_causes_the_withdrawal_is_told() -> None:
    told = standing_of([cause(), cause(COMPLAINT), cause()], ACCOUNT, NOW).told
    assert (told and told.reason) == COMPLAINT


@pytest.mark.parametrize(
    ("entries", "merged"),
    [
        ([(LISTED, 5, "b"), (COMPLAINT, 6, "c")], ((COMPLAINT, LISTED), 5, "c")),
        ([(COMPLAINT, 6, "c"), (LISTED, 5, "b")], ((COMPLAINT, LISTED), 5, "c")),
        ([(LISTED, 6, "a"), (LISTED, 5, "b")], ((LISTED,), 5, "a")),
        ([(LISTED, 6, "a"), (UNSUBSCRIBE, None, "u"), (COMPLAINT, 1, "c")], ((COMPLAINT, UNSUBSCRIBE, LISTED), None, "c")),
        ([(UNKNOWN, 6, "a")], ((LISTED,), 6, "a")),
    ],
)
def test_the_entries_of_one_address_are_one(entries: list[tuple[Reason, float | None, str]], merged: tuple[Any, float | None, str]) -> None:
    found: There | None = None
    for reason, days, word in entries:
        found = merge(found, Listed(RUTH, reason, None if days is None else NOW - days * DAY, word))
    reasons, days, word = merged
    assert found == There(RUTH, reasons, None if days is None else NOW - days * DAY, word)


def test_which_way_each_goes() -> None:
    assert {str(action): action.way for action in Action} == {"add": "push", "remove": "push", "enter": "pull", "release": "pull", "none": None}


def test_addresses_are_compared_and_not_their_spelling() -> None:
    here = [Standing("Ruth@EXAMPLE.net", told=cause().suppression)]
    assert [(one.address, str(one.action)) for one in differences(here, {RUTH: there(), "omar@example.net": there()})] == [(RUTH, "none"), (RUTH, "enter")]


TIMES = st.integers(1, 8)
CAUSES = st.builds(
    lambda reason, days, lifted, lifted_by, until, who: cause(
        reason, days=days + 1, lifted=lifted and min(lifted, days), lifted_by=lifted_by, until=None if until is None else NOW - (days - until) * DAY, **who
    ),
    st.sampled_from([UNKNOWN, LISTED, COMPLAINT, UNSUBSCRIBE]),
    TIMES,
    st.none() | TIMES,
    st.sampled_from(["amy@host", "sync:ses:eu", "policy"]),
    st.none() | st.integers(1, 20),
    st.sampled_from([{}, {"scope": "garden"}, {"scope": "kitchen"}, MIRROR, POSTED, {"by": "amy@host"}]),
)
OTHERS = st.none() | st.builds(lambda reasons, days: there(*(one for one in (COMPLAINT, UNSUBSCRIBE, LISTED) if one in reasons), days=days), st.sets(st.sampled_from([COMPLAINT, UNSUBSCRIBE, LISTED]), min_size=1), st.none() | TIMES)


def applied(here: Iterable[Cause], other: There | None, ways: set[str]) -> tuple[list[Cause], There | None]:
    """What both sides have after a sync one way or both, as the ledger and an ESP would do it."""
    causes = list(here)
    for row in list(decide(standing_of(causes, ACCOUNT, NOW), other)):
        if row.action.way not in ways:
            continue
        if row.action is Action.ENTER and other is not None:
            causes.append(cause(other.reasons[0], days=0, **MIRROR))
        elif row.action is Action.RELEASE:
            causes = [msgspec.structs.replace(one, lifted_at=NOW, lifted_by=ACCOUNT.by, active=False) if one.active and ACCOUNT.is_mirror(one.suppression) else one for one in causes]
        elif row.action is Action.ADD:
            told = standing_of(causes, ACCOUNT, NOW).told
            other = there(told.reason if told and told.reason in {COMPLAINT, UNSUBSCRIBE} else LISTED, days=0)
        elif row.action is Action.REMOVE:
            other = None
    return causes, other


@given(st.lists(CAUSES, max_size=4), OTHERS)
def test_after_a_sync_both_ways_nothing_differs(here: list[Cause], other: There | None) -> None:
    causes, left = applied(here, other, {"push", "pull"})
    assert [row for row in decide(standing_of(causes, ACCOUNT, NOW), left) if row.action is not Action.NONE] == []


@given(st.lists(CAUSES, max_size=4), OTHERS, st.sampled_from(["push", "pull"]))
def test_after_a_sync_one_way_nothing_is_left_to_do_that_way(here: list[Cause], other: There | None, way: str) -> None:
    causes, left = applied(here, other, {way})
    assert [row for row in decide(standing_of(causes, ACCOUNT, NOW), left) if row.action.way == way] == []


@given(st.lists(CAUSES, max_size=4), OTHERS)
def test_only_what_has_ended_on_one_side_frees_anybody(here: list[Cause], other: There | None) -> None:
    before = standing_of(here, ACCOUNT, NOW)
    causes, left = applied(here, other, {"push", "pull"})
    freed = (before.in_force is not None or other is not None) and left is None and standing_of(causes, ACCOUNT, NOW).in_force is None
    ended = (other is None and before.mirrored) or (before.in_force is None and before.ended is not None)
    assert ended or not freed
