"""A POP3 mailbox as a source: a mail is deleted when everything about it is stored, and kept in a Maildir here where that is wanted.

    pop3s://ruth%40example.com@mx.example.com/?password=env:MAIL_PASSWORD&processed=&quarantine=/var/lib/bounceclass/quarantine

    processed=MAILDIR       where the inputs go; empty deletes them. It has to be said
    quarantine=MAILDIR      where inputs go that can't be processed

The server deletes when a session ends well. What was to go with one that was cut is met again, and known.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.errors import InputError, SettingsError
from bounceclass.model import clean_text
from bounceclass.protocols import Item
from bounceclass.sources.account import account_of
from bounceclass.sources.login import LoginPause, said
from bounceclass.sources.maildir import make_maildir, reason_file, write_durably
from bounceclass.sources.pop3session import TROUBLE, Listed, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.settings import Limits

__all__ = ["Pop3"]

_OPTIONS: Final = ("processed", "quarantine")
_SESSION_SECONDS: Final = 30.0
"""After which a session is ended, and its deletions take effect: nobody else gets in meanwhile."""


class _Given(msgspec.Struct, frozen=True, eq=False):
    """A mail that was given; `raw` is None where it was cut."""

    mail: Listed
    raw: bytes | None
    session: Session


class Pop3:
    """A mailbox on a server; connected while it is read."""

    def __init__(self, url: str, limits: Limits) -> None:
        """Take the URL apart; nothing is connected. Raises SettingsError for a URL that doesn't fit."""
        self._account = account_of(url, _OPTIONS)
        self.url = self._account.shown
        options = self._account.options
        if "processed" not in options or not options.get("quarantine"):
            msg = f"{self.url}: POP3 has no folders: write processed=MAILDIR, or processed= which deletes, and quarantine=MAILDIR, of Maildirs on this machine"
            raise SettingsError(msg)
        if self._account.folder:
            msg = f"{self.url}: POP3 has no folders, and no path"
            raise SettingsError(msg)
        self._processed = Path(options["processed"]) if options["processed"] else None
        self.quarantine = Path(options["quarantine"])
        self._limits = limits
        self._pause = LoginPause(self._account)
        self._session: Session | None = None
        self._done: list[_Given] = []
        self._all_given = False
        self._unsettled = 0
        """How many were given since the last settling."""

    def items(self) -> Iterator[Item]:
        """Yield what is there now, the oldest first. Raises InputError where the server can't be used now."""
        self._end()
        self._all_given = False
        with self._in_touch():
            for folder in (self._processed, self.quarantine):
                if folder is not None:
                    make_maildir(folder)
            yield from self._read(quietly=False)
        self._all_given = True
        if not self._unsettled:
            self._end()

    def peek(self) -> Iterator[Item]:
        """Yield the same, and delete nothing."""
        with self._in_touch():
            for item in self._read(quietly=True):
                yield msgspec.structs.replace(item, finish=None)
        self._end()

    @contextmanager
    def _in_touch(self) -> Iterator[None]:
        """Give up a connection that is in trouble, and say so."""
        try:
            yield
        except TROUBLE as error:
            self._drop()
            raise InputError(self.url, said(error)) from error

    def _read(self, *, quietly: bool) -> Iterator[Item]:
        """Yield each mail once, over as many sessions as it takes: numbers hold for one alone."""
        given: set[str] = set()
        fresh = True
        while fresh:
            session = self._session = self._session or Session(self._account, self._pause)
            fresh = False
            for mail in list(session.listed()):
                if mail.name in given:
                    continue
                if self._session is not session:
                    fresh = True
                    break
                given.add(mail.name)
                self._unsettled += 1
                yield self._item(mail, session, quietly=quietly)

    def _item(self, mail: Listed, session: Session, *, quietly: bool) -> Item:
        raw, cut = session.read(mail, self._limits, quietly=quietly)
        one = _Given(mail, None if cut else raw, session)
        name = clean_text(mail.name)
        return Item(raw=raw, source=f"{self.url}/;UIDL={name}", key=f"{self.url} {name}", cut=cut, finish=lambda why: self._finish(one, why))

    def _finish(self, one: _Given, why: str | None) -> None:
        """Note what is to be deleted at the next settling; what goes into quarantine is there before."""
        if one.session is not self._session:
            msg = "the connection was lost meanwhile"
            raise OSError(msg)
        if why is not None:
            write_durably(reason_file(self.quarantine, self._file_name(one)), why.encode("utf-8", "replace"))
            self._deposit(self.quarantine, one)
        elif self._processed is not None:
            self._deposit(self._processed, one)
        self._done.append(one)

    def _file_name(self, one: _Given) -> str:
        """Return the name of a mail's file, the same whenever it is met: a copy is not kept twice."""
        return f"{hashlib.blake2b(f'{self.url} {one.mail.name}'.encode(), digest_size=16).hexdigest()}.bounceclass"

    def _deposit(self, folder: Path, one: _Given) -> None:
        try:
            data = one.session.whole(one.mail.number) if one.raw is None else one.raw
            write_durably(folder / "cur" / f"{self._file_name(one)}:2,", data, by_way_of=folder / "tmp")
        except TROUBLE as error:
            if one.raw is None:  # in the midst of an answer
                self._drop()
            raise OSError(said(error)) from error

    def settle(self) -> None:
        """Delete what was finished; it goes for good when the session ends, which is soon. Raises InputError where that fails."""
        done, self._done, self._unsettled = self._done, [], 0
        session = self._session
        if session is None:
            return
        with self._in_touch():
            for one in done:
                session.delete(one.mail.number)
            if self._all_given or time.monotonic() - session.since > _SESSION_SECONDS:
                self._session = None
                session.quit()

    def _end(self) -> None:
        self._all_given = True
        self.settle()

    def _drop(self) -> None:
        session, self._session, self._done = self._session, None, []
        if session is not None:
            session.abandon()

    def close(self) -> None:
        """End the session; what is not finished stays."""
        try:
            self._end()
        except InputError:
            self._drop()
