"""Before anything else: how many requests are worked on at once, and how long each may take to come.

    Gate     too many at once are told 429 before their body is read; a body that takes too long ends in 408
    Patient  a connection on which no head comes within its time is closed

What comes slower than that costs a connection, not a request: there can be 1,000 of them.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from litestar.exceptions import HTTPException
from uvicorn.protocols.http.h11_impl import H11Protocol

from bounceclass.web.problems import MEDIA_TYPE, RETRY, document

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send
    from litestar.types.asgi_types import HTTPReceiveMessage, WebSocketReceiveMessage

    from bounceclass.settings import WebSettings
    from bounceclass.web.metrics import Metrics

__all__ = ["CONNECTIONS", "OPEN", "Gate", "Patient", "patient"]

CONNECTIONS: Final = 1000
OPEN: Final = frozenset({"/health", "/metrics"})
"""What is answered however much there is to do."""
_LATE: Final = 408
_BUSY: Final = 429


class Gate:
    """An ASGI application before the application."""

    def __init__(self, app: ASGIApp, settings: WebSettings, metrics: Metrics) -> None:
        """Take what is behind the gate, and what counts who passes it."""
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or tell it to come again."""
        if str(scope["type"]) != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        send = self._counting(send)
        if self._in_flight >= self._settings.in_flight:
            await _tell_busy(send)
            return
        self._enter(1)
        try:
            await self._app(scope, _within(receive, self._settings.body_seconds), send)
        finally:
            self._enter(-1)

    def _enter(self, number: int) -> None:
        self._in_flight += number
        self._metrics.in_flight.set(self._in_flight)

    def _counting(self, send: Send) -> Send:
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                self._metrics.answered(message["status"], time.perf_counter() - began)

        return counted


def _within(receive: Receive, seconds: float) -> Receive:
    """Return a `receive` that gives a body so many seconds in all."""
    end = asyncio.get_running_loop().time() + seconds
    is_whole = False

    async def receive_soon() -> HTTPReceiveMessage | WebSocketReceiveMessage:
        nonlocal is_whole
        if is_whole:  # what follows is only that the client has gone
            return await receive()
        try:
            async with asyncio.timeout_at(end):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(status_code=_LATE, detail="The body did not come in time.", headers={"Connection": "close"}) from error
        is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return receive_soon


async def _tell_busy(send: Send) -> None:
    body = document(_BUSY, "Too much is being done; come again.")
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode()), (b"retry-after", RETRY.encode())]
    await send({"type": "http.response.start", "status": _BUSY, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class Patient(H11Protocol):
    """uvicorn's protocol with a limit for heads, which it has not: `seconds` from the connection, or from the last answer's end, on."""

    seconds = 10.0
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401  uvicorn's signature
        """Expect a head."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Expect one no more where it has come."""
        super().data_received(data)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing."""
        super().connection_lost(exc)
        self._relax()

    def _expect(self) -> None:
        if self._is_working():
            self._relax()
        elif self._late is None:
            self._late = self.loop.call_later(self.seconds, self._give_up)

    def _is_working(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _relax(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if not self._is_working():
            self.transport.close()


def patient(seconds: float) -> type[Patient]:
    """Return the protocol with a limit."""
    return type("Patient", (Patient,), {"seconds": seconds})
