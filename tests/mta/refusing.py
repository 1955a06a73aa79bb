"""A server to which mail is sent and that knows nobody."""

from __future__ import annotations

from typing import Any

from aiosmtpd.controller import Controller

from tests.servers import free_port


class _Refusing:
    async def handle_RCPT(self, _server: Any, _session: Any, _envelope: Any, address: str, _options: Any) -> str:  # noqa: N802  aiosmtpd's
        return f"550 5.1.1 <{address}>: User unknown"


def refusing_server() -> Controller:
    """Start it; its `port` is where it listens, `stop` ends it."""
    controller = Controller(_Refusing(), hostname="127.0.0.1", port=free_port())
    controller.start()
    return controller
