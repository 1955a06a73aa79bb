"""Adding and removing entries: the file, its index and its layout together."""

from __future__ import annotations

import csv
import errno
import logging
import os
import sqlite3
from typing import TYPE_CHECKING, Final, NamedTuple

from bounceclass.errors import Refused, SettingsError
from bounceclass_file.disk import Disk
from bounceclass_file.index import Index, Place
from bounceclass_file.lines import LONGEST, Entry, cleaned, entry_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bounceclass.model import Suppression
    from bounceclass_file.lines import Layout

__all__ = ["Keeper"]

LOG: Final = logging.getLogger("bounceclass")
_BOM: Final = b"\xef\xbb\xbf"


class _Line(NamedTuple):
    """A line of the file that is the entry looked for."""

    place: Place
    length: int
    entry: Entry

    @property
    def span(self) -> tuple[int, int]:
        return self.place.actual, self.place.actual + self.length


class Keeper:
    """Keeps one file. Several, in as many processes, may keep the same one."""

    def __init__(self, path: str, layout: Layout, clock: Callable[[], float]) -> None:
        """Look whether there can be such a file; write nothing."""
        self._disk = Disk(path)
        self._layout = layout
        self._index = Index(self._disk.path.with_name(f"{self._disk.path.name}.index"), self._identify, clock)

    def add(self, suppression: Suppression) -> None:
        """Add an entry, unless one that lasts as long is there."""
        suppression = cleaned(suppression)
        if self._layout.holds(suppression):
            entry = entry_of(suppression)
            line = f"{self._layout.write(suppression)}\n".encode()
            if len(line) > LONGEST:
                msg = f"an entry of {len(line):,} bytes is longer than a line of {self._disk.path} may be"
                raise Refused(msg)
            self._do(lambda file: self._add(file, entry, line))

    def _add(self, file: int, entry: Entry, line: bytes) -> None:
        lines = self._lines(file, entry)
        if any(one.entry.lasts_as_long_as(entry) for one in lines):
            return
        ours = [one for one in lines if one.entry.ours]
        head = self._layout.head if os.fstat(file).st_size == 0 else b""
        if ours:
            self._disk.rewrite(file, [one.span for one in ours], line)
        else:
            self._disk.append(file, head + line)
        added = os.fstat(file).st_size - len(line)
        self._index.note(file, entry.identity(), cut=[(one.place, one.length) for one in ours], added=added)

    def remove(self, suppression: Suppression) -> None:
        """Take out every line of an entry that a plugin wrote."""
        suppression = cleaned(suppression)
        if self._layout.holds(suppression):
            entry = entry_of(suppression)
            self._do(lambda file: self._remove(file, entry))

    def _remove(self, file: int, entry: Entry) -> None:
        lines = self._lines(file, entry)
        ours = [one for one in lines if one.entry.ours]
        if ours:
            self._disk.rewrite(file, [one.span for one in ours])
            self._index.note(file, entry.identity(), cut=[(one.place, one.length) for one in ours])
        if len(ours) < len(lines):
            LOG.warning("%s: an entry was released, but a line of it that says nothing of who wrote it stays", self._disk.path)

    def _do(self, work: Callable[[int], None]) -> None:
        """Work under the lock; an index that is damaged is thrown away, and the work is done again."""
        with self._disk.held() as file:
            try:
                self._work(file, work)
            except sqlite3.OperationalError as error:
                raise OSError(errno.EIO, f"the index can't be used: {error}", str(self._index.path)) from error
            except sqlite3.DatabaseError:
                LOG.warning("%s: is damaged, and made anew", self._index.path)
                self._index.drop()
                self._work(file, work)

    def _work(self, file: int, work: Callable[[int], None]) -> None:
        if not self._index.is_about(file):
            self._check_head(file)
        self._index.catch_up(file)
        work(file)

    def _check_head(self, file: int) -> None:
        """Refuse to write into a file that is somebody else's."""
        head = self._layout.head.rstrip()
        start = os.pread(file, LONGEST, 0)
        if start and not start.removeprefix(_BOM).startswith(head):
            msg = f"{self._disk.path}: its first line is not {head.decode()!r}, so it is another kind of file, and left alone"
            raise SettingsError(msg)

    def _lines(self, file: int, entry: Entry) -> list[_Line]:
        """Return the lines of the file that are this entry."""
        identity = entry.identity()
        found = []
        for place in self._index.find(identity):
            raw = os.pread(file, LONGEST, place.actual)
            raw = raw[: raw.find(b"\n") + 1]
            read = self._read(raw)
            if read is not None and read.identity() == identity:
                found.append(_Line(place, len(raw), read))
        return found

    def _read(self, raw: bytes) -> Entry | None:
        try:
            return self._layout.read(raw.decode().rstrip("\r\n"))
        except (ValueError, csv.Error, RecursionError):
            return None  # a person's, or damage: kept as it is

    def _identify(self, raw: bytes) -> str | None:
        entry = self._read(raw)
        return entry.identity() if entry else None
