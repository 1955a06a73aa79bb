"""Where each entry's line stands in the file: an index beside it, SQLite, so that memory does not grow with the file.

The file is the truth. The index knows by a stamp (device, inode, size, times) which state of the file it
is about, and is made again from the file whenever that is another: after a person's edit, a crash, a loss of
power. So nothing in it needs an fsync of its own (WAL: a loss of power takes it back to an older state,
whose stamp then does not fit).

Positions count as if nothing had ever been cut out of the file; what was cut is subtracted when asked.
So taking a line out does not touch the rows of the lines behind it.
"""

from __future__ import annotations

import os
import sqlite3
import weakref
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from bounceclass.errors import Retry
from bounceclass_file.lines import LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

__all__ = ["Index", "Place"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS lines (digest INTEGER, place INTEGER, PRIMARY KEY (digest, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cuts (place INTEGER PRIMARY KEY, length INTEGER);
CREATE TABLE IF NOT EXISTS state (stamp TEXT, done INTEGER);
"""
_FIND: Final = "SELECT place, place - (SELECT coalesce(sum(length), 0) FROM cuts WHERE cuts.place < lines.place) FROM lines WHERE digest = ?"
_BATCH: Final = 50_000
"""Rows that are sorted in memory before they are stored: in order they go in ten times as fast."""
_BUDGET: Final = 15.0  # seconds; well below what a hook may take


class Place(NamedTuple):
    """A line's position as the index counts, and in the file."""

    counted: int
    actual: int


class Index:
    """Opened at first use; used by whoever holds the file's lock."""

    def __init__(self, path: Path, identify: Callable[[bytes], str | None], clock: Callable[[], float]) -> None:
        """Name the index and what tells a line's identity."""
        self.path = path
        self._identify = identify
        self._clock = clock
        self._database: sqlite3.Connection | None = None

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            # One thread at a time uses it: the one that holds the file's lock.
            self._database = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self._close = weakref.finalize(self, self._database.close)  # at exit too: plugins have no hook for an end
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(_SCHEMA)
        return self._database

    def drop(self) -> None:
        """Throw the index away; it is made again when needed."""
        if self._database is not None:
            self._close()
            self._database = None
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)

    def is_about(self, file: int) -> bool:
        """Tell whether the index, as far as it goes, is about the file as it is now."""
        row = self._opened().execute("SELECT stamp FROM state").fetchone()
        return row is not None and row[0] == _stamp(file)

    def catch_up(self, file: int) -> None:
        """Read what the index does not know yet; raises Retry, and goes on from there, where that takes long."""
        database = self._opened()
        if not self.is_about(file):
            with database:
                database.execute("BEGIN")
                for table in ("lines", "cuts", "state"):
                    database.execute(f"DELETE FROM {table}")  # noqa: S608  our own three
                database.execute("INSERT INTO state VALUES (?, 0)", (_stamp(file),))
        (done,) = database.execute("SELECT done FROM state").fetchone()
        size, end = os.fstat(file).st_size, self._clock() + _BUDGET
        if done - self._cut_away() >= size:
            return
        for rows, read in self._batches(file, done):
            with database:
                database.execute("BEGIN")
                database.executemany("INSERT INTO lines VALUES (?, ?)", sorted(rows))
                database.execute("UPDATE state SET done = ?", (read,))
            if read < size and self._clock() > end:
                raise Retry(1, f"{self.path}: is being made anew, {read / size:.0%} done")

    def _cut_away(self) -> int:
        (length,) = self._opened().execute("SELECT coalesce(sum(length), 0) FROM cuts").fetchone()
        return int(length)

    def _batches(self, file: int, start: int) -> Iterator[tuple[list[tuple[int, int]], int]]:
        """Yield (digest, place) of the entries and how far the file is read, in pieces."""
        rows = []
        place = start
        for line, length in _lines(file, start):
            identity = self._identify(line) if line else None
            if identity is not None:
                rows.append((_digest(identity), place))
            place += length
            if len(rows) >= _BATCH:
                yield rows, place
                rows = []
        yield rows, place

    def find(self, identity: str) -> list[Place]:
        """Return where lines stand that may have this identity (by 64 bits of a hash: look at them)."""
        return [Place(*row) for row in self._opened().execute(_FIND, (_digest(identity),))]

    def note(self, file: int, identity: str, *, cut: Iterable[tuple[Place, int]] = (), added: int | None = None) -> None:
        """Note what was done to the file: lines of that length cut out, one added at that position."""
        database, digest = self._opened(), _digest(identity)
        with database:
            database.execute("BEGIN")
            for place, length in cut:
                database.execute("DELETE FROM lines WHERE digest = ? AND place = ?", (digest, place.counted))
                database.execute("INSERT INTO cuts VALUES (?, ?)", (place.counted, length))
            away = self._cut_away()
            if added is not None:
                database.execute("INSERT INTO lines VALUES (?, ?)", (digest, added + away))
            database.execute("UPDATE state SET stamp = ?, done = ?", (_stamp(file), os.fstat(file).st_size + away))


def _stamp(file: int) -> str:
    now = os.fstat(file)
    return f"{now.st_dev} {now.st_ino} {now.st_size} {now.st_mtime_ns} {now.st_ctime_ns}"


def _digest(identity: str) -> int:
    return int.from_bytes(blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)


def _lines(file: int, start: int) -> Iterator[tuple[bytes, int]]:
    """Yield each line and its length; a line too long to be an entry comes as nothing."""
    with os.fdopen(os.dup(file), "rb") as text:
        text.seek(start)
        whole = True
        while piece := text.readline(LONGEST):
            ends = piece.endswith(b"\n")
            yield (piece if whole and ends else b""), len(piece)
            whole = ends
