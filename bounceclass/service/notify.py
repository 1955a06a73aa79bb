"""What systemd is told of a service (sd_notify(3)): a datagram to the socket that NOTIFY_SOCKET names, nothing where there is none."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping

__all__ = ["Notifier"]

_PARTS: Final = 4
"""Signs of life within the time that the watchdog gives."""


class Notifier:
    """Tells the system that started us how far we are."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        """Take what systemd has set; the commands of plugins shall not find it."""
        self._address = environ.pop("NOTIFY_SOCKET", "")
        seconds = int(environ.pop("WATCHDOG_USEC", "0")) / 1e6
        asked = environ.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._every = seconds / _PARTS if asked else 0.0
        self._last = 0.0

    def ready(self, status: str = "") -> None:
        """Say that it works: at the start, and after a reload."""
        self._say("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Say that the configuration is being read again."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Say that it is about to end."""
        self._say("STOPPING=1")

    def alive(self) -> None:
        """Give a sign of life, where a watchdog waits for one and the last was a while ago."""
        now = time.monotonic()
        if self._every and now - self._last >= self._every:
            self._last = now
            self._say("WATCHDOG=1")

    def _say(self, *lines: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.sendto("\n".join(lines).encode(), address)
