"""A Maildir as a source: `new` and `cur` are read, what is finished goes into another Maildir by a rename.

    /var/mail/bounces/new/1772539200.M1P7.mx        before
    .../bounces/.Processed/cur/1772539200.M1P7.mx:2,      after
    .../bounces/.Quarantine/cur/...                 or here, and why in .Quarantine/why/...

A rename takes effect whole or not at all, so an input is always in one place.
"""

from __future__ import annotations

import errno
import os
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.errors import InputError
from bounceclass.model import clean_text
from bounceclass.protocols import Item
from bounceclass.sources.holding import Hold, sync_folder
from bounceclass.sources.location import locate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bounceclass.settings import Limits

__all__ = ["LOCK", "Maildir", "deposit", "make_maildir", "reason_file", "write_durably"]

LOCK: Final = "bounceclass.lock"
_OPTIONS: Final = ("processed", "quarantine")
_DRAFT: Final = re.compile(r"\..+\.\d+")
_ABANDONED: Final = 36 * 3600
_PAGE: Final = 5000
"""Names that are sorted at a time: memory is bounded in a folder of millions."""


class Maildir:
    """A Maildir that is open, and held alone from its first reading on."""

    def __init__(self, url: str, limits: Limits) -> None:
        """Open the folder that a URL names. Raises SettingsError for a URL that doesn't fit."""
        place = locate(url, _OPTIONS)
        self.url = url
        self.path = Path(place.path)
        processed = place.options.get("processed", ".Processed")
        self._processed = self.path / processed if processed else None
        self.quarantine = self.path / (place.options.get("quarantine") or ".Quarantine")
        self._limits = limits
        self._hold = Hold(self.path / LOCK)
        self._changed: set[Path] = set()
        self._given: set[str] = set()
        """What was given and is not finished: it is still there."""

    def items(self) -> Iterator[Item]:
        """Yield what lies in `new` and `cur` now, by name, which begins with the time of arrival."""
        try:
            for name in ("new", "cur"):
                if not (self.path / name).is_dir():
                    raise InputError(self.url, f"is no Maildir: it has no folder {name}" if self.path.is_dir() else "No such file or directory")
            self._hold.take(self.url)
            _sweep(self.path / "tmp")
            for target in (self._processed, self.quarantine):
                if target is not None:
                    make_maildir(target)
            for name in ("new", "cur"):
                yield from self._read(self.path / name)
        except OSError as error:
            raise InputError(self.url, error.strerror or str(error)) from error

    def peek(self) -> Iterator[Item]:
        """Yield the same; nothing is made, held or moved."""
        try:
            for name in ("new", "cur"):
                yield from (msgspec.structs.replace(item, finish=None) for item in self._read(self.path / name))
        except OSError as error:
            raise InputError(self.url, error.strerror or str(error)) from error

    def _read(self, folder: Path) -> Iterator[Item]:
        self._given.clear()
        while names := self._page(folder):
            for name in names:
                self._given.add(name)
                item = self._item(folder / name)
                if item is not None:
                    yield item

    def _page(self, folder: Path) -> list[str]:
        """Return names that were not given yet, the oldest first; which of more than a page come first is the system's choice."""
        with os.scandir(folder) as entries:
            mails = (entry.name for entry in entries if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False))
            return sorted(islice((name for name in mails if name not in self._given), _PAGE))

    def _item(self, path: Path) -> Item | None:
        try:
            with path.open("rb") as file:
                raw = file.read(self._limits.message + 1)
                received_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        except FileNotFoundError:  # a mail reader has taken it away, or renamed it
            return None
        cut = len(raw) > self._limits.message
        unique = path.name.partition(":")[0]
        return Item(
            raw=raw[: self._limits.head] if cut else raw,
            source=clean_text(str(path)),
            key=f"maildir {clean_text(str(self.path))} {clean_text(unique)}",
            cut=cut,
            received_at=received_at,
            finish=lambda why: self._finish(path, why),
        )

    def _finish(self, path: Path, why: str | None) -> None:
        target = self._processed if why is None else self.quarantine
        with suppress(FileNotFoundError):  # somebody else has taken it away
            if target is None:
                path.unlink()
            else:
                if why is not None:
                    write_durably(reason_file(self.quarantine, path.name), why.encode("utf-8", "replace"))
                _move(path, target / "cur")
                self._changed.add(target / "cur")
            self._changed.add(path.parent)
        self._given.discard(path.name)

    def settle(self) -> None:
        """Write the changed folders to the disk."""
        while self._changed:
            sync_folder(self._changed.pop())

    def close(self) -> None:
        """Let others have the folder."""
        self._hold.release()


def make_maildir(folder: Path) -> None:
    """Make a Maildir where there is none; one that stands in a Maildir is marked as its folder (Maildir++)."""
    if all((folder / name).is_dir() for name in ("tmp", "new", "cur")):
        return
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder.parent / "cur").is_dir():
        (folder / "maildirfolder").touch(mode=0o600)
    sync_folder(folder)
    sync_folder(folder.parent)


def deposit(folder: Path, name: str, raw: bytes, why: str) -> None:
    """Put a mail that stands in no file of its own into a quarantine, and why."""
    make_maildir(folder)
    write_durably(reason_file(folder, name), why.encode("utf-8", "replace"))
    write_durably(folder / "cur" / _flagged(name), raw, by_way_of=folder / "tmp")


def reason_file(quarantine: Path, name: str) -> Path:
    """Return where it is written why a mail of that name is in a quarantine."""
    return quarantine / "why" / name.partition(":")[0]


def write_durably(path: Path, data: bytes | Iterable[bytes], *, by_way_of: Path | None = None) -> None:
    """Write a file whole or not at all, and to the disk."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = (by_way_of or path.parent) / f".{path.name}.{os.getpid()}"
    try:
        with draft.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
    sync_folder(path.parent)


def _sweep(folder: Path) -> None:
    """Delete drafts of ours that a process which died has left; after 36 hours nobody writes on (cr.yp.to/proto/maildir.html)."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if _DRAFT.fullmatch(entry.name) and entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < time.time() - _ABANDONED:
                    os.unlink(entry.path)  # noqa: PTH108  an entry, no path


def _flagged(name: str) -> str:
    return name if ":2," in name else f"{name.partition(':')[0]}:2,"


def _move(path: Path, folder: Path) -> None:
    """Rename, but never onto another mail: one that was put back from there may have met its own copy."""
    target, number = folder / _flagged(path.name), 1
    while target.exists():
        number += 1
        unique, _, flags = _flagged(path.name).partition(":")
        target = folder / f"{unique}.{number}:{flags}"
    try:
        path.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        write_durably(target, path.read_bytes(), by_way_of=folder.parent / "tmp")
        path.unlink()
