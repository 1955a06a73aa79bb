"""Bounce runners that are killed at each step, and started again: what is lost, and what counts twice."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.mailman.bounces import bounces
from tests.mailman.host import PATIENCE

if TYPE_CHECKING:
    from tests.mailman.conftest import Site
    from tests.mailman.host import Mailman

WHO = ("unknown", "unknown-plainly")
ALL = [("unknown-plainly@example.org", 1), ("unknown@example.org", 1)]


def fill(mailman: Mailman) -> None:
    mailman.start("lmtp", alone=True)
    mailman.send([bounces(1)[who] for who in WHO])
    mailman.stop()
    assert mailman.queued() == [".pck", ".pck"]


def run_until(mailman: Mailman, checkpoint: str) -> int:
    return mailman.start("bounces", alone=True, KILL_AT=checkpoint).wait(PATIENCE)


def end(mailman: Mailman) -> tuple[list[tuple[str, int]], list[str]]:
    """Let it finish; return the bounces that were registered, and what was put aside."""
    mailman.start("bounces", alone=True)
    mailman.drain()
    mailman.stop()
    return events(mailman)


def events(mailman: Mailman) -> tuple[list[tuple[str, int]], list[str]]:
    return mailman.ask("SELECT email, count(*) FROM bounceevent GROUP BY email ORDER BY email"), mailman.queued("shunt") + mailman.queued("bad")


def test_killed_at_each_step_our_runner_loses_nothing_and_counts_nothing_twice(site: Site) -> None:
    mailman = site("ours", bounces="killing.Ours")
    fill(mailman)
    for checkpoint in ("before the commit", "before the file goes", "after the file went"):
        assert run_until(mailman, checkpoint) == -signal.SIGKILL, mailman.told()
    assert run_until(mailman, "told to stop") == 0, mailman.told()
    assert mailman.queued() == [".pck"]
    assert end(mailman) == (ALL, [])


def test_while_the_database_is_locked_bounces_wait_and_none_is_put_aside(site: Site) -> None:
    mailman = site("locked")
    fill(mailman)
    with closing(sqlite3.connect(mailman.var / "data" / "mailman.db", isolation_level=None)) as database:
        aside = [path.rename(mailman.folder / path.name) for path in (mailman.var / "queue" / "bounces").iterdir()]
        mailman.start("bounces", alone=True)
        mailman.until(lambda: "bounces runner started" in mailman.told(), "it does not start")
        database.execute("BEGIN EXCLUSIVE")
        for path in aside:
            path.rename(mailman.var / "queue" / "bounces" / path.name)
        mailman.until(lambda: "back into the queue" in mailman.told(), "nobody meets the lock")
        database.execute("ROLLBACK")
    mailman.drain()
    assert events(mailman) == (ALL, [])


def test_the_same_loses_a_bounce_with_mailman_s_own_runner_and_puts_one_aside(site: Site) -> None:
    mailman = site("stock", bounces="killing.Stock")
    fill(mailman)
    assert run_until(mailman, "after the file went") == -signal.SIGKILL, mailman.told()
    assert run_until(mailman, "told to stop") == 0, mailman.told()
    assert end(mailman) == ([], [".pck"])
