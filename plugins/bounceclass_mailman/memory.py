"""What has failed and may pass, by list and member: Mailman's own events keep no reason. A small SQLite file in Mailman's data folder.

It is written before Mailman's database, and each mailing once: after a crash between the two the same bounce finds the same.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from bounceclass.addresses import comparable
from bounceclass.history import FailedMailing
from bounceclass.model import Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Memory"]

_SECONDS: Final = 30.0
"""How long another runner's writing is waited for."""
_KEPT: Final = timedelta(days=180)
_NEWEST: Final = 100
_TABLE: Final = """CREATE TABLE IF NOT EXISTS failed (list_id TEXT, member TEXT, mailing TEXT, reason TEXT, at REAL, PRIMARY KEY (list_id, member, mailing))
WITHOUT ROWID"""


class Memory:
    """Opened for each question: a runner asks rarely, and one that is killed holds nothing."""

    def __init__(self, path: Path) -> None:
        """Make the table, where it is missing."""
        self._path = path
        with closing(self._open()) as database, database:
            database.execute(_TABLE)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=_SECONDS)

    def of(self, list_id: str) -> Callable[[str], tuple[FailedMailing, ...]]:
        """Return what tells what of a list failed to a member, the oldest first."""

        def past(member: str) -> tuple[FailedMailing, ...]:
            query = "SELECT at, mailing, reason FROM failed WHERE list_id = ? AND member = ? ORDER BY at DESC LIMIT ?"
            with closing(self._open()) as database:
                rows = database.execute(query, (list_id, comparable(member), _NEWEST)).fetchall()
            return tuple(FailedMailing(at=datetime.fromtimestamp(at, UTC), mailing=mailing, reason=Reason(reason)) for at, mailing, reason in reversed(rows))

        return past

    def add(self, list_id: str, member: str, failure: FailedMailing) -> None:
        """Keep one, if its mailing isn't kept already; forget what is old."""
        row = (list_id, comparable(member), failure.mailing.encode("utf-8", "replace").decode(), failure.reason.value, failure.at.timestamp())
        with closing(self._open()) as database, database:
            database.execute("INSERT OR IGNORE INTO failed VALUES (?, ?, ?, ?, ?)", row)
            database.execute("DELETE FROM failed WHERE at < ?", ((failure.at - _KEPT).timestamp(),))
