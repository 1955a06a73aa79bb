"""Holding a place alone: a lock on a file in it, which the system lets go when the process ends, however it ends."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

from bounceclass.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Hold", "sync_folder"]

_TAKEN: Final = frozenset({errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK})


class Hold:
    """A lock that one process at a time can have. Two that work on one mailbox would each count the other's attempts."""

    def __init__(self, path: Path) -> None:
        """Take the path of the lock file; it is made where it is not there."""
        self._path = path
        self._file: int | None = None

    def take(self, url: str) -> None:
        """Have the lock from now on. Raises InputError where another process has it, or the file can't be made."""
        import fcntl  # noqa: PLC0415  not on Windows, where the rest can be imported

        if self._file is not None:
            return
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise InputError(url, f"{self._path}: {error.strerror or error}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            fault = "another bounceclass works on it" if error.errno in _TAKEN else f"{self._path}: {error.strerror or error}"
            raise InputError(url, fault) from error
        self._file = file

    def release(self) -> None:
        """Let go of it; the file stays, for removing it would let two have it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def sync_folder(folder: Path) -> None:
    """Make what was renamed into or out of a folder durable."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
