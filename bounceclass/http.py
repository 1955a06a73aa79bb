"""Asking an ESP's API: what every plugin that acts needs, once.

    Api.call       one request; returns the JSON of the answer, or raises Retry or Refused
    Api.page       the same for a page of a list; Api.query_of what its link to the next one asks
    check_status   what a status means, for who posts otherwise
    Pace           no faster than the ESP allows
    segment        an address as one part of a path, never empty: DELETE on the path without it would empty a list

    2xx                            done
    a status that the caller takes     done too: 404 where an entry is to be gone
    408, 425, 429, 5xx, no answer  Retry, after Retry-After
    any other, redirects too       Refused

Keys stand in headers or bodies only, never in a message: those name host and status.
"""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from bounceclass.errors import MissingExtraError, Refused, Retry, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LATER", "SECONDS", "Api", "Pace", "check_status", "checked", "retry_after", "segment"]

SECONDS = 5.0
"""How long each step of an answer is waited for, and a whole one three times as long; well below `limits.hook_seconds`."""
LATER: Final = 60.0
"""Seconds, where an answer names no time."""
_LONGEST: Final = 86400.0
_AGAIN: Final = frozenset({408, 425, 429})
"""What of 4xx is about the moment and not about us: RFC 9110, 15.5.9; RFC 8470; RFC 6585."""
_LARGEST: Final = 4_000_000
_LARGEST_PAGE: Final = 32_000_000
_CUT: Final = object()
"""The body of an answer that is larger than that."""
_FIELDS: Final = 20
"""Of a link's query; ESPs have three."""
_PATIENCE: Final = 2.0
"""Seconds that a call waits for its turn; for longer it asks to be called again."""
_VALUE: Final = re.compile(r"[\x20-\x7e]*")
_ADDRESS: Final = re.compile(r"[^\s\x00-\x1f\x7f@](?:[^\x00-\x1f\x7f]{0,318}[^\s\x00-\x1f\x7f])?@[^\s\x00-\x1f\x7f@]{1,255}")


def checked(address: str) -> str:
    """Return an address as it is; raises Refused for what is none, before it could mean more to an API."""
    if not _ADDRESS.fullmatch(address):
        msg = "is no address that an ESP's list can hold"
        raise Refused(msg)
    return address


def segment(address: str) -> str:
    """Return an address as one segment of a path; Refused as `checked`."""
    return quote(checked(address), safe="@")


def retry_after(text: str | None) -> float:
    """Return how long to wait: RFC 9110, 10.2.3, a number of seconds or a date; a day at most."""
    said = (text or "").strip()
    if said.isascii() and said.isdigit():
        return min(max(float(said[:9]), 1.0), _LONGEST)
    try:
        when = parsedate_to_datetime(said)
    except ValueError:
        return LATER
    left = (when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime.now(UTC)
    return min(max(left.total_seconds(), 1.0), _LONGEST)


def check_status(status: int, after: str | None, why: str) -> None:
    """Return where a status is 2xx, RFC 9110, 15.3; else raise Retry or Refused, as above. `after` is the Retry-After, `why` what is said."""
    if 200 <= status < 300:  # noqa: PLR2004  as said
        return
    if status in _AGAIN or status >= 500:  # noqa: PLR2004  RFC 9110, 15.6
        raise Retry(retry_after(after), why)
    if 300 <= status < 400:  # noqa: PLR2004  RFC 9110, 15.4
        why += ", and redirects are not followed: set the URL to where it leads"
    raise Refused(why)


class Pace:
    """So many calls a second, `burst` of them at once; shared by the threads that use one Api."""

    def __init__(self, per_second: float, burst: int = 1, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        """Take the rate."""
        self._gap = 1.0 / per_second
        self._spare = self._gap * (burst - 1)
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait for one's turn; raises Retry where it is further away than a moment."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            left = turn - self._spare - now
            if left > _PATIENCE:
                raise Retry(left, "the ESP's rate is reached")
            self._next = turn + self._gap
        if left > 0:
            self._sleep(left)

    def put_off(self, seconds: float) -> None:
        """Let nobody call before so many seconds have passed."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds + self._spare)


class Api:
    """An ESP's API at its base address, with what proves who we are."""

    def __init__(self, extra: str, base: str, headers: Mapping[str, str], *, auth: tuple[str, str] | None = None, per_second: float = 10.0, burst: int = 1) -> None:  # noqa: E501, PLR0913
        """Check the address; raises SettingsError for one that is none, MissingExtraError, naming `extra`, without httpx."""
        try:
            import httpx  # noqa: PLC0415  for those who act only
        except ImportError as error:
            raise MissingExtraError("httpx", extra) from error  # noqa: EM101  a name, not a message
        self._errors = httpx.HTTPError
        self._host = _host(base)
        self._base = base.rstrip("/")
        self._pace = Pace(per_second, burst)
        given = {"User-Agent": "bounceclass", "Accept": "application/json", **headers}
        if not all(_VALUE.fullmatch(value) for value in (*given.values(), *(auth or ()))):
            msg = "api_key: holds what HTTP does not allow in a header"
            raise SettingsError(msg)
        self._client = httpx.Client(timeout=SECONDS, follow_redirects=False, headers=given, auth=auth)

    def call(self, method: str, path: str, json: object = None, *, key: str | None = None, takes: frozenset[int] = frozenset(), query: Mapping[str, str] | None = None, whole: bool = False) -> Any:  # noqa: ANN401, E501, PLR0913
        """Make one request; return the JSON of the answer, None where there is none. Raises Retry or Refused, as above.

        `takes` are statuses that are as good as done; `key` names the action, so that the ESP may know a repetition. An answer that is
        too large is none, or, where it is needed `whole`, Refused.
        """
        self._pace.wait()
        headers = {"Idempotency-Key": key} if key else {}
        content = None if json is None else msgspec.json.encode(json)
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._client.stream(method, f"{self._base}{path}", content=content, headers=headers, params=query) as answer:
                body = _body(answer, time.monotonic() + 3 * SECONDS, _LARGEST_PAGE if whole else _LARGEST)
                status, after = answer.status_code, answer.headers.get("Retry-After")
        except (self._errors, TimeoutError) as error:
            raise Retry(LATER, f"{self._host}: {type(error).__name__}") from None  # a traceback might show headers
        if status not in takes:
            if status in _AGAIN:
                self._pace.put_off(retry_after(after))
            check_status(status, after, f"{self._host} answered {status}{_said(body)}")
        if body is _CUT and whole:
            msg = f"{self._host} answered with more than {_LARGEST_PAGE // 1_000_000} MB at once"
            raise Refused(msg)
        return None if body is _CUT else body

    def page(self, path: str, query: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401  any JSON
        """Return the JSON of a page of a list, which may be large. Raises Retry or Refused, as above; Retry where it is no JSON."""
        answer = self.call("GET", path, query=query, whole=True)
        if answer is None:
            raise Retry(LATER, f"{self._host} answered with no JSON")
        return answer

    def query_of(self, link: str, path: str) -> dict[str, str]:
        """Return what a link to the next page asks; raises Refused for one that leads to another host or path: it is never followed."""
        try:
            to, here = urlsplit(link), urlsplit(f"{self._base}{path}")
            asked = dict(parse_qsl(to.query, max_num_fields=_FIELDS))
            same = (to.scheme or here.scheme, to.netloc or here.netloc, to.path.rstrip("/")) == (here.scheme, here.netloc, here.path)
        except ValueError:
            same = False
        if not same:
            msg = f"{self._host} named a next page that lies elsewhere"
            raise Refused(msg)
        return asked


def _body(answer: Any, end: float, largest: int) -> Any:  # noqa: ANN401  httpx's, and any JSON
    data = bytearray()
    for chunk in answer.iter_bytes():
        data += chunk
        if time.monotonic() > end:  # a byte at a time
            raise TimeoutError
        if len(data) > largest:
            return _CUT
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None


def _said(body: object) -> str:
    """Return the name or code of an error, which an API words itself; free text may hold an address, and stays out."""
    found = body.get("code") or body.get("name") or body.get("ErrorCode") if isinstance(body, dict) else None
    return f" ({found})" if isinstance(found, (str, int)) and re.fullmatch(r"[\w .-]{1,60}", str(found)) else ""


def _host(base: str) -> str:
    """Return the host for messages: an address may hold a password."""
    try:
        parts = urlsplit(base)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = "api_url: is no https: or http: address"
        raise SettingsError(msg)
    return f"{parts.hostname}:{port}" if port else parts.hostname
