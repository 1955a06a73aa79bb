"""Our own log beside the mailbox: one failure counts once, whoever tells of it first, and what the log delivers heals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.history import FailedMailing
from bounceclass.model import Reason, Scope, Suppression
from bounceclass.store.records import Selection
from tests.runner.conftest import Sink, World, bounce, log_line

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC)


def world_with_log(folder: Path, sink: Sink, settings: str = "") -> tuple[World, Path]:
    world = World(folder, "maildir", f"sqlite:///{folder / 'b.db'}", sink, settings)
    path = folder / "mail.log"
    path.touch()
    return world, path


@pytest.mark.parametrize("order", [("dsn", "log", "copy"), ("log", "dsn", "copy"), ("copy", "log", "dsn")])
def test_the_line_the_dsn_and_the_postmasters_copy_of_one_failure_count_once(tmp_path: Path, sink: Sink, order: tuple[str, ...]) -> None:
    world, log = world_with_log(tmp_path, sink)
    full = "552 5.2.2 Mailbox full"
    with opened(config.read(str(world.config)), (), (world.place.url, f"log:{log}")) as parts:
        for teller in order:
            if teller == "log":
                log.write_bytes(log_line(1, "ruth@example.net", full))
            else:
                subject = "Postmaster Copy: Undelivered Mail" if teller == "copy" else "Undelivered Mail Returned to Sender"
                world.place.put(bounce(1, "ruth@example.net", full, subject=subject))
            parts.runner.run(parts.sources, once=True)
        assert parts.runner.counts["inputs"] == 3
        assert len(parts.store.history("ruth@example.net", None, NOW).failures) == 1
    assert {hook: len(whom) for hook, whom in sink.recipients.items()} == {"bounce": 1}
    assert sum(sink.calls.values()) == 1


def test_a_delivery_in_the_log_lifts_what_was_suppressed_before_it(tmp_path: Path, sink: Sink) -> None:
    world, log = world_with_log(tmp_path, sink)
    stamp = (NOW - timedelta(days=6)).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    sent = "to=<ruth@example.net>, relay=mx[192.0.2.1]:25, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Ok)"
    log.write_text(f"{stamp} mx postfix/cleanup[7]: 4gYd: message-id=<m2@lists.example.com>\n{stamp} mx postfix/smtp[9]: 4gYd: {sent}\n", "ascii")
    with opened(config.read(str(world.config)), (), (f"log:{log}",)) as parts:
        with parts.store.transaction() as ledger:
            since = NOW - timedelta(days=9)
            ledger.suppress(Suppression(address="ruth@example.net", reason=Reason.MEMBERS_ONLY, since=since, by="policy", cause=("k",)))
            ledger.record_failure("ruth@example.net", FailedMailing(at=since, mailing="m1", reason=Reason.MEMBERS_ONLY), Scope.ADDRESS)
        parts.runner.run(parts.sources, once=True)
        assert parts.runner.counts["kind delivery"] == 1
        assert list(parts.store.suppressions(Selection(active_at=datetime.now(UTC)))) == []
