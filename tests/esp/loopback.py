"""A small HTTP server on loopback that keeps what it is asked, and fails when it is told to."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]


class Answer(NamedTuple):
    """What is answered: a status, JSON, headers; or a fault: `hang`, `cut`."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    fault: str | None = None


class Server(ThreadingHTTPServer):
    """Answers with what was put, in order, then with what `respond` gives, by default `{}`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[Asked] = []
        self.answers: list[Answer] = []
        self.respond: Callable[[Asked], Answer] = lambda _asked: Answer(body={})
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections are cut on purpose."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def _answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(raw) if raw else None
        asked = Asked(self.command, self.path, body, {name.lower(): value for name, value in self.headers.items()})
        self.server.asked.append(asked)
        answer = self.server.answers.pop(0) if self.server.answers else self.server.respond(asked)
        if answer.fault == "hang":
            time.sleep(1.0)
            return
        if answer.fault == "cut":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        data = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  http.server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def path_of(asked: Asked) -> str:
    return urlsplit(asked.path).path
