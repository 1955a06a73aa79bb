"""Once an hour those are let go who took mail since they were suppressed, each list for itself, and those whose time is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.history import FailedMailing
from bounceclass.model import Reason, Scope, Suppression
from bounceclass.outgoing import Outgoing
from bounceclass.plugins import Plugins
from bounceclass.settings import Settings
from bounceclass.store import open_store
from bounceclass.store.records import Selection
from tests.runner.conftest import Sink, World

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("delivered", "left"),
    [([("garden", 6)], ["kitchen"]), ([("kitchen", 6)], ["garden"]), ([("garden", 7), ("kitchen", 6)], []), ([("garden", 1)], ["garden", None, "kitchen"])],
)
def test_a_delivery_that_nothing_contradicts_lifts_what_holds_everywhere_and_on_its_own_list(
    tmp_path: Path, sink: Sink, delivered: list[tuple[str, int]], left: list[str | None]
) -> None:
    world = World(tmp_path, "maildir", f"sqlite:///{tmp_path / 'b.db'}", sink)
    with opened(config.read(str(world.config)), (), ()) as parts:
        with parts.store.transaction() as ledger:
            for scope in ("garden", None, "kitchen"):
                entry = Suppression(address="ruth@example.net", reason=Reason.MEMBERS_ONLY, since=NOW - 9 * DAY, by="policy", scope=scope, cause=(str(scope),))
                ledger.suppress(entry)
            failure = FailedMailing(at=NOW - 9 * DAY, mailing="lost", reason=Reason.MEMBERS_ONLY)
            ledger.record_failure("ruth@example.net", failure, Scope.ADDRESS)
            for stream, days in delivered:
                ledger.record_delivery("ruth@example.net", f"{stream}.1", NOW - days * DAY, stream)
        parts.runner.run((), once=True)
        active = parts.store.suppressions(Selection(active_at=datetime.now(UTC)))
        assert [entry.scope for entry in active] == left


def entry(until: int | None, by: str = "policy", reason: Reason = Reason.MAILBOX_FULL, since: int = -60) -> Suppression:
    end = None if until is None else NOW + until * DAY
    return Suppression(address="ruth@example.net", reason=reason, since=NOW + since * DAY, until=end, by=by, cause=(f"{by}{until}",))


class Lists:
    """Does what it is told, and keeps it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def bounceclass_suppress(self, suppression: Suppression) -> None:
        self.told.append(("suppress", suppression.by))

    def bounceclass_release(self, suppression: Suppression) -> None:
        self.told.append(("release", suppression.by))


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([entry(-1)], [("release", "policy")]),
        ([entry(1)], []),
        ([entry(None)], []),
        ([entry(-1), entry(None, "anna")], []),
        ([entry(-1), entry(5, "anna")], []),
        ([entry(-1, reason=Reason.SUPPRESSED)], []),
    ],
    ids=["it has run out", "it holds still", "it holds for ever", "another cause holds for ever", "another cause holds longer", "the ESP's own list"],
)
def test_the_plugins_are_told_once_when_an_entry_runs_out_and_nothing_else_holds(
    tmp_path: Path, sink: Sink, entries: list[Suppression], told: list[tuple[str, str]]
) -> None:
    world, lists = World(tmp_path, "maildir", f"sqlite:///{tmp_path / 'b.db'}", sink), Lists()
    for _ in range(2):
        with opened(config.read(str(world.config)), [lists], ()) as parts:
            with parts.store.transaction() as ledger:
                for one in entries:
                    ledger.suppress(one)
            parts.runner.run((), once=True)
    assert lists.told == told


def test_where_another_cause_ends_sooner_it_is_told_after_the_release(tmp_path: Path) -> None:
    lists = Lists()
    outgoing, store = Outgoing(Plugins(Settings(), [lists])), open_store(f"sqlite:///{tmp_path / 'b.db'}")
    with store.transaction() as ledger:
        for one in (entry(None, "anna"), entry(5)):
            ledger.suppress(one)
        (lifted,) = ledger.lift(Selection(by="anna"), at=NOW, by="anna", why="asked by phone")
        outgoing.release(ledger, lifted, NOW)
    assert [(call.hook, msgspec.json.decode(call.payload)["by"]) for call in store.outbox.calls()] == [("release", "anna"), ("suppress", "policy")]
    store.close()
