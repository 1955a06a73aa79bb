"""Asking listmonk: Basic authentication, no redirects, answers in JSON that are no larger than they need be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from bounceclass.errors import MissingExtraError, Refused, Retry, SettingsError
from bounceclass.retryafter import AGAIN, LATER, seconds_asked

try:
    import httpx
except ImportError as error:
    raise MissingExtraError("httpx", "listmonk") from error  # noqa: EM101  a name, not a message

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Api"]

_LARGEST: Final = 1 << 20
"""Octets of an answer."""
_HINTS: Final = {
    401: ": `user` or `token` is wrong",
    403: ": `user` or `token` is wrong, or its role lacks a permission",
    404: ": there is no such API; is `url` right, and bounce processing enabled?",
}


class Api:
    """One listmonk. Its documentation: https://listmonk.app/docs/apis/apis/."""

    def __init__(self, url: str, user: str, token: str, timeout: float) -> None:
        """Connect to nothing yet; raises SettingsError where `url` is none, or holds a password."""
        self.name = f"listmonk at {_checked_host(url)}"
        self._base = url.rstrip("/")
        headers = {"User-Agent": "bounceclass", "Accept-Encoding": "identity"}
        none_kept = httpx.Limits(max_keepalive_connections=0)  # calls are rare, and a plugin is not told when it ends
        self._client = httpx.Client(auth=(user, token), timeout=timeout, follow_redirects=False, headers=headers, limits=none_kept)

    def get(self, path: str, query: Mapping[str, str]) -> Any:  # noqa: ANN401  any JSON
        """Return the `data` of an answer."""
        return self._ask("GET", path, query)

    def send(self, method: str, path: str, body: object) -> None:
        """Send JSON, or nothing where `body` is None."""
        self._ask(method, path, {}, None if body is None else msgspec.json.encode(body))

    def _ask(self, method: str, path: str, query: Mapping[str, str], body: bytes | None = None) -> Any:  # noqa: ANN401  as above
        """Raise Retry where it may answer later, Refused where it never will; neither says more than status and host."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            with self._client.stream(method, self._base + path, params=dict(query), content=body, headers=headers) as answer:
                status, after = answer.status_code, answer.headers.get("Retry-After")
                said = _read(answer) if status == 200 else b""  # noqa: PLR2004  what its documentation says of success
        except httpx.HTTPError as error:
            msg = f"{self.name} did not answer: {type(error).__name__}"
            raise Retry(LATER, msg) from None  # a traceback might show the query or the token
        self._judge(status, after)
        return self._data(said)

    def _judge(self, status: int, after: str | None) -> None:
        if status == 200:  # noqa: PLR2004  as above
            return
        msg = f"{self.name} answered {status}"
        if status in AGAIN or status >= 500:  # noqa: PLR2004  RFC 9110, 15.6
            raise Retry(seconds_asked(after), msg)
        if 300 <= status < 400:  # noqa: PLR2004  RFC 9110, 15.4
            msg += ": redirects are not followed; set `url` to where it leads"
        raise Refused(msg + _HINTS.get(status, ""))

    def _data(self, said: bytes) -> Any:  # noqa: ANN401  as above
        try:
            return msgspec.json.decode(said, type=dict[str, Any])["data"]
        except (msgspec.DecodeError, KeyError):
            msg = f"{self.name} answered with what its API does not: is `url` right?"
            raise Refused(msg) from None


def _read(answer: httpx.Response) -> bytes:
    said = b""
    for piece in answer.iter_bytes():
        said += piece
        if len(said) > _LARGEST:
            return b""
    return said


def _checked_host(url: str) -> str:
    """Return host and port for messages."""
    try:
        parts = urlsplit(url)
        port = parts.port
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and bool(httpx.URL(url).host)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable or parts.username is not None or parts.query or parts.fragment:
        msg = "url: is no plain https: or http: URL"
        raise SettingsError(msg)
    return f"{parts.hostname}:{port}" if port else str(parts.hostname)
