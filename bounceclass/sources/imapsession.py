"""One connection to an IMAP server: login, names of folders, mails by their UIDs, and taking exactly these away.

Whatever goes wrong is an OSError or an IMAP4.error (`TROUBLE`); the connection is given up then.
"""

from __future__ import annotations

import imaplib
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bounceclass.errors import InputError, MissingExtraError
from bounceclass.sources.account import trusting
from bounceclass.sources.login import access_token, password_of, said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from bounceclass.settings import Limits
    from bounceclass.sources.account import Account
    from bounceclass.sources.login import LoginPause

__all__ = ["PROCESSED", "TROUBLE", "Mail", "Selection", "Session"]

LOG: Final = logging.getLogger("bounceclass")
PROCESSED: Final = "$BouncesProcessed"
"""The keyword of what is done with, where a server can't take single mails away."""
TROUBLE: Final = (OSError, imaplib.IMAP4.error)
_DELETED: Final = "\\Deleted"
_PAGE: Final = 200
"""Mails whose sizes are asked for at a time, and UIDs of one command."""
_OCTETS: Final = 4 * 1024 * 1024
"""Of the mails that are fetched at a time."""
_SPAN: Final = 50_000
"""UIDs that are searched at a time: the answer is one line."""


class Selection(msgspec.Struct, frozen=True, eq=False):
    """A folder as it was when it was opened: its UIDs mean something only together with `validity`."""

    validity: int
    next_uid: int | None
    exists: int
    keywords: bool
    """Whether a keyword stays."""


class Mail(msgspec.Struct, frozen=True):
    """One mail as the server has it; `cut` where only its head was asked for."""

    uid: int
    raw: bytes
    cut: bool
    received_at: datetime | None


class Session:
    """A connection that is logged in."""

    def __init__(self, account: Account, pause: LoginPause) -> None:
        """Connect and log in. Raises what TROUBLE names, InputError for a login that is refused, SettingsError and MissingExtraError."""
        try:
            import imapclient  # noqa: PLC0415  an extra
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "imapclient", "mailbox") from error

        pause.check()
        self._account = account
        encrypted = account.tls == "tls"
        context = None if account.tls == "none" else trusting(account)
        self._client: Any = imapclient.IMAPClient(
            account.host, account.port, ssl=encrypted, ssl_context=context if encrypted else None, timeout=account.timeout
        )
        self._idling = False
        self._exists = 0
        self._names: dict[str, str] = {}
        try:
            self._client.normalise_times = False
            if account.tls == "starttls":
                self._start_tls(context)
            self._log_in(pause)
        except BaseException:
            self.abandon()
            raise

    def _start_tls(self, context: object) -> None:
        if not self._client.has_capability("STARTTLS"):
            raise InputError(self._account.shown, "the server has no STARTTLS: use imaps://, or cleartext=yes where the way to it is safe")
        self._client.starttls(context)

    def _log_in(self, pause: LoginPause) -> None:
        from imapclient.exceptions import LoginError  # noqa: PLC0415  as above

        account, client = self._account, self._client
        secret = access_token(account) if account.token_command else password_of(account)
        try:
            if account.token_command:
                login = client.oauthbearer_login if client.has_capability("AUTH=OAUTHBEARER") else client.oauth2_login
                login(account.user, secret)
            elif client.has_capability("AUTH=PLAIN"):
                client.plain_login(account.user, secret)
            elif client.has_capability("LOGINDISABLED"):
                raise InputError(account.shown, "the server takes no password on this connection (LOGINDISABLED)")
            else:
                client.login(account.user, secret)
        except LoginError as error:
            if isinstance(error.__context__, imaplib.IMAP4.abort):
                raise error.__context__ from None
            raise pause.refused(said(error)) from error
        pause.accepted()

    def folder(self, name: str) -> str:
        """Return a folder's name as this server writes it: its own delimiter for "/", and its prefix for what is ours."""
        if name not in self._names:
            self._names[name] = "INBOX" if name.upper() == "INBOX" else self._written(name)
        return self._names[name]

    def _written(self, name: str) -> str:
        spaces = self._client.namespace() if self._client.has_capability("NAMESPACE") else ()
        known = [tuple(space) for kind in spaces for space in kind or ()]
        prefix, delimiter = known[0] if known else ("", self._delimiter())
        written = name.replace("/", delimiter) if delimiter else name
        return written if any(start and written.startswith(start) for start, _ in known) else f"{prefix}{written}"

    def _delimiter(self) -> str:
        found = self._client.list_folders("", "")
        delimiter = found[0][1] if found else b"/"
        return delimiter.decode() if isinstance(delimiter, bytes) else delimiter or ""

    def ensure(self, folder: str) -> None:
        """Make a folder where there is none."""
        if not self._client.folder_exists(folder):
            self._client.create_folder(folder)
            self._client.subscribe_folder(folder)

    def select(self, folder: str, *, readonly: bool) -> Selection:
        """Open a folder."""
        self._wake()
        told = self._client.select_folder(folder, readonly)
        self._exists = told.get(b"EXISTS", 0)
        lasting = {flag.lower() for flag in told.get(b"PERMANENTFLAGS", ())}
        return Selection(
            told.get(b"UIDVALIDITY", 0), told.get(b"UIDNEXT"), self._exists, bool(lasting & {b"\\*", PROCESSED.lower().encode()})
        )

    def unprocessed(self, selection: Selection) -> Iterator[list[int]]:
        """Yield the UIDs of what is neither deleted nor marked as processed, in portions, the oldest first."""
        start, span = 1, _SPAN
        while selection.exists:
            last = None if selection.next_uid is None else start + span - 1
            found = sorted(self._client.search(f"UID {start}:{last or '*'} UNDELETED UNKEYWORD {PROCESSED}"))
            yield found
            start, span = start + span, _SPAN if found else 4 * span
            if selection.next_uid is None or start >= selection.next_uid:
                return

    def mails(self, uids: Sequence[int], limits: Limits) -> Iterator[Mail]:
        """Yield mails, unread as they were; one that has gone meanwhile is left out."""
        for start in range(0, len(uids), _PAGE):
            facts = self._client.fetch(uids[start : start + _PAGE], ["RFC822.SIZE", "INTERNALDATE"])
            sizes = {uid: facts[uid].get(b"RFC822.SIZE", 0) for uid in sorted(facts)}
            for group in _groups(sizes):
                large = sizes[group[0]] > limits.message
                for uid, raw in self._bodies(group, limits.head if large else None):
                    cut = large or len(raw) > limits.message
                    yield Mail(uid, raw[: limits.head] if cut else raw, cut, facts[uid].get(b"INTERNALDATE"))

    def _bodies(self, uids: Sequence[int], head: int | None) -> Iterator[tuple[int, bytes]]:
        wanted = "BODY.PEEK[]" if head is None else f"BODY.PEEK[]<0.{head}>"
        try:
            found = self._client.fetch(uids, [wanted])
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            if len(uids) > 1:  # one of them is to blame
                for uid in uids:
                    yield from self._bodies([uid], head)
                return
            LOG.error("%s;UID=%d: the server can't give it: %s", self._account.shown, uids[0], said(error))  # noqa: TRY400  no fault of ours
            return
        for uid in sorted(found):
            raw = found[uid].get(b"BODY[]" if head is None else b"BODY[]<0>")
            if isinstance(raw, bytes):
                yield uid, raw

    @property
    def moves(self) -> bool:
        """Whether the server moves mails by itself (RFC 6851)."""
        return bool(self._client.has_capability("MOVE"))

    @property
    def expunges(self) -> bool:
        """Whether single mails can be taken away (UIDPLUS)."""
        return bool(self._client.has_capability("UIDPLUS"))

    def move(self, uids: Sequence[int], folder: str | None, selection: Selection) -> None:
        """Take mails into a folder, or away where it is None; nothing else that is marked as deleted goes with them."""
        for start in range(0, len(uids), _PAGE):
            page = uids[start : start + _PAGE]
            if folder is not None and self.moves:
                self._client.move(page, folder)
                continue
            if folder is not None:
                self._client.copy(page, folder)
            self._client.add_flags(page, [_DELETED, *([PROCESSED] if selection.keywords else [])], silent=True)
            self._client.uid_expunge(page)

    def mark(self, uids: Sequence[int], folder: str | None = None) -> None:
        """Mark mails as processed, and copy them into a folder."""
        for start in range(0, len(uids), _PAGE):
            page = uids[start : start + _PAGE]
            if folder is not None:
                self._client.copy(page, folder)
            self._client.add_flags(page, [PROCESSED], silent=True)

    def append(self, folder: str, raw: bytes, at: datetime | None) -> None:
        """Add a mail to a folder, as one that nobody has read."""
        self._client.append(folder, raw, (), at)

    def sweep(self) -> None:
        """Take away what was marked for that by somebody who died before it went."""
        if left := self._client.search(f"DELETED KEYWORD {PROCESSED}"):
            self.move(left, None, Selection(0, None, len(left), keywords=True))

    def wait(self, seconds: float) -> bool:
        """Wait until something happens in the folder; tell whether it did. The server is left to tell (IDLE)."""
        if not self._client.has_capability("IDLE"):
            time.sleep(seconds)
            return False
        if not self._idling:
            if self._tells_of_mail(self._client.noop()[1]):  # since the search: what comes with the very answer to IDLE is not seen until something follows it
                return True
            self._client.idle()
            self._idling = True
        begun = time.monotonic()
        told = self._client.idle_check(seconds)
        if not told and time.monotonic() - begun < seconds / 2:
            msg = "the server closed the connection"
            raise ConnectionResetError(msg)
        return self._tells_of_mail(told)

    def _tells_of_mail(self, told: Sequence[tuple[Any, ...]]) -> bool:
        """Whether to look: the number of mails is another (some servers repeat it unasked), or the server goes."""
        return any((line[1:2] == (b"EXISTS",) and line[0] != self._exists) or line[0] == b"BYE" for line in told)

    def _wake(self) -> None:
        if self._idling:
            self._idling = False
            self._client.idle_done()

    def close(self) -> None:
        """Log out."""
        try:
            self._wake()
            self._client.logout()
        except TROUBLE:
            self.abandon()

    def abandon(self) -> None:
        """End the connection without a word: the server may be dead."""
        with suppress(*TROUBLE):
            self._client.shutdown()


def _groups(sizes: dict[int, int]) -> Iterator[list[int]]:
    """Yield UIDs that may be fetched at a time: a large one alone."""
    group: list[int] = []
    octets = 0
    for uid, size in sizes.items():
        if group and octets + size > _OCTETS:
            yield group
            group, octets = [], 0
        group.append(uid)
        octets += size
    if group:
        yield group
