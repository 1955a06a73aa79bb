"""One connection to a POP3 server (RFC 1939, 2449, 2595): login, what is there, mails by their numbers, and QUIT, which deletes.

Whatever goes wrong is an OSError or an error_proto (`TROUBLE`); the connection is given up then, and with it what was to be deleted.
"""

from __future__ import annotations

import poplib
import time
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bounceclass.errors import InputError
from bounceclass.sources.account import trusting
from bounceclass.sources.login import access_token, password_of, said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ssl import SSLContext

    from bounceclass.settings import Limits
    from bounceclass.sources.account import Account
    from bounceclass.sources.login import LoginPause

__all__ = ["TROUBLE", "Listed", "Session"]

TROUBLE: Final = (OSError, poplib.error_proto)
_LINE: Final = 64 * 1024
_SHORTEST: Final = 76
"""Octets of a line, of which TOP is asked for so many that the head comes whole, mostly."""

_ALL_LINES: Final = 1_000_000_000


class Listed(msgspec.Struct, frozen=True):
    """A mail as it is listed: its number on this connection, its name for ever (UIDL), its octets."""

    number: int
    name: str
    size: int


class _Plain(poplib.POP3):
    """Closes the connection also where the server does not greet, which poplib leaves open."""

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401  poplib's
        try:
            super().__init__(*given, **named)
        except BaseException:
            with suppress(AttributeError, OSError):  # it may not have come so far
                self.close()
            raise


class _Encrypted(_Plain, poplib.POP3_SSL):
    """The same over TLS."""


class Session:
    """A connection that is logged in; the server holds the mailbox for it alone."""

    def __init__(self, account: Account, pause: LoginPause) -> None:
        """Connect and log in. Raises what TROUBLE names, InputError for a login that is refused, and SettingsError."""
        pause.check()
        self._account = account
        context = None if account.tls == "none" else trusting(account)
        if account.tls == "tls":
            self._client: poplib.POP3 = _Encrypted(account.host, account.port, timeout=account.timeout, context=context)
        else:
            self._client = _Plain(account.host, account.port, timeout=account.timeout)
        try:
            if account.tls == "starttls":
                self._start_tls(context)
            self._log_in(pause)
        except BaseException:
            self.abandon()
            raise
        self.since = time.monotonic()

    def _start_tls(self, context: SSLContext | None) -> None:
        if "STLS" not in self._capabilities():
            raise InputError(self._account.shown, "the server has no STARTTLS: use pop3s://, or cleartext=yes where the way to it is safe")
        self._client.stls(context)

    def _capabilities(self) -> dict[str, list[str]]:
        try:
            return self._client.capa()
        except poplib.error_proto:
            return {}

    def _log_in(self, pause: LoginPause) -> None:
        account, client = self._account, self._client
        secret = access_token(account) if account.token_command else password_of(account)
        try:
            if account.token_command:
                self._show(f"user={account.user}\1auth=Bearer {secret}\1\1")
            else:
                client.user(account.user)
                client.pass_(secret)
        except poplib.error_proto as error:
            if "EOF" in str(error):  # no answer, so no refusal
                raise
            raise pause.refused(said(error)) from error
        pause.accepted()

    def _show(self, bearer: str) -> None:
        """Log in by XOAUTH2, in the two steps that all servers take."""
        challenge = self._ask("AUTH XOAUTH2")
        if not challenge.startswith(b"+"):
            raise poplib.error_proto(challenge)
        answer = self._ask(b64encode(bearer.encode()).decode())
        if answer.startswith(b"+ "):  # why not, in base64; an empty line ends it
            answer = self._ask("")
        if not answer.startswith(b"+OK"):
            raise poplib.error_proto(answer)

    def _ask(self, line: str) -> bytes:
        self._client.sock.sendall(f"{line}\r\n".encode())
        return self._line().rstrip(b"\r\n")

    def _line(self) -> bytes:
        line: bytes = self._client.file.readline(_LINE)
        if not line:
            msg = "the server closed the connection"
            raise ConnectionResetError(msg)
        return line

    def listed(self) -> Iterator[Listed]:
        """Yield what is there, the oldest first. Raises InputError where the server has no UIDL: then no mail could be told from another."""
        sizes = dict(_pair(line) for line in self._client.list()[1])
        try:
            names = self._client.uidl()[1]
        except poplib.error_proto as error:
            raise InputError(self._account.shown, f"the server has no UIDL, without which no mail can be told from another: {said(error)}") from error
        for line in names:
            number, name = _pair(line)
            yield Listed(int(number), name, int(sizes.get(number, "0")))

    def read(self, mail: Listed, limits: Limits, *, quietly: bool = False) -> tuple[bytes, bool]:
        """Return a mail, or its head where it is above the limit, and whether it was cut; `quietly` keeps servers from marking it as read."""
        large = mail.size > limits.message
        most_lines = limits.head // _SHORTEST if large else _ALL_LINES
        top = (large or quietly) and "TOP" in self._capabilities()
        lines = self._text(f"TOP {mail.number} {most_lines}" if top else f"RETR {mail.number}")
        kept: list[bytes] = []
        size, most = 0, limits.head if large else limits.message
        for line in lines:  # to the end, which no answer must be left without
            if size <= most:
                kept.append(line)
            size += len(line)
        cut = large or size > limits.message
        raw = b"".join(kept)
        return (raw[: limits.head] if cut else raw), cut

    def whole(self, number: int) -> Iterator[bytes]:
        """Yield all of a mail, by pieces."""
        return self._text(f"RETR {number}")

    def _text(self, command: str) -> Iterator[bytes]:
        """Yield the lines of a long answer; poplib itself refuses those above 2,048 octets."""
        answer = self._ask(command)
        if not answer.startswith(b"+"):
            raise poplib.error_proto(answer)
        begins = True
        while True:
            line = self._line()
            if begins and line.startswith(b"."):
                line = line[1:]
                if line in {b"\r\n", b"\n"}:
                    return
            yield line
            begins = line.endswith(b"\n")

    def delete(self, number: int) -> None:
        """Have a mail deleted when this connection ends well."""
        self._client.dele(number)

    def quit(self) -> None:
        """Let what is deleted go. Raises where the server does not say that it has gone."""
        try:
            self._client.quit()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End the connection without a word: then nothing is deleted."""
        with suppress(OSError):
            self._client.close()


def _pair(line: bytes) -> tuple[str, str]:
    number, _, rest = line.decode("ascii", "backslashreplace").partition(" ")
    return number, rest.strip()
