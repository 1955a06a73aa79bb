"""An MTA's log as a source: it is only read, and followed across rotation. How far is written into a file of ours.

    log:/var/log/mail.log                            the dialect is found out by the lines
    log:/var/log/exim4/mainlog?dialect=exim          or said: postfix, exim, sendmail, opensmtpd, ...
    log:/var/log/kumomta                             a folder of segments
    log:/var/log/mail.log?state=/var/lib/bounceclass

    state=FOLDER          where that file is (beside the log)
    quarantine=FOLDER     where lines go that can't be processed

Each line that tells of a recipient is an Item. What was moved away since is read to its end (`segments.py` says where that is
looked for), a log that was copied and cut from its start. The last line waits until it has its end, and so does a record of
several. What was remembered of messages that are under way is kept, too. Only the log itself is read at first, not what was
rotated away long ago.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import msgspec

from bounceclass.errors import InputError, SettingsError
from bounceclass.logs.joining import join
from bounceclass.logs.reader import DIALECTS, LogReader
from bounceclass.logs.record import Message  # noqa: TC001  msgspec reads the annotations at run time
from bounceclass.model import Trust, clean_text
from bounceclass.protocols import Item, Voucher
from bounceclass.sources.holding import Hold
from bounceclass.sources.location import locate
from bounceclass.sources.maildir import deposit, write_durably
from bounceclass.sources.segments import list_segments, open_segment, unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.model import Report
    from bounceclass.settings import Limits

__all__ = ["Log", "line_item", "reread"]

LOG: Final = logging.getLogger("bounceclass")
_OURS: Final = Voucher(grade=Trust.OWN_MTA, because="the log of our own server says so")
_HEAD: Final = 512
_LONGEST: Final = 256 * 1024
"""Octets of a line that are looked at."""


class Place(msgspec.Struct):
    """How far a log is read: in the file with this head, up to this offset; and what is remembered of its messages."""

    head: str = ""
    length: int = 0
    """Of the head, which the digest is of."""
    offset: int = 0
    messages: dict[str, Message] = {}


class Log:
    """A log that is open, and held alone from its first reading on."""

    def __init__(self, url: str, limits: Limits) -> None:  # noqa: ARG002  lines have a limit of their own
        """Open the log that a URL names. Raises SettingsError for a URL that doesn't fit."""
        place = locate(url, ("dialect", "state", "quarantine"))
        self.url = url
        self.path = Path(place.path)
        self._dialect = place.options.get("dialect") or None
        if self._dialect is not None and self._dialect not in DIALECTS:
            msg = f"{url}: dialect={self._dialect}: known are {', '.join(DIALECTS)}"
            raise SettingsError(msg)
        state = Path(place.options.get("state") or self.path.parent)
        self.quarantine = state / (place.options.get("quarantine") or f"{self.path.name}.quarantine")
        self._record = state / f".{self.path.name}.bounceclass"
        self._hold = Hold(state / f".{self.path.name}.bounceclass.lock")
        self._reader = LogReader(self._dialect)
        self._place = Place()
        self._open: set[str] = set()
        """Keys of what was given and is not finished."""
        self._written = ("", 0)

    def items(self) -> Iterator[Item]:
        """Yield the lines about recipients behind what was read before, of a log that was rotated away first."""
        try:
            self.path.stat()  # before anything is made beside it
        except OSError as error:
            raise InputError(self.url, error.strerror or str(error)) from error
        self._hold.take(self.url)
        yield from self.peek()
        self.settle()

    def peek(self) -> Iterator[Item]:
        """Yield the same, and write nothing: others may work on it."""
        self._open.clear()
        try:
            self._place = self._read_place()
            self._reader = LogReader(self._dialect, self._place.messages)
            is_first = not self._place.length
            for path, ended in self._segments(self._place):
                yield from self._lines(path, ended=ended)
            if is_first and self._place.offset and not self._reader.is_known:
                LOG.warning("%s: no line is of a dialect that is read: %s", self.url, ", ".join(DIALECTS))
        except (OSError, EOFError) as error:  # the second: compressed, and cut off
            raise InputError(self.url, getattr(error, "strerror", None) or str(error)) from error

    def _read_place(self) -> Place:
        try:
            return msgspec.json.decode(self._record.read_bytes(), type=Place)
        except FileNotFoundError:
            return Place()
        except msgspec.DecodeError as error:
            raise InputError(self.url, f"{self._record}: {error}: delete it, and the log is read from its start") from error

    def _segments(self, place: Place) -> Iterator[tuple[Path, bool]]:
        """Yield the files to read, and whether one was written to its end: from the one on that the place is in; at first the log alone, or all of a folder."""
        files = list_segments(self.path)
        if not place.length:
            for file in files if self.path.is_dir() else files[-1:]:
                yield file, file != files[-1]
            return
        here = next((number for number in reversed(range(len(files))) if _is(files[number], place)), None)
        if here is None:
            LOG.warning("%s: what was read last is nowhere to be found: lines may be missing", self.url)
            written = self._record.stat().st_mtime
            files = [file for file in files[:-1] if file.stat().st_mtime > written] + files[-1:]
        for number, file in enumerate(files if here is None else files[here:]):
            if here is None or number:
                self._place = Place()
            yield file, file != files[-1]

    def _lines(self, path: Path, *, ended: bool) -> Iterator[Item]:
        """Read a file from where its place is; the last line, or record, waits until it has its end."""
        if unfinished(path):
            return
        with open_segment(path) as file:
            head = file.read(_HEAD)
            self._place.head, self._place.length = _digest(head), len(head)
            if self._place.offset:
                file.seek(0)
                self._reader.resume(file.readline(_LONGEST))
            file.seek(self._place.offset)
            for record in join(_whole_lines(file), self._reader, ended=ended):
                start, self._place.offset = self._place.offset, self._place.offset + len(record)
                source = f"{clean_text(str(path))}@{start}"
                reports = self._reader.read(record, datetime.now(UTC), source)
                if reports:
                    yield line_item(record, source, tuple(reports), self.quarantine, self._open)

    def settle(self) -> None:
        """Write down how far the log is read; not while something is unfinished, which would be left out then."""
        here = (self._place.head, self._place.offset)
        if self._open or here == self._written:
            return
        self._place.messages = self._reader.memory.known()
        write_durably(self._record, msgspec.json.encode(self._place))
        self._written = here

    def close(self) -> None:
        """Let others have the log."""
        self._hold.release()


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    while (line := file.readline(_LONGEST)).endswith(b"\n") or len(line) == _LONGEST:
        yield line


def line_item(line: bytes, source: str, reports: tuple[Report, ...], quarantine: Path, unfinished: set[str]) -> Item:
    """Return the Item of a line of our own log; its key stands among the unfinished until it is finished."""
    key = f"log {source} {_digest(line)}"
    unfinished.add(key)

    def finish(why: str | None) -> None:
        if why is not None:
            deposit(quarantine, _digest(key.encode("utf-8", "replace")), line, why)
        unfinished.discard(key)

    return Item(raw=line, source=source, key=key, received_at=reports[0].events[0].occurred_at, finish=finish, reports=reports, voucher=_OURS)


def reread(line: bytes, source: str, now: datetime) -> Item:
    """Return the Item of a line that was in quarantine. What others said of its message is lost; raises ValueError where it tells nothing without."""
    reports = tuple(LogReader().read(line, now, source))
    if not reports:
        msg = "it can't be read by itself"
        raise ValueError(msg)
    return Item(raw=line, source=source, received_at=reports[0].events[0].occurred_at, reports=reports, voucher=_OURS)


def _is(path: Path, place: Place) -> bool:
    """Tell whether a file is the one that a place is in, by its head: a copy is as good, and a compressed one."""
    try:
        with open_segment(path) as file:
            if _digest(file.read(place.length)) != place.head:
                return False
            file.seek(max(0, place.offset - 1))
            return not place.offset or file.read(1) != b""
    except (OSError, EOFError):
        return False


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
