"""uvicorn with our manners: our signals and our log, no word about itself, and time limits for what comes slowly."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from bounceclass.web.gate import CONNECTIONS, patient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.settings import WebSettings

__all__ = ["Server"]

_GRACE: Final = 30
"""Seconds that requests have to end when the server is stopped."""
_IDLE: Final = 75
"""Seconds for which a connection is kept: longer than a proxy does, so that it never writes into one that closes."""


class Server(uvicorn.Server):
    """Serves until `stop` is called; signals are the caller's."""

    def __init__(self, app: Any, settings: WebSettings) -> None:  # noqa: ANN401  an ASGI application, of which each library has a type
        """Take what to serve, and where."""
        logging.getLogger("uvicorn").setLevel(logging.ERROR)  # else each request that is none has a line of the log
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http=patient(settings.head_seconds),
                ws="none",
                loop="asyncio",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                timeout_keep_alive=_IDLE,
                timeout_graceful_shutdown=_GRACE,
                limit_concurrency=CONNECTIONS,
                h11_max_incomplete_event_size=64 * 1024,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the caller."""
        yield

    def stop(self) -> None:
        """End when what is in flight is answered; may be called by a signal's handler."""
        self.should_exit = True
