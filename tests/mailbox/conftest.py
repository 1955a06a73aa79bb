"""Mailboxes on a real server, and who says which tokens hold."""

from __future__ import annotations

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from bounceclass.settings import Limits
from bounceclass.sources.imap import Imap
from bounceclass.sources.pop3 import Pop3
from tests.mailbox.dovecot import PASSWORD, Box, Dovecot
from tests.mailbox.proxy import Proxy
from tests.runner.conftest import sink  # noqa: F401  a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    OpenImap = Callable[..., Imap]
    OpenPop3 = Callable[..., Pop3]


class Tokens:
    """An endpoint of introspection (RFC 7662): tokens, and whose they are."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {}
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                user = tokens.users.get(asked["token"][0])
                body = json.dumps({"active": user is not None, **({"user": user} if user else {})}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="session")
def tokens() -> Iterator[Tokens]:
    found = Tokens()
    yield found
    found.stop()


@pytest.fixture(scope="session")
def own(tokens: Tokens) -> Iterator[Callable[..., Dovecot]]:
    """Start a server with a configuration of its own; tests that want the same share it."""
    started: dict[str, Dovecot] = {}

    def start(**given: str) -> Dovecot:
        wanted = repr(sorted(given.items()))
        if wanted not in started:
            started[wanted] = Dovecot(tokens=tokens.url, **given)
        return started[wanted]

    yield start
    for one in started.values():
        one.end()
    for one in started.values():
        one.remove()


@pytest.fixture(scope="session")
def dovecot(own: Callable[..., Dovecot]) -> Dovecot:
    """The server that most tests share, each with a user of its own."""
    return own()


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOX_PASSWORD", PASSWORD)


def new_box(server: Dovecot) -> Box:
    return Box(server, f"u{uuid.uuid4().hex[:12]}@example.com")


@pytest.fixture
def box(dovecot: Dovecot) -> Box:
    return new_box(dovecot)


@pytest.fixture
def imap() -> Iterator[OpenImap]:
    """Open a source, which is closed at the end."""
    opened: list[Imap] = []

    def open_(url: str, limits: Limits | None = None) -> Imap:
        opened.append(Imap(url, limits or Limits()))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def pop3() -> Iterator[OpenPop3]:
    """The same of POP3."""
    opened: list[Pop3] = []

    def open_(url: str, limits: Limits | None = None) -> Pop3:
        opened.append(Pop3(url, limits or Limits()))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def proxy() -> Iterator[Callable[..., Proxy]]:
    """Start a relay to a port."""
    started: list[Proxy] = []

    def start(port: int, cuts: list[int] | None = None) -> Proxy:
        started.append(Proxy(port, cuts))
        return started[-1]

    yield start
    for one in started:
        one.close()
