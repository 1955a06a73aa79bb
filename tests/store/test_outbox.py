"""The outbox: at least once, in order for one address, nothing kept of what is done; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bounceclass.store.backlog import Backlog, Waiting
from bounceclass.store.records import Call

if TYPE_CHECKING:
    from bounceclass.store.database import Database

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RUTH, PAUL = "ruth@example.net", "paul@example.net"


def fill(database: Database, *calls: tuple[str, str | None], plugin: str = "ses") -> None:
    with database.transaction() as ledger:
        for key, address in calls:
            ledger.enqueue(plugin, "suppress", key.encode(), key, address=address)


def keys(database: Database, now: datetime = NOW, plugin: str = "ses", lease: timedelta | None = None, limit: int = 100) -> list[str]:
    return [call.key for call in database.outbox.pending(plugin, now, limit, lease)]


def ids(database: Database) -> dict[str, int]:
    return {call.key: call.id for call in database.outbox.calls()}


def test_a_call_is_put_in_once_for_each_plugin_and_hook(database: Database) -> None:
    for plugin in ("ses", "file", "ses"):
        fill(database, ("a", RUTH), plugin=plugin)
    with database.transaction() as ledger:
        ledger.enqueue("ses", "release", b"", "a", address=RUTH)
    assert [(call.plugin, call.hook, call.key) for call in database.outbox.calls()] == [
        ("ses", "suppress", "a"),
        ("file", "suppress", "a"),
        ("ses", "release", "a"),
    ]


def test_of_calls_about_one_address_only_the_first_is_due(database: Database) -> None:
    fill(database, ("a", RUTH), ("b", PAUL), ("c", "Ruth@Example.net"), ("d", None), ("e", None))
    assert keys(database) == ["a", "b", "d", "e"]
    assert keys(database, limit=2) == ["a", "b"]
    database.outbox.done([ids(database)["a"]], NOW)
    assert keys(database) == ["b", "c", "d", "e"]


def test_what_is_put_off_holds_up_its_address_and_nobody_else(database: Database) -> None:
    fill(database, ("a", RUTH), ("b", PAUL), ("c", RUTH))
    fill(database, ("a", RUTH), plugin="file")
    database.outbox.retry_later(ids(database)["b"], NOW + MINUTE, "busy")
    assert (keys(database), keys(database, NOW + MINUTE), keys(database, plugin="file")) == (["a"], ["a", "b"], ["a"])


def test_a_dead_letter_holds_up_nobody_and_can_be_revived(database: Database) -> None:
    fill(database, ("a", RUTH), ("b", RUTH))
    first = ids(database)["a"]
    database.outbox.retry_later(first, NOW, "busy")
    database.outbox.dead(first, "no such account")
    assert keys(database) == ["b"]
    dead = Call(id=first, plugin="ses", hook="suppress", key="a", payload=b"a", attempts=2, state="dead", not_before=NOW, fault="no such account")
    assert list(database.outbox.calls(state="dead")) == [dead]
    database.outbox.revive([first])
    assert keys(database) == ["a"]


def test_what_is_done_is_not_kept_and_not_put_in_again(database: Database) -> None:
    fill(database, ("a", RUTH))
    database.outbox.done([ids(database)["a"]], NOW)
    fill(database, ("a", RUTH))
    assert keys(database) == []
    assert [(call.key, call.payload) for call in database.outbox.calls(state="done")] == [("a", b"")]


@pytest.mark.parametrize(("lease", "again"), [(None, ["a", "b"]), (MINUTE, [])])
def test_a_lease_keeps_calls_from_a_second_reader_until_it_ends(database: Database, lease: timedelta | None, again: list[str]) -> None:
    fill(database, ("a", RUTH), ("b", PAUL))
    assert keys(database, lease=lease) == ["a", "b"]
    assert keys(database, lease=lease) == again
    assert keys(database, NOW + MINUTE) == ["a", "b"]


def test_what_waits_is_counted_for_each_plugin_with_the_time_since_when(database: Database) -> None:
    before = datetime.now(UTC)
    fill(database, ("a", RUTH), ("b", PAUL), ("c", None))
    fill(database, ("d", RUTH), plugin="file")
    by_key = ids(database)
    database.outbox.dead(by_key["a"], "no such account")
    database.outbox.done([by_key["d"]], NOW)
    found = database.backlog(["ses", "file", "none"])
    oldest = found.plugins["ses"].oldest
    assert oldest is not None
    assert before <= oldest <= datetime.now(UTC)
    nothing = Waiting(0, None, 0)
    assert found == Backlog({"ses": Waiting(2, oldest, 1), "file": nothing, "none": nothing}, 0)


def test_a_long_outbox_is_listed_whole(database: Database) -> None:
    fill(database, *((str(number), None) for number in range(1201)))
    assert [call.key for call in database.outbox.calls(plugin="ses")] == [str(number) for number in range(1201)]
    database.outbox.done(ids(database).values(), NOW)
    assert list(database.outbox.calls()) == []
