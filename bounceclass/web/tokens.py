"""Bearer tokens (RFC 6750): who may use the API, what for, and how often.

    [api.tokens.app]
    token = { file = "app.token" }                 or sha256 = "..."
    scopes = ["classify", "suppressions:read"]

Only their SHA-256 is kept here, and all of them are compared, each in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import os
import re
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, TooManyRequestsException

from bounceclass.errors import SettingsError
from bounceclass.secret import read_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from litestar.connection import ASGIConnection
    from litestar.handlers.base import BaseRouteHandler
    from litestar.types import Guard

    from bounceclass.settings import ApiSettings, TokenSettings

__all__ = ["Token", "Tokens", "guard"]

_SHORTEST: Final = 16
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_MINUTE: Final = 60.0


class Token:
    """One that is known: who has it, and how much of its rate is left."""

    def __init__(self, name: str, settings: TokenSettings, clock: Callable[[], float]) -> None:
        """Take what is configured. Raises SettingsError for a token that can't be read, or is short."""
        self.name = name
        self.scopes = frozenset(settings.scopes)
        self.digest = _digest(f"api.tokens.{name}", settings)
        self._rate = settings.rate
        self._left = float(settings.rate)
        self._clock = clock
        self._at = clock()
        self._lock = threading.Lock()

    def spend(self) -> float:
        """Take one request of the rate: return 0, or how many seconds to wait for the next one."""
        with self._lock:
            now = self._clock()
            self._left = min(float(self._rate), self._left + (now - self._at) * self._rate / _MINUTE)
            self._at = now
            if self._left < 1:
                return (1 - self._left) * _MINUTE / self._rate if self._rate else _MINUTE
            self._left -= 1
            return 0.0


class Tokens:
    """All that are known."""

    def __init__(self, settings: ApiSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """Take what is configured. Raises SettingsError as Token does, and for two that are the same."""
        self._tokens = [Token(name, one, clock) for name, one in settings.tokens.items()]
        if len({token.digest for token in self._tokens}) < len(self._tokens):
            msg = "api.tokens: two are the same"
            raise SettingsError(msg)

    def find(self, header: str | None) -> Token | None:
        """Return whose token an Authorization header bears."""
        scheme, _, given = (header or "").partition(" ")
        digest = hashlib.sha256(given.strip().encode("utf-8", "surrogateescape")).digest()
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found if scheme.lower() == "bearer" else None

    def check(self, header: str | None, scope: str) -> Token:
        """Return whose token a header bears, where it has a scope, and some of its rate left. Raises what the API answers else."""
        token = self.find(header)
        if token is None:
            raise NotAuthorizedException(detail="A bearer token is needed.", headers={"WWW-Authenticate": "Bearer"})
        wait = token.spend()
        if wait:
            raise TooManyRequestsException(detail="The token's rate is spent; come again.", headers={"Retry-After": str(math.ceil(wait))})
        if scope not in token.scopes:
            raise PermissionDeniedException(detail=f"The token has not the scope {scope}.")
        return token


def guard(tokens: Tokens) -> Guard:
    """Return what lets requests to a route pass by its scope; a function, for litestar copies a method with all that is its object's."""

    def pass_(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        connection.state.who = f"api:{tokens.check(connection.headers.get('authorization'), handler.opt['scope']).name}"

    return pass_


def _digest(what: str, settings: TokenSettings) -> bytes:
    if (settings.token is None) == (settings.sha256 is None):
        msg = f"{what} needs one of token and sha256"
        raise SettingsError(msg)
    if settings.sha256 is not None:
        if not _HEX.fullmatch(settings.sha256):
            msg = f"{what}.sha256: is not 64 hexadecimal digits"
            raise SettingsError(msg)
        return bytes.fromhex(settings.sha256)
    assert settings.token is not None  # noqa: S101  one of them is given
    token = read_secret(settings.token, os.environ, f"{what}.token")
    if len(token) < _SHORTEST:
        msg = f"{what}.token: has fewer than {_SHORTEST} octets"
        raise SettingsError(msg)
    return hashlib.sha256(token).digest()
