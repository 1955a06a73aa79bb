"""Posting to a URL: the JSON, an Idempotency-Key, no redirects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bounceclass.errors import MissingExtraError, Retry, SettingsError
from bounceclass.http import LATER, check_status
from bounceclass_exec.call import one_line

try:
    import httpx
except ImportError as error:
    raise MissingExtraError("httpx", "exec") from error  # noqa: EM101  a name, not a message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bounceclass_exec.call import Call

__all__ = ["Post"]

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


class Post:
    """A URL and what is sent along."""

    def __init__(self, url: str, headers: Mapping[str, str], timeout: float) -> None:
        """Check them; raises SettingsError, which names a header but never its value."""
        self._url = url
        self._host = _checked_host(url)
        for name, value in headers.items():
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                msg = f"headers: {one_line(name)!r} or its value is none that HTTP allows"
                raise SettingsError(msg)
        self._headers = httpx.Headers(dict(headers))
        self._client = httpx.Client(timeout=timeout, follow_redirects=False, headers={"User-Agent": "bounceclass"})

    def call(self, call: Call) -> None:
        """Post it once; returns where the answer is 2xx.

        Raises Retry for 5xx, 408, 425, 429 and for no answer at all, Refused for any other. The body of
        the answer is not read: the status says it all, and a body may be large, or never end.
        """
        headers = self._headers.copy()
        headers.update({"Content-Type": "application/json", "Idempotency-Key": call.identity})
        try:
            with self._client.stream("POST", self._url, content=call.body, headers=headers) as answer:
                status, after = answer.status_code, answer.headers.get("Retry-After")
        except httpx.HTTPError as error:
            raise Retry(LATER, f"{self._host}: {type(error).__name__}: {one_line(str(error))}") from None  # a traceback might show headers
        check_status(status, after, f"{self._host} answered {status}")


def _checked_host(url: str) -> str:
    """Return the host for messages: a URL may hold a password or a token."""
    try:
        parts = urlsplit(url)
        port = parts.port
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and bool(httpx.URL(url).host)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        msg = "url: is no https: or http: URL"
        raise SettingsError(msg)
    return f"{parts.hostname}:{port}" if port else str(parts.hostname)
