"""Once an hour those are let go who took mail since they were suppressed: each list for itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.history import FailedMailing
from bounceclass.model import Reason, Scope, Suppression
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
