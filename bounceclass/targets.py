"""Where a filter passes mail on to, by URL. What `deliver` has returned from is theirs; it may be given twice after a crash.

    maildir:FOLDER               a Maildir, durably
    lmtp:HOST:PORT               the next server, with the envelope that the mail came with; smtp: alike
    lmtp:/run/app/lmtp.sock
    imaps://USER@SERVER/FOLDER   a folder; options as of the source

Where the next server says 5yz for good, that is Refused: the mail belongs in quarantine, for whoever sent it has long been told 250.
"""

from __future__ import annotations

import re
import smtplib
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from bounceclass.errors import InputError, Refused, SettingsError
from bounceclass.sources.account import account_of
from bounceclass.sources.imapsession import TROUBLE, Session
from bounceclass.sources.listener import address_of
from bounceclass.sources.location import locate, without_password
from bounceclass.sources.login import LoginPause, said
from bounceclass.sources.spool import Spool, envelope_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bounceclass.protocols import Item

__all__ = ["Target", "open_target"]

_TIMEOUT: Final = 60.0
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")


class Target(Protocol):
    """A place that takes mail."""

    def deliver(self, raw: bytes, item: Item) -> None:
        """Hand a mail over. Raises OSError where waiting may help, and Refused where it won't."""

    def close(self) -> None:
        """Let go of it."""


class Folder:
    """A Maildir."""

    def __init__(self, url: str) -> None:
        """Take the URL apart. Raises SettingsError."""
        self._spool = Spool(Path(locate(url, ()).path))

    def deliver(self, raw: bytes, item: Item) -> None:
        """See Target. A mail that is delivered again after a crash replaces itself, unless it was taken away."""
        self._spool.keep(raw, item.key or None)

    def close(self) -> None:
        """See Target."""


class Server:
    """The next server by LMTP or SMTP; the connection is kept while it lasts."""

    def __init__(self, url: str) -> None:
        """Take the URL apart. Raises SettingsError."""
        self._lmtp = url.partition(":")[0] == "lmtp"
        self._path, self._host, self._port = address_of(url, locate(url, ()).path)
        self._client: smtplib.SMTP | None = None

    def deliver(self, raw: bytes, item: Item) -> None:  # noqa: ARG002  the envelope stands in the mail
        """See Target."""
        sender, recipient, mail = envelope_of(raw)
        if recipient is None:
            msg = "to whom it was sent isn't known: no Delivered-To or X-Original-To is on top"
            raise Refused(msg)
        try:
            self._connected().sendmail(sender, [recipient], _LINE_END.sub(b"\r\n", mail))
        except ValueError as error:  # an address beyond ASCII
            raise Refused(str(error)) from error
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
            self.close()
            code, text = next(iter(error.recipients.values())) if isinstance(error, smtplib.SMTPRecipientsRefused) else (error.smtp_code, error.smtp_error)
            words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
            msg = f"the next server says {code} {words}"
            raise (Refused if code // 100 == 5 else OSError)(msg) from error  # noqa: PLR2004  for good
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            msg = f"the next server: {getattr(error, 'strerror', None) or error}"
            raise OSError(msg) from error

    def _connected(self) -> smtplib.SMTP:
        if self._client is None:
            kind: Callable[..., smtplib.SMTP] = smtplib.LMTP if self._lmtp else smtplib.SMTP
            self._client = kind(self._path or self._host, self._port) if self._path else kind(self._host, self._port, timeout=_TIMEOUT)
        return self._client

    def close(self) -> None:
        """See Target."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


class Mailbox:
    """A folder on an IMAP server."""

    def __init__(self, url: str) -> None:
        """Take the URL apart. Raises SettingsError."""
        self._account = account_of(url, ())
        self._pause = LoginPause(self._account)
        self._session: Session | None = None

    def deliver(self, raw: bytes, item: Item) -> None:
        """See Target."""
        try:
            if self._session is None:
                self._session = Session(self._account, self._pause)
                self._session.ensure(self._session.folder(self._account.folder or "INBOX"))
            self._session.append(self._session.folder(self._account.folder or "INBOX"), raw, item.received_at)
        except (*TROUBLE, InputError) as error:
            self.close()
            msg = f"{self._account.shown}: {error.fault if isinstance(error, InputError) else said(error)}"
            raise OSError(msg) from error

    def close(self) -> None:
        """See Target."""
        session, self._session = self._session, None
        if session is not None:
            session.close()


_KINDS: Final[dict[str, type[Folder | Server | Mailbox]]] = {"maildir": Folder, "lmtp": Server, "smtp": Server, "imap": Mailbox, "imaps": Mailbox}


def open_target(url: str) -> Target:
    """Return the target of a URL. Raises SettingsError for one that is none."""
    make = _KINDS.get(url.partition(":")[0])
    if make is None:
        msg = f"{without_password(url)}: mail can be passed on to maildir:FOLDER, lmtp: and smtp:HOST:PORT, imap and imaps://USER@SERVER/FOLDER"
        raise SettingsError(msg)
    return make(url)
