"""The file on disk: locked, appended to, written anew. Whatever happens, what was there is whole.

Beside `NAME` stand `NAME.lock`, which one writer at a time holds and which names the line that is being
appended, and, while the file is written anew, `NAME.new`. A line that a crash cut short is known by
the lock file and taken away again; one that a person left without a line end is given one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bounceclass.errors import Retry, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Disk", "Span"]

Span = tuple[int, int]
"""Where bytes stand in the file: from, up to."""
_PATIENCE: Final = 10.0  # seconds; well below what a hook may take
_CHUNK: Final = 1024 * 1024
_MODE: Final = 0o640  # addresses of people; less what the umask takes away
_SAFE: Final = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # not to hang in opening a pipe


class Disk:
    """One file, its lock and its folder."""

    def __init__(self, path: str) -> None:
        """Make the path absolute, so that a later chdir moves nothing; raises SettingsError where no such file can be."""
        self.path = Path(path).absolute()
        self._lock_path = self.path.with_name(f"{self.path.name}.lock")
        self._new_path = self.path.with_name(f"{self.path.name}.new")
        self._lock = -1
        if self.path.is_symlink():
            msg = f"{path}: is a symbolic link; name the file that it leads to"
            raise SettingsError(msg)
        if self.path.exists() and not self.path.is_file():
            msg = f"{path}: is not a regular file"
            raise SettingsError(msg)
        if not self.path.parent.is_dir():
            msg = f"{path}: there is no folder {self.path.parent}"
            raise SettingsError(msg)

    @contextmanager
    def held(self) -> Iterator[int]:
        """Lock out every other writer, mend what a crash left, and give the file's descriptor."""
        self._lock = self._locked()
        try:
            file = self._open()
            try:
                self._mend(file)
                yield file
            finally:
                os.close(file)
        finally:
            os.close(self._lock)

    def _locked(self) -> int:
        """Wait for the lock; raises Retry where another holds it for long."""
        end = time.monotonic() + _PATIENCE
        while True:
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | _SAFE, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(lock), self._lock_path.lstat()):
                    return lock
            except (BlockingIOError, FileNotFoundError):
                pass
            except OSError:
                os.close(lock)
                raise
            os.close(lock)
            if time.monotonic() > end:
                raise Retry(30, f"{self.path}: another process has held the lock for {_PATIENCE:g} s")
            time.sleep(0.005)

    def _open(self) -> int:
        try:
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _SAFE, _MODE)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise OSError(errno.ELOOP, "is a symbolic link; name the file that it leads to", str(self.path)) from error
            raise
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(errno.EINVAL, "is not a regular file", str(self.path))
        return file

    def _mend(self, file: int) -> None:
        """Take away what is left of an append that never ended; end a last line that a person left open."""
        size = os.fstat(file).st_size
        if size == 0 or os.pread(file, 1, size - 1) == b"\n":
            return
        start, _, line = os.pread(self._lock, _CHUNK, 0).partition(b"\n")
        at = int(start) if start.isdigit() else size
        if at < size < at + len(line) and line.startswith(os.pread(file, size - at, at)):
            os.ftruncate(file, at)
        else:
            self._write(file, b"\n")
        os.fsync(file)

    def append(self, file: int, line: bytes) -> None:
        """Add a line at the end, durably; where that fails, nothing of it stays."""
        size = os.fstat(file).st_size
        intent = b"%d\n%b" % (size, line)
        os.pwrite(self._lock, intent, 0)
        os.ftruncate(self._lock, len(intent))
        os.fsync(self._lock)
        try:
            self._write(file, line)
            os.fsync(file)
        except OSError as error:
            with suppress(OSError):  # what stays then is mended by the next writer
                os.ftruncate(file, size)
            raise self._named(error) from error
        if size == 0:
            self._sync_folder()

    def rewrite(self, file: int, cuts: Sequence[Span], line: bytes = b"") -> None:
        """Put in its place a copy of the file without some spans and with a line more; `file` then is the copy.

        Readers see the old file or the new one. Mode and owner stay; where the owner can't be kept,
        the file is left as it was.
        """
        self._new_path.unlink(missing_ok=True)
        new = os.open(self._new_path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | _SAFE, 0o600)
        try:
            self._copy(file, new, cuts)
            self._write(new, line)
            self._keep_rights(os.fstat(file), new)
            os.fsync(new)
            self._new_path.rename(self.path)
            os.dup2(new, file, inheritable=False)
        except OSError as error:
            self._new_path.unlink(missing_ok=True)
            raise self._named(error) from error
        finally:
            os.close(new)
        self._sync_folder()

    def _copy(self, file: int, new: int, cuts: Sequence[Span]) -> None:
        at = 0
        for start, end in (*sorted(cuts), (os.fstat(file).st_size, 0)):
            while at < start:
                piece = os.pread(file, min(_CHUNK, start - at), at)
                if not piece:
                    raise OSError(errno.EIO, "became shorter while it was read", str(self.path))
                self._write(new, piece)
                at += len(piece)
            at = end

    def _write(self, file: int, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(file, left) :]

    def _keep_rights(self, old: os.stat_result, new: int) -> None:
        now = os.fstat(new)
        if (now.st_uid, now.st_gid) != (old.st_uid, old.st_gid):
            os.fchown(new, old.st_uid, old.st_gid)
        os.fchmod(new, stat.S_IMODE(old.st_mode))

    def _named(self, error: OSError) -> OSError:
        """Name the file in an error that came from a bare descriptor."""
        return error if error.filename else OSError(error.errno, error.strerror, str(self.path))

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
