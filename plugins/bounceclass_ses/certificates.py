"""The certificates by which SNS signs: fetched when a message first names one, bounded, and kept.

The caller has checked the address, for whoever posts writes it. But a checked address may be made up, too, and
posts that each name another one must not hold up the server: few of its threads may be busy here, one of them
fetching; all others are asked to come again at once. What is known already is never waited for.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from cryptography.x509 import Certificate, load_pem_x509_certificate

from bounceclass.errors import Retry

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

__all__ = ["AT_ONCE", "Certificates", "fetch"]

T = TypeVar("T")
AT_ONCE: Final = 2
"""Threads that may fetch, or wait for who does; a server of one core has five."""
_LARGEST: Final = 16_384
_SECONDS = 5.0
_KEPT: Final = 16
_PAUSE: Final = timedelta(minutes=1)
_GONE: Final = frozenset({403, 404, 410})
"""What says that there is no such certificate: RFC 9110, 15.5; 403 is how S3 says it."""


class Missed(NamedTuple):
    """A certificate that wasn't had: when, and whether there is none such."""

    at: datetime
    is_none: bool


class Certificates:
    """Those that were fetched, and those that weren't had a moment ago; shared by threads."""

    def __init__(self, get: Callable[[str], bytes] | None = None) -> None:
        """Keep how one is fetched: OSError where it can't be had, FileNotFoundError or ValueError where there is none."""
        self._get = get or fetch
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._fetching = threading.Lock()
        self._lock = threading.Lock()
        self._known: dict[str, Certificate] = {}
        self._missed: dict[str, Missed] = {}

    def certificate(self, url: str, now: datetime) -> Certificate | None:
        """Return a certificate, None where there is none such; raises Retry where that can't be told now."""
        found = self._kept(url, now) or self._fetched(url, now)
        if isinstance(found, Certificate):
            return found
        if found.is_none:
            return None
        raise Retry(_PAUSE.total_seconds(), "a certificate of SNS can't be had now")

    def _kept(self, url: str, now: datetime) -> Certificate | Missed | None:
        with self._lock:
            if url in self._known:
                self._known[url] = self._known.pop(url)  # what is in use is the last to be dropped
                return self._known[url]
            missed = self._missed.get(url)
            return missed if missed is not None and now - missed.at < _PAUSE else None

    def _fetched(self, url: str, now: datetime) -> Certificate | Missed:
        if not self._room.acquire(blocking=False):
            raise Retry(_SECONDS, "certificates of SNS are being fetched")
        try:
            with self._fetching:
                return self._kept(url, now) or self._keep(url, self._try(url, now))  # who had to wait may find it there
        finally:
            self._room.release()

    def _try(self, url: str, now: datetime) -> Certificate | Missed:
        try:
            return load_pem_x509_certificate(self._get(url))
        except (FileNotFoundError, ValueError):
            return Missed(now, is_none=True)
        except OSError:
            return Missed(now, is_none=False)

    def _keep(self, url: str, found: Certificate | Missed) -> Certificate | Missed:
        with self._lock:
            if isinstance(found, Certificate):
                _put(self._known, url, found)
            else:
                _put(self._missed, url, found)
        return found


def _put(kept: dict[str, T], url: str, found: T) -> None:
    kept.pop(url, None)
    while len(kept) >= _KEPT:
        del kept[next(iter(kept))]
    kept[url] = found


def fetch(url: str) -> bytes:
    """Fetch a certificate: no redirect, at most 16 kB, in five seconds or hardly more; raises as `Certificates` says."""
    import httpx  # noqa: PLC0415  for who listens only

    end = time.monotonic() + _SECONDS
    data = b""
    try:
        with httpx.stream("GET", url, timeout=_SECONDS, follow_redirects=False, headers={"Accept-Encoding": "identity"}) as answer:
            _check(answer.status_code)
            for chunk in answer.iter_raw():
                data += chunk
                if len(data) > _LARGEST:
                    msg = "the certificate is too large"
                    raise ValueError(msg)
                if time.monotonic() > end:  # an octet at a time
                    raise TimeoutError
    except httpx.HTTPError as error:
        raise OSError(str(error)) from error
    return data


def _check(status: int) -> None:
    if status != 200:  # noqa: PLR2004  RFC 9110
        msg = f"answered {status}"
        raise FileNotFoundError(msg) if status in _GONE else OSError(msg)
