"""systemd's journal as a source: what MTAs write there, asked of journalctl. How far is written into a file of ours.

    journal:/var/lib/bounceclass                                    the folder of that file
    journal:/var/lib/bounceclass?unit=postfix@-.service             only of a unit
    journal:/var/lib/bounceclass?directory=/var/log/journal/remote  another journal than this host's

    quarantine=FOLDER     where lines go that can't be processed

Without a unit all of the facility `mail` is read. Rotation is the journal's own matter: a cursor outlives it.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import msgspec

from bounceclass.errors import InputError
from bounceclass.logs.reader import LogReader
from bounceclass.logs.record import Message  # noqa: TC001  msgspec reads the annotations at run time
from bounceclass.sources.holding import Hold
from bounceclass.sources.location import locate
from bounceclass.sources.log import line_item
from bounceclass.sources.maildir import write_durably

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.protocols import Item
    from bounceclass.settings import Limits

__all__ = ["Journal"]

_MAIL: Final = "SYSLOG_FACILITY=2"


class Place(msgspec.Struct):
    """How far the journal is read, and what is remembered of its messages."""

    cursor: str = ""
    messages: dict[str, Message] = {}


class Journal:
    """The journal, held alone from its first reading on."""

    def __init__(self, url: str, limits: Limits) -> None:  # noqa: ARG002  lines have a limit of their own
        """Take the URL apart. Raises SettingsError for one that doesn't fit."""
        place = locate(url, ("unit", "directory", "quarantine"))
        self.url = url
        self.path = Path(place.path)
        options = place.options
        self._which = [f"--unit={options['unit']}"] if options.get("unit") else [_MAIL]
        self._which += [f"--directory={options['directory']}"] if options.get("directory") else []
        self.quarantine = self.path / (options.get("quarantine") or "journal.quarantine")
        self._record = self.path / "journal.bounceclass"
        self._hold = Hold(self.path / ".journal.bounceclass.lock")
        self._reader = LogReader("journald")
        self._place = Place()
        self._open: set[str] = set()
        self._written = ""

    def items(self) -> Iterator[Item]:
        """Yield the entries about recipients behind what was read before."""
        self._hold.take(self.url)
        yield from self.peek()
        self.settle()

    def peek(self) -> Iterator[Item]:
        """Yield the same, and write nothing: others may work on it."""
        self._open.clear()
        try:
            self._place = msgspec.json.decode(self._record.read_bytes(), type=Place) if self._record.exists() else Place()
            self._written = self._place.cursor
            self._reader = LogReader("journald", self._place.messages)
            with tempfile.TemporaryFile() as said:
                yield from self._entries(said)
        except msgspec.DecodeError as error:
            raise InputError(self.url, f"{self._record}: {error}: delete it, and the journal is read from its start") from error
        except OSError as error:
            raise InputError(self.url, error.strerror or str(error)) from error

    def _entries(self, said: IO[bytes]) -> Iterator[Item]:
        program = shutil.which("journalctl")
        if program is None:
            raise InputError(self.url, "journalctl is not installed")
        command = [program, "--quiet", "--no-pager", "--output=json", "--all", *self._which]
        command += [f"--after-cursor={self._place.cursor}"] if self._place.cursor else []
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said)  # noqa: S603  no shell
        try:
            assert process.stdout is not None  # noqa: S101  it was asked for
            for line in process.stdout:
                yield from self._item(line)
            process.wait()
        finally:
            process.kill()
            process.communicate()
        said.seek(0)
        if process.returncode:
            raise InputError(self.url, f"journalctl: {said.read(500).decode('utf-8', 'replace').strip() or process.returncode}")

    def _item(self, line: bytes) -> Iterator[Item]:
        try:
            cursor = msgspec.json.decode(line)["__CURSOR"]
        except (msgspec.DecodeError, TypeError, KeyError):
            return
        self._place.cursor = str(cursor)
        source = f"journal {cursor}"
        if reports := self._reader.read(line, datetime.now(UTC), source):
            yield line_item(line, source, tuple(reports), self.quarantine, self._open)

    def settle(self) -> None:
        """Write down how far the journal is read; not while something is unfinished, which would be left out then."""
        if self._open or self._place.cursor == self._written:
            return
        self._place.messages = self._reader.memory.known()
        write_durably(self._record, msgspec.json.encode(self._place))
        self._written = self._place.cursor

    def close(self) -> None:
        """Let others have it."""
        self._hold.release()
