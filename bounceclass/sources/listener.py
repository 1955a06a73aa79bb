"""LMTP and SMTP (RFC 2033, 5321) as sources: an MTA hands bounces over, and is told 250 when they lie on the disk.

    lmtp:127.0.0.1:8024?spool=/var/lib/bounceclass/spool
    lmtp:/run/bounceclass/lmtp.sock?spool=/var/lib/bounceclass/spool
    smtp:127.0.0.1:8025?spool=/var/lib/bounceclass/spool

    processed=PLACE, quarantine=PLACE     as of a Maildir, which the spool is

Each recipient's copy is a message of its own: a tag of ours stands in the address. Every recipient is taken, and nothing is passed
on to others. What can't be stored now is answered with 451, so that the MTA keeps it; nothing but a command that is none gets 5yz.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from bounceclass.errors import InputError, MissingExtraError, SettingsError
from bounceclass.sources.location import locate
from bounceclass.sources.maildir import Maildir
from bounceclass.sources.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.protocols import Item
    from bounceclass.settings import Limits

__all__ = ["Listener", "address_of"]

LOG: Final = logging.getLogger("bounceclass")
_OPTIONS: Final = ("spool", "processed", "quarantine")
_MOST: Final = 256 * 1024 * 1024
"""Octets of a message, above what any MTA hands over: a bounce that is refused is lost."""
_LINE: Final = 8 * 1024 * 1024
"""Octets of a line. RFC 5321 allows 1,000, and bounces return what they were given."""


class Listener:
    """A listener and its spool. It listens from the first reading on, in a thread of its own, until it is closed."""

    def __init__(self, url: str, limits: Limits) -> None:
        """Take the URL apart. Raises SettingsError for one that doesn't fit."""
        place = locate(url, _OPTIONS)
        self.url = url
        self._lmtp = url.partition(":")[0] == "lmtp"
        self._path, self._host, self._port = address_of(url, place.path)
        if not place.options.get("spool"):
            msg = f"{url}: has no spool: write ?spool=FOLDER, where messages are stored before they are taken"
            raise SettingsError(msg)
        self.path = Path(place.options["spool"])
        options = "&".join(f"{name}={quote(place.options[name])}" for name in _OPTIONS[1:] if name in place.options)
        self._maildir = Maildir(f"maildir:{quote(str(self.path))}{'?' if options else ''}{options}", limits)
        self.quarantine = self._maildir.quarantine
        self._controller: Any = None
        self._arrived = threading.Event()

    def items(self) -> Iterator[Item]:
        """Yield what lies in the spool; the first call begins to listen. Raises InputError where it can't."""
        if self._controller is None:
            Spool(self.path).make()
            self._listen()
        self._arrived.clear()
        yield from self._maildir.items()

    def peek(self) -> Iterator[Item]:
        """Yield what lies in the spool; nobody is listened to."""
        if self.path.is_dir():
            yield from self._maildir.peek()

    def watch(self, timeout: float) -> bool:
        """Wait until a message was taken."""
        return self._arrived.wait(timeout)

    def _listen(self) -> None:
        try:
            from aiosmtpd.controller import Controller, UnixSocketController  # noqa: PLC0415  an extra
            from aiosmtpd.lmtp import LMTP  # noqa: PLC0415  as above
            from aiosmtpd.smtp import SMTP  # noqa: PLC0415  as above
        except ImportError as error:
            raise MissingExtraError(error.name or "aiosmtpd", "mailbox") from error
        protocol = LMTP if self._lmtp else SMTP

        class Protocol(protocol):  # type: ignore[misc, valid-type]
            line_length_limit = _LINE

        handler = _Handler(Spool(self.path), self._arrived, each=self._lmtp)
        make = lambda *_: Protocol(handler, data_size_limit=_MOST, enable_SMTPUTF8=True, ident="bounceclass")  # noqa: E731
        kind = type("Controller", (UnixSocketController if self._path else Controller,), {"factory": make})
        if self._path:
            Path(self._path).unlink(missing_ok=True)  # of a run that was killed
        controller = kind(handler, unix_socket=self._path) if self._path else kind(handler, hostname=self._host, port=self._port)
        try:
            controller.start()
        except (OSError, TimeoutError) as error:
            controller.loop.close()
            raise InputError(self.url, getattr(error, "strerror", None) or str(error)) from error
        if self._path:
            os.chmod(self._path, 0o666)  # noqa: PTH101, S103  who may reach it is its folder's matter, as MTAs have it
        self._controller = controller
        LOG.info("%s: listening", self.url)

    def settle(self) -> None:
        """Make durable what was finished."""
        self._maildir.settle()

    def close(self) -> None:
        """Listen no more. A message that is being taken is told 421, or stored and told so."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None
            if self._path:
                Path(self._path).unlink(missing_ok=True)
        self._maildir.close()


class _Handler:
    """What aiosmtpd asks: `each` recipient gets a reply of its own after the data, as LMTP wants."""

    def __init__(self, spool: Spool, arrived: threading.Event, *, each: bool) -> None:
        self._spool = spool
        self._arrived = arrived
        self._each = each

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: ANN401, N802  aiosmtpd's
        replies = []
        for recipient in envelope.rcpt_tos:
            try:
                await asyncio.to_thread(self._spool.store, envelope.original_content, sender=envelope.mail_from or "", recipient=recipient)
                replies.append("250 2.0.0 Stored")
            except OSError as error:
                LOG.error("a message for %s was not taken: %s", recipient, error.strerror or error)  # noqa: TRY400  the disk's fault
                replies.append("451 4.3.0 Not stored, try again")
        self._arrived.set()
        if self._each:
            return "\r\n".join(replies)
        return max(replies)  # one reply for all: who was stored is met again, and known


def address_of(url: str, text: str) -> tuple[str | None, str | None, int]:
    """Return the path of a socket, or host and port. Raises SettingsError where it is none of them."""
    if text.startswith("/"):
        return text, None, 0
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:  # noqa: PLR2004  TCP's
        msg = f"{url}: names no address to listen at: write HOST:PORT, or the path of a socket"
        raise SettingsError(msg)
    return None, host.strip("[]"), int(port)
