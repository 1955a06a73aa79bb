"""URLs of mailboxes on servers: `imaps://ruth%40example.com@mx.example.com/INBOX?password=env:MAIL_PASSWORD`.

password=env:NAME           where the password is: never in the URL itself, which is shown
password=file:PATH
token_command=COMMAND       or what prints an OAuth2 access token; it is run at each login
starttls=yes                STARTTLS also where the server is this machine; elsewhere it is always required
cleartext=yes               no TLS at all, though the server is not this machine
ca=FILE                     certificates that are believed besides those of this machine
timeout=SECONDS             for which an answer is waited (60)
"""

from __future__ import annotations

import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

import msgspec

from bounceclass.errors import SettingsError
from bounceclass.model import clean_text
from bounceclass.settings import SecretSource

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["OPTIONS", "Account", "account_of", "trusting"]

OPTIONS: Final = ("password", "token_command", "starttls", "cleartext", "ca", "timeout")
_PORTS: Final = {"imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995}
_PLACES: Final = {"env": "variable", "file": "file"}
_TIMEOUT: Final = 60.0


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Whose mailbox, where, and how it is reached. `shown` is its name for people: the URL without its options."""

    shown: str
    host: str
    port: int
    user: str
    folder: str
    tls: Literal["tls", "starttls", "none"]
    password: SecretSource | None
    token_command: str | None
    ca: str | None
    timeout: float
    options: dict[str, str]
    """Those that are the source's own."""


def account_of(url: str, known: Collection[str]) -> Account:
    """Take a URL apart; `known` are the source's own options. Raises SettingsError, which never shows a password."""
    parts = urlsplit(url)
    host, port = _server(parts)
    user = unquote(parts.username or "")
    folder = unquote(parts.path).strip("/")
    shown = clean_text(f"{parts.scheme}://{quote(user, safe='')}@{parts.netloc.rpartition('@')[2]}/{folder}".rstrip("/"))
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    strange = [name for name in given if name not in (*known, *OPTIONS)]
    if strange:
        raise _unfit(shown, f"has no option {clean_text(strange[0])[:40]}: known are {', '.join((*known, *OPTIONS))}")
    if parts.fragment:
        raise _unfit(shown, "has a # in it: write %23")
    if not user:
        raise _unfit(shown.replace("//@", "//"), f"names no user: write {parts.scheme}://USER@{host}/ with %40 for an @ in USER")
    return Account(
        shown=shown,
        host=host,
        port=port,
        user=user,
        folder=folder,
        tls=_tls(shown, parts.scheme, host, given),
        password=_password(shown, given),
        token_command=given.get("token_command"),
        ca=given.get("ca") or None,
        timeout=_timeout(shown, given.get("timeout")),
        options={name: value for name, value in given.items() if name in known},
    )


def _unfit(shown: str, why: str) -> SettingsError:
    return SettingsError(f"{shown}: {why}")


def _server(parts: SplitResult) -> tuple[str, int]:
    """Return host and port; what may be a piece of a password is not shown."""
    shown = f"{parts.scheme}://..."
    if ":" in parts.netloc.rpartition("@")[0]:
        raise _unfit(shown, "has a password in it, which everybody sees who sees the URL: write ?password=env:NAME or ?password=file:PATH instead")
    try:
        port = parts.port
    except ValueError:
        raise _unfit(shown, "its port is no number from 1 to 65535; a password does not belong into the URL: write ?password=env:NAME") from None
    if not parts.hostname:
        raise _unfit(shown, f"names no server: write {parts.scheme}://USER@SERVER/")
    return parts.hostname, port or _PORTS[parts.scheme]


def _tls(shown: str, scheme: str, host: str, given: dict[str, str]) -> Literal["tls", "starttls", "none"]:
    wishes = {name: _yes(shown, name, given[name]) for name in ("starttls", "cleartext") if name in given}
    if scheme.endswith("s"):
        if any(wishes.values()):
            raise _unfit(shown, f"{next(iter(wishes))} does not go with {scheme}://, which is encrypted from the start")
        return "tls"
    if wishes.get("starttls") and wishes.get("cleartext"):
        raise _unfit(shown, "starttls and cleartext exclude each other")
    if wishes.get("starttls") or not (wishes.get("cleartext") or _is_here(host)):
        return "starttls"
    return "none"


def _yes(shown: str, name: str, value: str) -> bool:
    if value not in {"yes", "no"}:
        raise _unfit(shown, f"{name} is yes or no")
    return value == "yes"


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _password(shown: str, given: dict[str, str]) -> SecretSource | None:
    """Return where the password is, None where a command gives a token; the value is not shown, for it may be the password itself."""
    if ("password" in given) == bool(given.get("token_command")):
        raise _unfit(shown, "needs one of password=env:NAME, password=file:PATH and token_command=COMMAND")
    if "password" not in given:
        return None
    place, _, name = given["password"].partition(":")
    if place not in _PLACES or not name:
        raise _unfit(shown, "password says where the password is: env:NAME or file:PATH")
    return SecretSource(**{_PLACES[place]: name})


def _timeout(shown: str, value: str | None) -> float:
    try:
        seconds = _TIMEOUT if value is None else float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:  # noqa: PLR2004  an hour: longer than any answer takes
        raise _unfit(shown, "timeout is a number of seconds, up to 3600")
    return seconds


def trusting(account: Account) -> ssl.SSLContext:
    """Return what checks the server's certificate and name. Raises SettingsError where the file of certificates can't be used."""
    context = ssl.create_default_context()
    if account.ca is not None:
        try:
            context.load_verify_locations(account.ca)
        except OSError as error:  # ssl.SSLError is one
            raise _unfit(account.shown, f"ca={account.ca}: {error.strerror or error}") from error
    return context
