"""Calls of plugins by way of the outbox, on a real store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bounceclass.breaker import IN_A_ROW
from bounceclass.errors import Refused, Retry
from bounceclass.model import Reason, Suppression
from bounceclass.outgoing import Deliverer, Outgoing, action_key
from bounceclass.plugins import Plugins
from bounceclass.settings import Limits, Settings
from bounceclass.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bounceclass.store.database import Database

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
RUTH = Suppression(address="ruth@example.org", reason=Reason.USER_UNKNOWN, since=NOW, by="policy")


PAUL = Suppression(address="paul@example.org", reason=Reason.USER_UNKNOWN, since=NOW, by="policy")


class Lists:
    """Does what it is told to: raises, or keeps the address."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.got: list[tuple[str, str | None, str]] = []

    def bounceclass_suppress(self, suppression: Suppression, key: str) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.got.append(("suppress", suppression.address, key))

    def bounceclass_release(self, suppression: Suppression, key: str) -> None:
        self.got.append(("release", suppression.address, key))


class Desk:
    """A store, a plugin, and a clock that is set by hand."""

    def __init__(self, store: Database, plugin: object) -> None:
        self.store, self.now = store, NOW
        plugins = Plugins(Settings(limits=Limits(hook_seconds=5)), [plugin])
        self.outgoing = Outgoing(plugins)
        self.deliverer = Deliverer(store.outbox, plugins, 5, lambda: self.now, lambda _name: None)

    def act(self, hook: str, entry: Suppression = RUTH, key: str | None = None) -> None:
        with self.store.transaction() as ledger:
            if hook == "suppress":
                self.outgoing.suppress(ledger, entry, key)
            else:
                self.outgoing.release(ledger, entry, self.now)

    def waiting(self) -> list[tuple[str, timedelta | None]]:
        return [(call.state, call.not_before - self.now if call.not_before else None) for call in self.store.outbox.calls()]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    found = open_store(f"sqlite:///{tmp_path / 'b.db'}")
    yield found
    found.close()


def test_an_action_is_called_once_for_its_key_and_in_order_for_one_address(store: Database) -> None:
    plugin = Lists()
    desk = Desk(store, plugin)
    for hook, key in (("suppress", "k1"), ("suppress", "k1"), ("release", None)):
        desk.act(hook, key=key)
    assert (desk.deliverer.deliver(), desk.deliverer.deliver(), desk.waiting()) == (2, 0, [])
    assert plugin.got == [("suppress", "ruth@example.org", "k1"), ("release", "ruth@example.org", action_key("release", RUTH))]


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (Retry(90), timedelta(seconds=90)),
        (Retry(10**9), timedelta(hours=6)),
        (OSError("away"), timedelta(seconds=30)),
        (Retry(float("nan")), timedelta(seconds=30)),
        (Retry(-5), timedelta(seconds=30)),
    ],
)
def test_a_call_that_fails_is_put_off_and_what_follows_about_the_address_waits_for_it(fault: Exception, waits: timedelta, store: Database) -> None:
    plugin = Lists(fault)
    desk = Desk(store, plugin)
    desk.act("suppress", key="k1")
    desk.act("release")
    assert (desk.deliverer.deliver(), desk.waiting()) == (0, [("pending", waits), ("pending", None)])
    desk.now += waits
    assert (desk.deliverer.deliver(), [hook for hook, *_ in plugin.got]) == (2, ["suppress", "release"])


def test_a_call_that_is_refused_or_fails_thirty_times_is_a_dead_letter(store: Database) -> None:
    desk = Desk(store, Lists(Refused("no such account"), *[OSError("away")] * 30))
    desk.act("suppress", key="k1")
    desk.act("suppress", PAUL, key="k2")
    for _ in range(40):
        desk.deliverer.deliver()
        desk.now += timedelta(hours=6)
    assert [state for state, _ in desk.waiting()] == ["dead", "dead"]
    assert [call.attempts for call in store.outbox.calls()] == [1, 30]


def test_a_plugin_without_the_hook_gets_no_call(store: Database) -> None:
    class Hears:
        def bounceclass_bounce(self, key: str) -> None: ...

    desk = Desk(store, Hears())
    desk.act("suppress", key="k1")
    assert desk.waiting() == []


def test_the_time_for_calls_may_run_out_and_the_rest_is_called_later(store: Database) -> None:
    plugin = Lists()
    desk = Desk(store, plugin)
    desk.act("suppress", key="k1")
    assert (desk.deliverer.deliver(0), desk.deliverer.deliver()) == (0, 1)


def entries(number: int) -> list[Suppression]:
    return [Suppression(address=f"user{one}@example.org", reason=Reason.USER_UNKNOWN, since=NOW, by="policy") for one in range(number)]


def test_an_instance_whose_server_is_away_is_left_alone_and_its_calls_stay_as_they_are(store: Database, caplog: pytest.LogCaptureFixture) -> None:
    plugin = Lists(*[Retry(90, "lists.example.com answered 503") for _ in range(IN_A_ROW + 2)])
    desk = Desk(store, plugin)
    for number, entry in enumerate(entries(300)):
        desk.act("suppress", entry, key=f"k{number}")
    counts = []
    for seconds in (0, 89, 1, 179, 1, 0, 400):  # two probes fail; the third comes through
        desk.now += timedelta(seconds=seconds)
        counts.append((desk.deliverer.deliver(), len(plugin.faults)))
    assert counts == [(0, 2), (0, 2), (0, 1), (0, 1), (0, 0), (0, 0), (300, 0)]
    assert {call.attempts for call in store.outbox.calls()} == set()
    assert sorted(address or "" for _, address, _ in plugin.got) == sorted(entry.address or "" for entry in entries(300))
    said = [record.getMessage() for record in caplog.records if "answered 503" not in record.getMessage()]
    assert said == ["plugin Lists: 5 calls in a row did not come through: none for a while, then one at a time; nothing is lost", "plugin Lists: it goes on"]


def test_while_calls_are_paused_no_attempt_is_counted_and_no_call_is_put_off(store: Database) -> None:
    desk = Desk(store, Lists(*[OSError("away")] * IN_A_ROW))
    for number, entry in enumerate(entries(IN_A_ROW + 3)):
        desk.act("suppress", entry, key=f"k{number}")
    desk.deliverer.deliver()
    assert [(call.attempts, call.not_before is None) for call in store.outbox.calls()] == [(1, False)] * IN_A_ROW + [(0, True)] * 3
    assert desk.deliverer.paused() == {"Lists": NOW + timedelta(seconds=30)}
    desk.now += timedelta(seconds=30)
    assert (desk.deliverer.deliver(), desk.deliverer.paused()) == (IN_A_ROW + 3, {"Lists": None})


def test_calls_that_are_refused_pause_nobody(store: Database) -> None:
    desk = Desk(store, Lists(*[Refused("no such list")] * 20))
    for number, entry in enumerate(entries(25)):
        desk.act("suppress", entry, key=f"k{number}")
    assert (desk.deliverer.deliver(), desk.deliverer.paused(), len(desk.waiting())) == (5, {"Lists": None}, 20)


def test_a_pause_of_one_holds_up_no_other_and_each_has_its_turn_first(store: Database) -> None:
    order: list[str] = []

    class Away:
        def bounceclass_suppress(self, suppression: Suppression) -> None:
            order.append("away")
            raise OSError(suppression.address)

    class Well:
        def bounceclass_suppress(self) -> None:
            order.append("well")

    desk = Desk(store, Away())
    plugins = Plugins(Settings(limits=Limits(hook_seconds=5)), [Away(), Well()])
    desk.outgoing, desk.deliverer = Outgoing(plugins), Deliverer(store.outbox, plugins, 5, lambda: desk.now, lambda _name: None)
    for number, entry in enumerate(entries(20)):
        desk.act("suppress", entry, key=f"k{number}")
    assert desk.deliverer.deliver() == 20
    assert order == ["well"] * 20 + ["away"] * IN_A_ROW
    desk.act("suppress", RUTH, key="more")
    desk.now += timedelta(seconds=30)
    assert (desk.deliverer.deliver(), order[-2:]) == (1, ["away", "well"])
