"""A spool: a Maildir in which a message lies on the disk before anybody is told that we have it.

    Return-Path: <>                                      the envelope, as a delivery agent writes it (RFC 5321, 4.4)
    Delivered-To: news-bounces+tag@lists.example.com
    Received: by mx.example.net ...                      the message, octet by octet

What `bounceclass deliver` and the listeners take in is stored here, and `run` reads it as any Maildir.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import socket
import time
from typing import TYPE_CHECKING, Final

from bounceclass.sources.maildir import make_maildir, write_durably

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Spool", "envelope_of"]

_NUMBERS: Final = itertools.count(1)
_UNFIT: Final = re.compile(r"[\x00-\x20\x7f<>]")
_ADDED: Final = re.compile(rb"(?:X-Bounceclass-[^\n]*\n)*", re.IGNORECASE)
_TRACE: Final = re.compile(rb"(Return-Path|Delivered-To|X-Original-To):[ \t]*<?([^\r\n>]*)>?[^\n]*\n", re.IGNORECASE)
_FROM_LINE: Final = re.compile(rb"From (\S*)[^\r\n]*\r?\n")


class Spool:
    """A folder that messages are stored into; several threads and processes may at once."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it is made when it is needed."""
        self.folder = folder

    def make(self) -> None:
        """Make the folder where it is not there. Raises OSError."""
        make_maildir(self.folder)

    def store(self, raw: bytes, *, sender: str | None = None, recipient: str | None = None) -> Path:
        """Store a message with its envelope and return where it lies, durably. Raises OSError, and then nothing is left of it.

        The line `From SENDER DATE` with which local deliveries begin is taken off; it tells the sender where none is given.
        """
        found = _FROM_LINE.match(raw)
        if found:
            raw = raw[found.end() :]
            sender = found[1].decode("utf-8", "replace") if sender is None else sender
        self.make()
        path = self.folder / "new" / _name()
        write_durably(path, _envelope(sender, recipient, b"\r\n" if b"\r\n" in raw[:1000] else b"\n") + raw, by_way_of=self.folder / "tmp")
        return path

    def keep(self, raw: bytes, key: str | None = None) -> Path:
        """Store a message as it is, durably. With a key it replaces the one of the same key that nobody has taken away yet."""
        self.make()
        name = _name() if key is None else f"{hashlib.blake2b(key.encode('utf-8', 'replace'), digest_size=16).hexdigest()}.bounceclass"
        path = self.folder / "new" / name
        write_durably(path, raw, by_way_of=self.folder / "tmp")
        return path


def envelope_of(raw: bytes) -> tuple[str, str | None, bytes]:
    """Return sender, recipient and mail of what a delivery agent stored: the envelope on top (below what we added) is taken off.

    The recipient is None where none stands there.
    """
    found = _ADDED.match(raw)
    start = at = found.end() if found else 0
    told: dict[bytes, str] = {}
    while line := _TRACE.match(raw, at):
        told.setdefault(line[1].lower(), line[2].decode("utf-8", "replace").strip())
        at = line.end()
    return told.get(b"return-path", ""), told.get(b"x-original-to") or told.get(b"delivered-to") or None, raw[:start] + raw[at:]


def _name() -> str:
    """Return a name that is unique (cr.yp.to/proto/maildir.html) and sorts by the time of arrival."""
    seconds, micro = divmod(time.time_ns() // 1000, 1_000_000)
    host = re.sub(r"[^\w.-]", "_", socket.gethostname())
    return f"{seconds}.M{micro:06}P{os.getpid()}Q{next(_NUMBERS)}.{host}"


def _envelope(sender: str | None, recipient: str | None, end: bytes) -> bytes:
    lines = []
    if sender is not None:
        lines.append(f"Return-Path: <{'' if sender in {'<>', 'MAILER-DAEMON'} else _UNFIT.sub('', sender)}>")
    if recipient:
        lines.append(f"Delivered-To: {_UNFIT.sub('', recipient)}")
    return b"".join(line.encode("utf-8", "replace") + end for line in lines)
