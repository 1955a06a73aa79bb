"""An mbox as a source: it is only read. How far is written beside it, so that each message is met once.

    /var/mail/bounces.mbox                  delivered into by others, under their locks
    /var/mail/.bounces.mbox.bounceclass     {"offset": 18311, "before": "9f2c..."}

Where the octets before that place are no longer what they were, the box was emptied, rotated or
rewritten: it is read from the start, and what is known already counts no second time.
"""

from __future__ import annotations

import hashlib
import mailbox
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

import msgspec

from bounceclass.errors import InputError
from bounceclass.model import clean_text
from bounceclass.protocols import Item
from bounceclass.sources.files import split_mbox
from bounceclass.sources.holding import Hold
from bounceclass.sources.location import locate
from bounceclass.sources.maildir import deposit, write_durably

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.settings import Limits

__all__ = ["Mbox"]

_BEFORE: Final = 4096


class Place(msgspec.Struct, frozen=True):
    """How far a box is read: the offset, and a digest of up to 4,096 octets before it."""

    offset: int = 0
    before: str = ""


class Mbox:
    """An mbox that is open, and held alone from its first reading on."""

    def __init__(self, url: str, limits: Limits) -> None:
        """Open the file that a URL names. Raises SettingsError for a URL that doesn't fit."""
        place = locate(url, ("quarantine",))
        self.url = url
        self.path = Path(place.path)
        self.quarantine = self.path.parent / (place.options.get("quarantine") or f"{self.path.name}.quarantine")
        self._record = self.path.with_name(f".{self.path.name}.bounceclass")
        self._hold = Hold(self.path.with_name(f".{self.path.name}.bounceclass.lock"))
        self._limits = limits
        self._open: dict[int, int] = {}
        """End by start of what is given and not finished."""
        self._reached = 0
        self._written = -1

    def items(self) -> Iterator[Item]:
        """Yield the messages behind what was read before."""
        self._open.clear()
        try:
            self.path.stat()  # before anything is made beside it
            self._hold.take(self.url)
            size = self._size()
            with self.path.open("rb") as file:
                self._reached = self._written = self._begin(file, size)
                bounded = _Bounded(file, self._reached, size)
                start = self._reached
                for raw, cut in split_mbox(b"", cast("IO[bytes]", bounded), self._limits):
                    self._open[start] = self._reached = bounded.last
                    yield self._item(raw, start, cut=cut)
                    start = bounded.last
        except OSError as error:
            raise InputError(self.url, error.strerror or str(error)) from error

    def _size(self) -> int:
        """Return how much is there, asked under the locks (fcntl and dotlock) of those who deliver: a message is there whole."""
        try:
            box = mailbox.mbox(self.path, create=False)
        except mailbox.NoSuchMailboxError as error:
            raise InputError(self.url, "No such file or directory") from error
        try:
            box.lock()
            return self.path.stat().st_size
        except mailbox.ExternalClashError as error:
            raise InputError(self.url, "somebody else has it locked") from error
        finally:
            box.close()

    def _begin(self, file: IO[bytes], size: int) -> int:
        """Return where to go on."""
        try:
            place = msgspec.json.decode(self._record.read_bytes(), type=Place)
        except (FileNotFoundError, msgspec.DecodeError):
            return 0
        return place.offset if place.offset <= size and place == _place(file, place.offset) else 0

    def _item(self, raw: bytes, start: int, *, cut: bool) -> Item:
        shown = clean_text(str(self.path))
        digest = hashlib.blake2b(raw, digest_size=8).hexdigest()
        return Item(
            raw=raw,
            source=f"{shown}:{start}",
            key=f"mbox {shown} {start} {digest}",
            cut=cut,
            received_at=_delivered_at(raw),
            finish=lambda why: self._finish(raw, f"{start}.{digest}", start, why),
        )

    def _finish(self, raw: bytes, name: str, start: int, why: str | None) -> None:
        if why is not None:
            deposit(self.quarantine, name, raw, why)
        self._open.pop(start, None)

    def settle(self) -> None:
        """Write down how far everything is finished."""
        reached = min(self._open, default=self._reached)
        if reached != self._written:
            with self.path.open("rb") as file:
                place = _place(file, reached)
            write_durably(self._record, msgspec.json.encode(place))
            self._written = reached

    def close(self) -> None:
        """Let others have the box."""
        self._hold.release()


class _Bounded:
    """A file from one offset to another; `last` is where the line begins that was read last."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self._file = file
        self._at, self._end = start, end
        self.last = start
        file.seek(start)

    def readline(self, limit: int) -> bytes:
        line = self._file.readline(min(limit, self._end - self._at)) if self._at < self._end else b""
        self.last = self._at
        self._at += len(line)
        return line


def _place(file: IO[bytes], offset: int) -> Place:
    start = max(0, offset - _BEFORE)
    file.seek(start)
    return Place(offset, hashlib.blake2b(file.read(offset - start), digest_size=16).hexdigest())


def _delivered_at(raw: bytes) -> datetime | None:
    """Read the time of the From_ line, which RFC 4155 gives in UTC; None where it is something else."""
    line = raw[:300].partition(b"\n")[0].decode("ascii", "replace").split()
    try:
        return datetime.strptime(" ".join(line[-5:]), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
