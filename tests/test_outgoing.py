"""Calls of plugins by way of the outbox, on a real store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

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
    [(Retry(90), timedelta(seconds=90)), (Retry(10**9), timedelta(hours=6)), (OSError("away"), timedelta(seconds=30))],
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
