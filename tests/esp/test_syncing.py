"""Our store and an ESP's list, made the same one way or both: what is kept, who is told, and what stops it."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bounceclass import byhand, config
from bounceclass.comparison import Action
from bounceclass.errors import Refused, Retry, SettingsError
from bounceclass.model import Reason, Suppression
from bounceclass.outgoing import Outgoing
from bounceclass.plugins import Plugins
from bounceclass.remotelist import Patience
from bounceclass.store import open_store
from bounceclass.store.records import Selection
from bounceclass.syncing import Plan, Sync, dangers
from tests.esp.loopback import Answer, Server
from tests.esp.remotes import acting
from tests.esp.team import Team

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bounceclass.store.database import Database

SHOP = "resend:shop"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SETTINGS = """
[plugins.resend.shop]
api_key = {{ secret = "one" }}
api_url = "{url}"

[plugins.postmark.news]
api_key = {{ secret = "two" }}
api_url = "{url}"
scope = "resend:shop"
"""


class Desk:
    """Our side: a store, the plugins of two accounts, and a sync of one of them."""

    def __init__(self, store: Database, plugins: Plugins) -> None:
        self.store = store
        self.outgoing = Outgoing(plugins)
        self.plugin: Any = plugins.instance(SHOP)
        self.slept: list[float] = []
        self.refused: list[tuple[str, str]] = []

    def sync(self) -> Sync:
        return Sync(SHOP, self.plugin, self.store, self.outgoing, Patience(self.slept.append), refused=lambda *one: self.refused.append(one))

    def rows(self, plan: Plan) -> list[tuple[str, str]]:
        return [(str(one.action), one.address) for one in plan.rows]

    def both(self) -> list[tuple[str, str]]:
        sync = self.sync()
        plan = sync.compare()
        sync.pull(plan.rows, "test")
        sync.push(plan.rows, "test")
        return self.rows(plan)

    def enter(self, *addresses: str, reason: Reason = Reason.USER_UNKNOWN, **more: Any) -> None:
        since = datetime.now(UTC) - timedelta(days=30)
        byhand.enter(self.store, self.outgoing, [Suppression(**{"address": one, "reason": reason, "since": since, "by": "policy", **more}) for one in addresses], "test")

    def lift(self, address: str) -> None:
        byhand.lift(self.store, self.outgoing, Selection(address=address), by="amy@host", why="test")

    def active(self) -> list[tuple[str | None, str, str | None, str]]:
        found = self.store.suppressions(Selection(active_at=datetime.now(UTC)))
        return [(one.address, str(one.reason), one.scope, one.by) for one in found]

    def forget_calls(self) -> None:
        self.store.outbox.done([call.id for call in self.store.outbox.calls()], datetime.now(UTC))

    def calls(self) -> list[tuple[str, str]]:
        return [(call.plugin, call.hook) for call in self.store.outbox.calls()]


@pytest.fixture(autouse=True)
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bounceclass.http.Pace.wait", lambda _self: None)


@pytest.fixture
def team(server: Server) -> Team:
    return Team(server)


@pytest.fixture
def plugins(server: Server, tmp_path: Path) -> Plugins:
    (tmp_path / "b.toml").write_text(SETTINGS.format(url=server.url), encoding="utf-8")
    return Plugins(config.read(str(tmp_path / "b.toml")))


@pytest.fixture
def desk(plugins: Plugins, tmp_path: Path) -> Iterator[Desk]:
    with closing(open_store(f"sqlite:///{tmp_path}/b.db")) as store:
        yield Desk(store, plugins)


def test_both_lists_are_made_the_same_and_a_second_time_nothing_differs(desk: Desk, team: Team) -> None:
    team.put("eve@example.net", "gone@example.net", "released@example.net", at=LONG_AGO)
    team.put("angry@example.net", "both@example.net", origin="complaint", at=LONG_AGO)
    desk.enter("ruth@example.net", "Both@example.net", "released@example.net")
    desk.enter("paul@example.net", reason=Reason.COMPLAINT)
    desk.enter("copy@example.net", reason=Reason.SUPPRESSED)
    desk.enter("other@example.net", scope="kitchen")
    desk.enter("gone@example.net", scope=SHOP, reason=Reason.SUPPRESSED, by=f"sync:{SHOP}")
    del team.listed["gone@example.net"]
    desk.lift("released@example.net")
    desk.forget_calls()
    assert sorted(desk.both()) == [
        ("add", "paul@example.net"),
        ("add", "ruth@example.net"),
        ("enter", "angry@example.net"),
        ("enter", "eve@example.net"),
        ("release", "gone@example.net"),
        ("remove", "released@example.net"),
    ]
    assert sorted(team.listed) == ["angry@example.net", "both@example.net", "eve@example.net", "paul@example.net", "ruth@example.net"]
    assert sorted(one for one in desk.active() if one[3] == "sync:resend:shop") == [
        ("angry@example.net", "complaint", SHOP, "sync:resend:shop"),
        ("eve@example.net", "suppressed", SHOP, "sync:resend:shop"),
    ]
    assert desk.both() == []


def test_what_is_learnt_there_is_told_to_others_as_a_post_s_would_be_and_never_back(desk: Desk, team: Team) -> None:
    team.put("eve@example.net")
    team.put("angry@example.net", origin="complaint")
    desk.enter("ruth@example.net")
    desk.forget_calls()
    desk.both()
    assert desk.calls() == [("postmark:news", "suppress")]  # of the complaint alone: a copy is no new fact
    del team.listed["angry@example.net"], team.listed["eve@example.net"]
    desk.forget_calls()
    desk.both()
    assert desk.calls() == [("postmark:news", "release")]


def test_what_was_done_is_in_the_history_of_each(desk: Desk, team: Team) -> None:
    team.put("eve@example.net")
    team.put("released@example.net", at=LONG_AGO)
    desk.enter("ruth@example.net", "released@example.net")
    desk.lift("released@example.net")
    desk.both()
    del team.listed["eve@example.net"]
    desk.both()
    lines = {one: [(line.what, line.by, line.why) for line in desk.store.why(f"{one}@example.net", datetime.now(UTC)).history] for one in ("eve", "ruth", "released")}
    by = "sync:resend:shop"
    assert lines["eve"] == [("suppress", by, "test: on the list of resend:shop (bounce)"), ("release", by, "test: gone from the list of resend:shop")]
    assert lines["ruth"][1:] == [("sync", by, "test: put on the list of resend:shop")]
    assert lines["released"][2:] == [("sync", by, "test: taken from the list of resend:shop")]


def test_a_copy_that_somebody_lifts_here_is_removed_there_and_not_entered_again(desk: Desk, team: Team) -> None:
    team.put("eve@example.net")
    desk.both()
    desk.lift("eve@example.net")
    assert desk.both() == [("remove", "eve@example.net")]
    assert (team.listed, desk.active(), desk.both()) == ({}, [], [])


def test_one_way_leaves_the_other_side_alone(desk: Desk, team: Team) -> None:
    team.put("eve@example.net")
    desk.enter("ruth@example.net")
    sync = desk.sync()
    rows = sync.compare().rows
    sync.pull(rows, "test")
    assert team.changes() == []
    sync.push(rows, "test")
    assert team.changes() == [("add", ["ruth@example.net"])]
    assert sync.done == {Action.ENTER: 1, Action.ADD: 1}


def test_looking_changes_nothing(desk: Desk, team: Team) -> None:
    team.put("eve@example.net", "amy@example.net")
    desk.enter("ruth@example.net", "amy@example.net")
    before = desk.active()
    plan = desk.sync().compare(everything=True, limit=1)
    assert desk.rows(plan) == [("none", "amy@example.net"), ("add", "ruth@example.net")]
    assert (plan.counts, plan.there) == ({Action.ADD: 1, Action.ENTER: 1, Action.NONE: 1}, 2)
    assert (desk.active(), team.changes()) == (before, [])


def test_what_has_changed_since_the_lists_were_read_is_left(desk: Desk, team: Team) -> None:
    team.put("eve@example.net", "released@example.net", at=LONG_AGO)
    desk.enter("ruth@example.net", "released@example.net")
    desk.lift("released@example.net")
    sync = desk.sync()
    rows = sync.compare().rows
    desk.lift("ruth@example.net")
    desk.enter("eve@example.net", "released@example.net")
    sync.pull(rows, "test")
    sync.push(rows, "test")
    assert (sync.changed, sync.done, team.changes()) == (3, {}, [])
    assert [one for one in desk.active() if one[3].startswith("sync")] == []


def test_many_are_put_there_by_hundreds_and_one_that_is_refused_stops_no_other(desk: Desk, team: Team) -> None:
    team.refuses = lambda address: address == "user77@example.net"
    desk.enter(*(f"user{number}@example.net" for number in range(250)))
    desk.both()
    assert len(team.listed) == 249
    assert [address for address, _ in desk.refused] == ["user77@example.net"]
    assert [len(emails) for _, emails in team.changes()][:1] == [100]
    assert desk.both() == [("add", "user77@example.net")]


def test_where_all_are_refused_it_ends(desk: Desk, team: Team) -> None:
    team.refuses = lambda _address: True
    desk.enter(*(f"user{number}@example.net" for number in range(250)))
    sync = desk.sync()
    with pytest.raises(Refused, match="25 were refused one after another"):
        sync.push(sync.compare().rows, "test")
    assert (sync.refused, sync.done, len(team.changes()) < 100) == (25, {}, True)


def test_a_batch_that_is_to_wait_is_made_again_with_its_key(desk: Desk, team: Team, server: Server) -> None:
    desk.enter("ruth@example.net")
    sync = desk.sync()
    rows = sync.compare().rows
    server.answers = [Answer(429, headers=(("Retry-After", "9"),)), Answer(503, headers=(("Retry-After", "4"),))]
    sync.push(rows, "test")
    assert (desk.slept, list(team.listed)) == ([9.0, 8.0], ["ruth@example.net"])
    assert len({one.headers["idempotency-key"] for one in server.asked if one.method == "POST"}) == 1
    again = desk.sync()
    team.listed.clear()
    again.push(again.compare().rows, "test")
    assert len({one.headers["idempotency-key"] for one in server.asked if one.method == "POST"}) == 2


def test_one_that_is_to_wait_for_too_long_stops_and_what_was_done_is_kept(desk: Desk, team: Team, server: Server) -> None:
    desk.enter(*(f"user{number:03}@example.net" for number in range(150)))
    sync = desk.sync()
    rows = sync.compare().rows
    server.answers = [Answer(body={}), Answer(429, headers=(("Retry-After", "3600"),))]
    with pytest.raises(Retry):
        sync.push(rows, "test")
    assert (sync.done, desk.slept) == ({Action.ADD: 100}, [])
    team.put(*(f"user{number:03}@example.net" for number in range(100)))  # what the first answer stood for
    assert desk.both() == [("add", f"user{number:03}@example.net") for number in range(100, 150)]


def test_a_list_that_breaks_off_changes_nothing(desk: Desk, team: Team, server: Server) -> None:
    team.put(*(f"user{number}@example.net" for number in range(9)))
    desk.both()
    before = desk.active()
    server.answers = [Answer(body={"has_more": True, "data": [next(iter(team.listed.values()))]}), Answer(500, headers=(("Retry-After", "3600"),))]
    with pytest.raises(Retry):
        desk.sync().compare()
    assert (desk.active(), team.changes()) == (before, [])


def test_what_is_no_address_there_is_left_out(desk: Desk, team: Team) -> None:
    team.put("@example.net", "nobody", "eve@example.net")
    plan = desk.sync().compare()
    assert (desk.rows(plan), plan.there, plan.nameless) == ([("enter", "eve@example.net")], 1, 2)


def test_a_store_of_hmacs_takes_what_is_there_and_can_tell_nobody(server: Server, plugins: Plugins, tmp_path: Path) -> None:
    team = Team(server)
    team.put("eve@example.net", "released@example.net", at=LONG_AGO)
    with closing(open_store(f"sqlite:///{tmp_path}/h.db", hash_key=b"0123456789abcdef")) as store:
        desk = Desk(store, plugins)
        desk.enter("ruth@example.net", "released@example.net")
        desk.lift("released@example.net")
        assert sorted(desk.both()) == [("enter", "eve@example.net"), ("remove", "released@example.net")]
        assert store.is_suppressed("eve@example.net", SHOP, datetime.now(UTC))
        del team.listed["eve@example.net"]
        assert [action for action, _ in desk.both()] == ["release"]
        assert not store.is_suppressed("eve@example.net", SHOP, datetime.now(UTC))
        assert desk.both() == []


def plan(there: int = 1000, mirrored: int = 1000, **counts: int) -> Plan:
    from collections import Counter  # noqa: PLC0415

    return Plan((), Counter({Action(name): count for name, count in counts.items()}), there, 0, mirrored)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (plan(release=500, remove=500), []),
        (plan(release=501), ["501 of the 1000 entries here that came from there would be released"]),
        (plan(remove=501), ["501 of the 1000 entries there would be removed"]),
        (plan(mirrored=100, release=100), []),
        (plan(mirrored=101, release=101), ["101 of the 101 entries here that came from there would be released"]),
        (plan(there=0, mirrored=3, release=1), ["the ESP's list reads as empty, and 1 of ours would be released"]),
        (plan(there=0, mirrored=0, add=5000), []),
        (plan(there=5000, mirrored=0, enter=5000), []),
    ],
)
def test_what_would_take_much_from_a_list_is_said_before(found: Plan, said: list[str]) -> None:
    assert list(dangers(found, push=True, pull=True)) == said
    assert list(dangers(found, push=False, pull=False)) == []
    for way in ("push", "pull"):
        assert set(dangers(found, push=way == "push", pull=way == "pull")) <= set(said)


def test_an_esp_whose_list_can_t_be_read_is_an_error(desk: Desk, server: Server) -> None:
    with pytest.raises(SettingsError, match="mailjet: the ESP's list can't be read"):
        Sync("mailjet", acting("mailjet", server), desk.store, desk.outgoing, Patience())


NAMES = st.sampled_from([f"{name}@example.net" for name in ("amy", "bob", "eve")])
STEPS = st.one_of(
    st.tuples(st.just("put"), NAMES, st.sampled_from(["bounce", "complaint", "manual"])),
    st.tuples(st.just("drop"), NAMES, st.none()),
    st.tuples(st.just("enter"), NAMES, st.sampled_from([Reason.USER_UNKNOWN, Reason.COMPLAINT, Reason.SUPPRESSED])),
    st.tuples(st.just("lift"), NAMES, st.none()),
    st.tuples(st.just("sync"), st.just(""), st.none()),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=8))
def test_whatever_has_happened_a_second_sync_finds_nothing(steps: list[tuple[str, str, Any]], server: Server, plugins: Plugins, tmp_path_factory: pytest.TempPathFactory) -> None:
    team = Team(server)
    with closing(open_store(f"sqlite:///{tmp_path_factory.mktemp('store')}/b.db")) as store:
        desk = Desk(store, plugins)
        act: dict[str, Callable[[str, Any], object]] = {
            "put": lambda address, origin: team.put(address, origin=origin),
            "drop": lambda address, _: team.listed.pop(address, None),
            "enter": lambda address, reason: desk.enter(address, reason=reason),
            "lift": lambda address, _: desk.lift(address),
            "sync": lambda *_: desk.both(),
        }
        for what, address, more in steps:
            act[what](address, more)
        desk.both()
        listed, active = dict(team.listed), desk.active()
        assert desk.both() == []
        assert (team.listed, desk.active()) == (listed, active)
        suppressed = {name for name in ("amy@example.net", "bob@example.net", "eve@example.net") if store.is_suppressed(name, SHOP, datetime.now(UTC))}
        assert set(team.listed) <= suppressed
