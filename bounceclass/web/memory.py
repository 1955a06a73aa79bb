"""What was taken before, so that a repetition counts for nothing, also after a restart.

An entry is made after its delivery lies on the disk: a crash between the two stores the repetition, too, which the
event key then counts once; the other way round, it would be lost.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Memory", "digest"]

_SWEEP: Final = 600.0
_PAGE: Final = 10_000
"""Rows that are forgotten at a time, so that nobody waits long."""

_BEGINNING: Final = (
    "pragma journal_mode = wal",
    "pragma synchronous = normal",  # what the power takes is a repetition that counts once all the same
    "create table if not exists taken (digest blob primary key, at real not null) without rowid",
    "create index if not exists taken_at on taken (at)",
)


def digest(*parts: bytes) -> bytes:
    """Return what stands for a delivery: of so many parts, none of which runs into the next."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.digest()


class Memory:
    """Digests and when they were taken, in a small SQLite file; several threads and processes may use it."""

    def __init__(self, path: Path, seconds: float) -> None:
        """Open the file, or make it; what is older than so many seconds is forgotten. Raises OSError."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._swept = float("-inf")
        try:
            self._file = sqlite3.connect(path, timeout=5, check_same_thread=False, isolation_level=None)
            self._make_ready()
        except sqlite3.Error as error:
            msg = f"{path}: {error}"
            raise OSError(msg) from error

    def _make_ready(self) -> None:
        try:
            for statement in _BEGINNING:
                self._file.execute(statement)
        except sqlite3.Error:
            self._file.close()
            raise

    def has(self, digests: Iterable[bytes], now: float) -> bool:
        """Tell whether one of them was taken within the time. Raises OSError."""
        with self._lock:
            return any(self._ask(one, now - self._seconds) for one in digests)

    def _ask(self, one: bytes, since: float) -> bool:
        try:
            return self._file.execute("select 1 from taken where digest = ? and at > ?", (one, since)).fetchone() is not None
        except sqlite3.Error as error:
            raise OSError(str(error)) from error

    def add(self, digests: Iterable[bytes], now: float) -> None:
        """Remember them. Raises OSError."""
        with self._lock:
            try:
                self._file.executemany("insert or replace into taken values (?, ?)", [(one, now) for one in digests])
                self._sweep(now)
            except sqlite3.Error as error:
                raise OSError(str(error)) from error

    def _sweep(self, now: float) -> None:
        if now - self._swept < _SWEEP:
            return
        old = "delete from taken where digest in (select digest from taken where at <= ? limit ?)"
        if self._file.execute(old, (now - self._seconds, _PAGE)).rowcount < _PAGE:
            self._swept = now

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()
