"""Asking listmonk: what all its answers have in common. https://listmonk.app/docs/apis/apis/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from bounceclass import http
from bounceclass.errors import Refused, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Api"]

_PER_SECOND: Final = 50.0
"""It has no limit of its own; a server before it may."""


class Api:
    """One listmonk. Its methods raise Retry where it may answer later, Refused where it never will."""

    def __init__(self, url: str, user: str, token: str) -> None:
        """Connect to nothing yet; raises SettingsError where `url` is none, or holds more than an address."""
        parts = urlsplit(url)
        if parts.username is not None or parts.query or parts.fragment:
            msg = "url: an address alone, without user, password or query"
            raise SettingsError(msg)
        self._api = http.Api("listmonk", url, {}, auth=(user, token), per_second=_PER_SECOND, burst=int(_PER_SECOND))

    def get(self, path: str, query: Mapping[str, str]) -> Any:  # noqa: ANN401  any JSON
        """Return the `data` of an answer."""
        return self._ask("GET", path, None, query)

    def send(self, method: str, path: str, body: object = None) -> None:
        """Send JSON, or nothing."""
        self._ask(method, path, body)

    def _ask(self, method: str, path: str, body: object, query: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401  as above
        said = self._api.call(method, path, body, query=query)
        if not isinstance(said, dict) or "data" not in said:
            msg = "listmonk answered with what its API does not: is `url` right?"
            raise Refused(msg)
        return said["data"]
