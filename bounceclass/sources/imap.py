"""A folder of an IMAP server as a source: what is finished is moved into another folder of the same account.

    imaps://ruth%40example.com@mx.example.com/INBOX?password=env:MAIL_PASSWORD

    processed=FOLDER        where the inputs go (Processed); empty deletes them
    quarantine=FOLDER       where inputs go that can't be processed (Quarantine)

A UID means a mail only together with the folder's UIDVALIDITY, and is used only on the connection that
told it, where the folder is still the same: what was not finished before is met again, and known.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from bounceclass.errors import InputError, SettingsError
from bounceclass.protocols import Item
from bounceclass.sources.account import account_of
from bounceclass.sources.imapsession import PROCESSED, TROUBLE, Session
from bounceclass.sources.login import LoginPause, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.settings import Limits
    from bounceclass.sources.imapsession import Mail, Selection

__all__ = ["Imap"]

LOG: Final = logging.getLogger("bounceclass")
_OPTIONS: Final = ("processed", "quarantine")


class Imap:
    """A folder on a server; connected from its first reading on."""

    def __init__(self, url: str, limits: Limits) -> None:
        """Take the URL apart; nothing is connected. Raises SettingsError for a URL that doesn't fit."""
        self._account = account_of(url, _OPTIONS)
        self.url = self._account.shown
        self._folder = self._account.folder or "INBOX"
        self._processed = self._account.options.get("processed", "Processed") or None
        self.quarantine = self._account.options.get("quarantine") or "Quarantine"
        if self._folder.upper() in {(self._processed or "").upper(), self.quarantine.upper()}:
            msg = f"{self.url}: processed and quarantine must be other folders than {self._folder}"
            raise SettingsError(msg)
        self._limits = limits
        self._pause = LoginPause(self._account)
        self._session: Session | None = None
        self._selection: Selection | None = None
        self._done: list[int] = []
        self._marking_is_said = False

    def items(self) -> Iterator[Item]:
        """Yield what is in the folder now, the oldest first. Raises InputError where the server can't be used now."""
        self.settle()
        with self._in_touch():
            session, selection = self._open(readonly=False)
            self._prepare(session, selection)
            for uids in session.unprocessed(selection):
                for mail in session.mails(uids, self._limits):
                    yield self._item(mail, selection)

    def peek(self) -> Iterator[Item]:
        """Yield the same, and change nothing on the server."""
        with self._in_touch():
            session, selection = self._open(readonly=True)
            for uids in session.unprocessed(selection):
                for mail in session.mails(uids, self._limits):
                    yield self._item(mail, None)

    @contextmanager
    def _in_touch(self) -> Iterator[None]:
        """Give up a connection that is in trouble, and say so."""
        try:
            yield
        except TROUBLE as error:
            self._drop()
            raise InputError(self.url, said(error)) from error

    def _open(self, *, readonly: bool) -> tuple[Session, Selection]:
        """Return the connection with the folder opened anew; one that has died is replaced at once."""
        if self._session is not None:
            try:
                self._selection = self._session.select(self._session.folder(self._folder), readonly=readonly)
            except TROUBLE:
                self._drop()
            else:
                return self._session, self._selection
        self._session = Session(self._account, self._pause)
        self._selection = self._session.select(self._session.folder(self._folder), readonly=readonly)
        return self._session, self._selection

    def _prepare(self, session: Session, selection: Selection) -> None:
        """Make the other folders; see that what is processed can be told from what is not."""
        for name in (self._processed, self.quarantine):
            if name is not None:
                session.ensure(session.folder(name))
        if selection.keywords and session.expunges:
            session.sweep()
        if self._can_move(session, self._processed) and self._can_move(session, self.quarantine):
            return
        if not selection.keywords:
            raise InputError(self.url, "the server can't take single mails away (neither MOVE nor UIDPLUS), nor mark them (no keywords)")
        if not self._marking_is_said:
            self._marking_is_said = True
            LOG.warning("%s: the server can't take single mails away: what is processed stays, marked %s", self.url, PROCESSED)

    def _can_move(self, session: Session, folder: str | None) -> bool:
        return session.expunges or (folder is not None and session.moves)

    def _item(self, mail: Mail, selection: Selection | None) -> Item:
        validity = selection.validity if selection else 0
        return Item(
            raw=mail.raw,
            source=f"{self.url}{'' if self._account.folder else '/INBOX'};UID={mail.uid}",
            key=f"{self.url} {validity} {mail.uid}",
            cut=mail.cut,
            received_at=mail.received_at,
            finish=None if selection is None else lambda why: self._finish(mail.uid, selection, why),
        )

    def _finish(self, uid: int, selection: Selection, why: str | None) -> None:
        """Note what is to be moved at the next settling; what goes into quarantine goes at once."""
        if selection is not self._selection:
            msg = "the connection was lost meanwhile"
            raise OSError(msg)
        if why is None:
            self._done.append(uid)
            return
        try:
            self._take([uid], self.quarantine)
        except InputError as error:
            raise OSError(error.fault) from error

    def _take(self, uids: list[int], folder: str | None) -> None:
        with self._in_touch():
            session, selection = self._session, self._selection
            if session is None or selection is None:
                return
            self._see_that_it_is_the_same(session, selection)
            target = None if folder is None else session.folder(folder)
            if self._can_move(session, folder):
                session.move(uids, target, selection)
            else:
                session.mark(uids, target if folder == self.quarantine else None)

    def _see_that_it_is_the_same(self, session: Session, selection: Selection) -> None:
        """Raise where the folder is another by now: servers go on, with the old UIDs for new mails, after it was made anew."""
        if session.select(session.folder(self._folder), readonly=False).validity != selection.validity:
            msg = "the folder was made anew meanwhile (its UIDVALIDITY has changed)"
            raise ConnectionResetError(msg)

    def settle(self) -> None:
        """Move what was finished. Raises InputError where that fails: it is met again then."""
        done, self._done = self._done, []
        if done:
            self._take(done, self._processed)

    def watch(self, timeout: float) -> bool:
        """Wait until mail arrives, at most that many seconds; tell whether to look."""
        if self._session is None:
            time.sleep(timeout)
            return False
        try:
            return self._session.wait(timeout)
        except TROUBLE:
            self._drop()
            return True

    def _drop(self) -> None:
        session, self._session, self._selection, self._done = self._session, None, None, []
        if session is not None:
            session.abandon()

    def close(self) -> None:
        """Log out; what is not finished stays where it is."""
        session, self._session = self._session, None
        if session is not None:
            session.close()
        self._drop()
