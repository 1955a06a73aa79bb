"""Connecting to a host that a URL names, and to no other: each of its addresses is judged, and the one that was judged is connected to.

So nobody's DNS can say one thing when it is judged and another when it is connected to. The name stays what
the certificate, SNI and `Host` are about. Every step has to be done before the call's end: a deadline, for a
limit of each step alone lets a server take for ever, an octet at a time.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import time
from contextlib import suppress
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from select import POLLIN, poll
from typing import TYPE_CHECKING, Any, Final

import httpcore

from bounceclass.errors import SettingsError
from bounceclass_webhook.outside import is_open

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounceclass_webhook.outside import Network

__all__ = ["Deadline", "Dialler", "InsideError", "trusting"]

_MOST: Final = 4
"""Addresses of a host that are tried."""


class InsideError(OSError):
    """A host that has an address within; the message says which."""


class Deadline:
    """When a call has to be done; set anew for each, and seen by a connection that is used again."""

    def __init__(self) -> None:
        """Have no time yet."""
        self._end = 0.0

    def start(self, seconds: float) -> None:
        """Begin a call."""
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left; raises TimeoutError where there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Dialler(httpcore.NetworkBackend):
    """Connects, where that is allowed."""

    def __init__(self, allowed: tuple[Network, ...]) -> None:
        """Keep which networks within may be connected to."""
        self._allowed = allowed
        self.deadline = Deadline()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  httpcore's signature; we have a deadline
        local_address: str | None = None,  # noqa: ARG002  as above
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002  as above
    ) -> httpcore.NetworkStream:
        """Ask DNS once, judge all that it says, and connect to that; raises InsideError where any of it is within, OSError where nobody answers."""
        addresses = _look_up(host, port, self.deadline.left())
        for address in addresses:
            if not is_open(ip_address(address), self._allowed):
                msg = f"{address} is an address within, which `allow` does not name"
                raise InsideError(msg)
        tried = addresses[:_MOST]
        for number, address in enumerate(tried, 1):
            try:
                opened = socket.create_connection((address, port), self.deadline.left() / (len(tried) - number + 1))
            except OSError:
                if number == len(tried):
                    raise
            else:
                return _Stream(opened, self.deadline)
        raise socket.gaierror(socket.EAI_NONAME, "has no address")


class _Stream(httpcore.NetworkStream):
    """A connection whose every step ends with the call."""

    def __init__(self, opened: socket.socket, deadline: Deadline) -> None:
        self._socket = opened
        self._deadline = deadline
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  as above
        self._socket.settimeout(self._deadline.left())
        return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  as above
        rest = memoryview(buffer)
        while rest:
            self._socket.settimeout(self._deadline.left())
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                raise
            except OSError as error:  # who answers before all is read, and closes, may have said why
                raise httpcore.WriteError from error

    def close(self) -> None:
        self._socket.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None) -> httpcore.NetworkStream:  # noqa: ARG002  as above
        try:
            self._socket.settimeout(self._deadline.left())
            return _Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname), self._deadline)
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  httpcore's signature
        """Tell whether there is something to read: of a connection that waits for the next call it means that it was closed."""
        if info != "is_readable":
            return None
        asked = poll()
        asked.register(self._socket, POLLIN)
        return bool(asked.poll(0))


def _look_up(host: str, port: int, seconds: float) -> list[str]:
    """Return the addresses of a host; raises OSError where it has none. In a thread, for the system's own limit is minutes."""
    answer: SimpleQueue[list[str] | OSError] = SimpleQueue()

    def ask() -> None:
        try:
            answer.put(list(dict.fromkeys(str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))))
        except (OSError, UnicodeError) as error:
            answer.put(error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, "is no name"))

    threading.Thread(target=ask, name="bounceclass webhook DNS", daemon=True).start()
    with suppress(Empty):
        found = answer.get(timeout=seconds)
        if isinstance(found, OSError):
            raise found
        return found
    raise TimeoutError(errno.ETIMEDOUT, "DNS does not answer")


def trusting(path: str | None) -> ssl.SSLContext:
    """Return whose certificates are believed: the system's, or those of a file; raises SettingsError where it has none."""
    if path is None:
        return httpcore.default_ssl_context()
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        msg = f"ca: {path}: {error.strerror or 'has no certificate'}"
        raise SettingsError(msg) from None
