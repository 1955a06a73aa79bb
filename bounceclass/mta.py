"""What MTAs ask before they mail somebody: is the recipient suppressed? Two protocols of Postfix, over TCP or a socket of the system.

    policy       request=smtpd_access_policy        a policy service (SMTPD_POLICY_README): attributes, an empty line;
                 recipient=ruth@example.net         the answer is an action
    socketmap    23:access ruth@example.net,        a table (socketmap_table(5)): a netstring with the table's name and the key

    access       550 5.7.1 suppressed: user-unknown    refuses, where the mail is handed in
    transport    discard:suppressed: user-unknown      drops the mail for this recipient alone

An answer is of this moment; nothing is remembered. Where the store is away, the answer is what was configured: as for anybody else, or that
the mail has to wait.
"""

from __future__ import annotations

import logging
import os
import socketserver
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bounceclass.errors import InputError, StoreError
from bounceclass.sources.listener import address_of
from bounceclass.tags import find_tags, verify_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from io import BufferedIOBase

    from bounceclass.model import Suppression
    from bounceclass.store.database import Database
    from bounceclass.tags import Key

__all__ = ["Asked", "Server", "answer_policy", "answer_socketmap"]

LOG: Final = logging.getLogger("bounceclass")
_TABLES: Final = {"access": "550 5.7.1 suppressed: {}", "transport": "discard:suppressed: {}"}
_LONGEST: Final = 16 * 1024
"""Octets of a question."""
_IDLE: Final = 600.0


class Asked:
    """Answers from the store. A tag of ours in the sender tells the list; else it is `stream`."""

    def __init__(self, store: Database, stream: str | None = None, keys: Sequence[Key] = (), days: int = 0, *, defer: bool = False) -> None:
        """Take the store, what tells the list, and whether mail waits while the store is away."""
        self._store = store
        self._stream = stream
        self._keys = keys
        self._days = days
        self._defer = defer
        self._away = threading.Event()

    def suppression(self, recipient: str, sender: str) -> Suppression | None:
        """Return what suppresses a recipient now, None where nothing does. Raises StoreError where mail has to wait for the answer."""
        now = datetime.now(UTC)
        try:
            found = self._store.suppression_of(recipient, self._list_of(sender, now), now)
        except StoreError as error:
            if not self._away.is_set():
                self._away.set()
                LOG.error("%s: recipients are %s until it is back", error, "told to wait" if self._defer else "not looked up")  # noqa: TRY400  said in one line
            if self._defer:
                raise
            return None
        if self._away.is_set():
            self._away.clear()
            LOG.warning("the store is back")
        return found

    def _list_of(self, sender: str, now: datetime) -> str | None:
        for tag in find_tags(sender[:512]) if self._keys else ():
            proof = verify_tag(tag, self._keys, now.date(), days=self._days)
            if proof.fault is None and proof.addressee is not None:
                return proof.addressee.stream
        return self._stream


def answer_policy(attributes: dict[str, str], asked: Asked) -> str:
    """Return the action for a recipient: a refusal, DUNNO for anybody who is not suppressed, DEFER where the answer has to wait."""
    recipient = attributes.get("recipient", "")
    if not _is_whole(recipient):
        return "DUNNO"
    try:
        found = asked.suppression(recipient, attributes.get("sender", ""))
    except StoreError:
        return "DEFER 4.3.0 who is suppressed can't be looked up now"
    return "DUNNO" if found is None else _TABLES["access"].format(found.reason)


def answer_socketmap(question: str, asked: Asked) -> str:
    """Return the reply to "TABLE KEY": OK and a value, NOTFOUND, TEMP where it has to wait, PERM for a table that there is not."""
    table, _, key = question.partition(" ")
    if table not in _TABLES:
        return f"PERM there is no table of that name: {', '.join(_TABLES)}"
    if not _is_whole(key):  # Postfix asks for domains and local parts, too
        return "NOTFOUND "
    try:
        found = asked.suppression(key, "")
    except StoreError:
        return "TEMP who is suppressed can't be looked up now"
    return "NOTFOUND " if found is None else f"OK {_TABLES[table].format(found.reason)}"


def _is_whole(address: str) -> bool:
    local, at, domain = address.rpartition("@")
    return bool(local and at and domain)


def _serve_policy(asked: Asked, lines: BufferedIOBase, reply: Callable[[bytes], object]) -> None:
    attributes: dict[str, str] = {}
    size = 0
    while line := lines.readline(_LONGEST):
        size += len(line)
        if size > _LONGEST or not line.endswith(b"\n"):
            return
        if text := line.strip().decode("utf-8", "replace"):
            name, _, value = text.partition("=")
            attributes[name] = value
            continue
        reply(f"action={answer_policy(attributes, asked)}\n\n".encode())
        attributes, size = {}, 0


def _serve_socketmap(asked: Asked, stream: BufferedIOBase, reply: Callable[[bytes], object]) -> None:
    while head := _length(stream):
        question = stream.read(head + 1)
        if len(question) != head + 1 or not question.endswith(b","):
            return
        answer = answer_socketmap(question[:-1].decode("utf-8", "replace"), asked).encode()
        reply(b"%d:%s," % (len(answer), answer))


def _length(stream: BufferedIOBase) -> int | None:
    """Read the head of a netstring (cr.yp.to/proto/netstrings.txt), None where there is none."""
    digits = b""
    while (octet := stream.read(1)) != b":":
        digits += octet
        if not octet.isdigit() or len(digits) > 5:  # noqa: PLR2004  as many as the longest has
            return None
    return int(digits) if digits and int(digits) <= _LONGEST else None


_PROTOCOLS: Final = {"policy": _serve_policy, "socketmap": _serve_socketmap}


class Server:
    """Answers at one address, each connection in a thread of its own, until it is closed."""

    def __init__(self, protocol: str, address: str, asked: Asked) -> None:
        """Listen at HOST:PORT, or at the path of a socket. Raises SettingsError for what is neither, and InputError where it is taken."""
        serve = _PROTOCOLS[protocol]
        path, host, port = address_of(address, address)

        class Handler(socketserver.StreamRequestHandler):
            timeout = _IDLE

            def handle(self) -> None:
                with suppress(OSError):  # it is gone, or has been silent for long
                    serve(asked, self.rfile, self.wfile.write)

        kind = socketserver.ThreadingUnixStreamServer if path else socketserver.ThreadingTCPServer
        made = type("Listening", (kind,), {"daemon_threads": True, "allow_reuse_address": True, "request_queue_size": 128})
        if path:
            Path(path).unlink(missing_ok=True)  # of one that was killed
        try:
            self._server = made(path or (host, port), Handler)
        except OSError as error:
            raise InputError(address, error.strerror or str(error)) from error
        self._path = path
        if path:
            os.chmod(path, 0o666)  # noqa: PTH101, S103  who may reach it is its folder's matter, as MTAs have it
        self._thread = threading.Thread(target=self._server.serve_forever, name=f"{protocol} {address}", daemon=True)
        self._thread.start()
        LOG.info("%s: answering (%s)", address, protocol)

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        if self._path:
            Path(self._path).unlink(missing_ok=True)
