"""What is shown to a mail server that wants to know who asks, what its faults mean, and how often it is asked again."""

from __future__ import annotations

import os
import shlex
import ssl
import subprocess
import time
from typing import TYPE_CHECKING, Final

from bounceclass.errors import InputError
from bounceclass.model import clean_text
from bounceclass.secret import read_secret

if TYPE_CHECKING:
    from bounceclass.sources.account import Account

__all__ = ["LoginPause", "access_token", "password_of", "said"]

_COMMAND_SECONDS: Final = 60.0
_SHOWN: Final = 300
_ENDED: Final = frozenset({"-ERR EOF", "socket error: EOF", "command: LOGOUT => socket error: EOF"})
_FIRST_PAUSE: Final = 30.0
_LONGEST_PAUSE: Final = 900.0


def password_of(account: Account) -> str:
    """Fetch the password. Raises SettingsError where it is not there."""
    assert account.password is not None  # noqa: S101  the URL has it, or a command
    return read_secret(account.password, os.environ, f"{account.shown}: password").decode("utf-8", "surrogateescape")


def access_token(account: Account) -> str:
    """Run the command that prints an access token. Raises InputError where it fails: what it asks may be away for a while."""
    command = account.token_command or ""
    try:
        done = subprocess.run(shlex.split(command), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False)  # noqa: S603  the operator's own
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        why = f"took longer than {_COMMAND_SECONDS:g} s" if isinstance(error, subprocess.TimeoutExpired) else getattr(error, "strerror", None) or str(error)
        raise InputError(account.shown, f"token_command: {why}") from error
    token = done.stdout.strip()
    if done.returncode or not token or not token.isprintable() or " " in token:
        last = clean_text((done.stderr.strip().splitlines() or [""])[-1])[:_SHOWN]
        fault = f"ended with {done.returncode}" if done.returncode else "printed no token" if not token else "printed something else than one token"
        raise InputError(account.shown, f"token_command {fault}{last and f': {last}'}")
    return token


def said(error: Exception) -> str:
    """Return what went wrong in the words of the server or of the system, in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not believed: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):
        text = error.strerror or str(error)
    else:  # poplib gives octets, imaplib text
        told = error.args[0] if error.args else ""
        text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    if text in _ENDED:
        return "the server closed the connection"
    return clean_text(" ".join(text.split()))[:_SHOWN] or type(error).__name__


class LoginPause:
    """Keeps from logging in again at once after a refusal: servers lock accounts, and firewalls hosts, that go on trying."""

    def __init__(self, account: Account) -> None:
        """Begin without a pause."""
        self._shown = account.shown
        self._pause = 0.0
        self._until = 0.0
        self._fault = ""

    def check(self) -> None:
        """Raise the last refusal again while it is too early."""
        if time.monotonic() < self._until:
            raise InputError(self._shown, self._fault)

    def refused(self, fault: str) -> InputError:
        """Note a refusal; return what is to be raised."""
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause or _FIRST_PAUSE)
        self._until = time.monotonic() + self._pause
        self._fault = f"the login was refused: {fault}"
        return InputError(self._shown, self._fault)

    def accepted(self) -> None:
        """Forget refusals."""
        self._pause = self._until = 0.0
