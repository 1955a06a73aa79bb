"""One attempt at one post, bounded in time and in what is read of the answer.

    2xx                            done
    408, 425, 429, 5xx, no answer  Retry, after Retry-After
    any other, redirects too       Refused; 410 Gone means it: the receiver wants no more of this
    an address within              Retry: nothing was sent, and DNS or `allow` may be mended

No proxy of the environment is asked: it would connect for us to what we must not. Messages name host and
status, never path, headers or body.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import httpcore

from bounceclass.errors import Retry
from bounceclass.http import LATER, check_status
from bounceclass_webhook.dial import InsideError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from bounceclass_webhook.dial import Dialler
    from bounceclass_webhook.message import Message
    from bounceclass_webhook.signature import Signer
    from bounceclass_webhook.target import Target

__all__ = ["Post"]

_IDLE: Final = 5.0
"""Seconds for which a connection is kept for the next call."""
_READ: Final = 4096
"""Octets of an answer's body: so much is read to use the connection again, and thrown away; with more it is closed."""
_FAULTS: Final = (OSError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


def _utc() -> datetime:
    return datetime.now(UTC)


class Post:
    """Posts to one target."""

    def __init__(self, target: Target, signer: Signer, dialler: Dialler, context: ssl.SSLContext, seconds: float, now: Callable[[], datetime] = _utc) -> None:  # noqa: PLR0913, PLR0917  its parts
        """Keep the parts; `now` gives the time in UTC."""
        self.now = now
        self._target = target
        self._url = httpcore.URL(scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode())
        self._signer = signer
        self._deadline = dialler.deadline
        self._seconds = seconds
        self._pool = httpcore.ConnectionPool(ssl_context=context, max_connections=1, keepalive_expiry=_IDLE, network_backend=dialler)

    def send(self, message: Message) -> None:
        """Post it once; returns where the answer is 2xx, raises Retry or Refused where it is not, as above."""
        given = {"content-type": "application/json", "user-agent": "bounceclass", **self._signer.headers(message, self.now())}
        self._deadline.start(self._seconds)
        try:
            with self._pool.stream("POST", self._url, headers=[*given.items()], content=message.body) as answer:
                status, after = answer.status, _header(answer, b"retry-after")
                _skim(answer)
        except InsideError as error:
            raise Retry(LATER, f"{self._target.said}: {error}") from None
        except _FAULTS as error:
            raise Retry(LATER, f"{self._target.said}: {_why(error)}") from None  # a traceback might show headers
        check_status(status, after, f"{self._target.said} answered {status}")

    def close(self) -> None:
        """Close the connection that is kept."""
        self._pool.close()


def _header(answer: httpcore.Response, wanted: bytes) -> str | None:
    return next((value.decode("latin-1") for name, value in answer.headers if name.lower() == wanted), None)


def _skim(answer: httpcore.Response) -> None:
    """Read as much of the body as is worth it; what goes wrong with it changes nothing of the status."""
    read = 0
    try:
        for chunk in answer.iter_stream():
            read += len(chunk)
            if read > _READ:
                return
    except _FAULTS:
        return


def _why(error: Exception) -> str:
    """Return what went wrong in our own or the system's words; the server's stay out."""
    said = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
