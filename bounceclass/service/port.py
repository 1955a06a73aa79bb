"""A few pages over HTTP, for who watches a run: read only, a thread a request, no name looked up."""

from __future__ import annotations

import logging
import re
import socket
import socketserver
import threading
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from bounceclass.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["Page", "Port", "parse_address"]

LOG: Final = logging.getLogger("bounceclass")
_ADDRESS: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})")

Page = tuple[str, str, bytes]
"""Status line, Content-Type and body."""


class _Requests(WSGIRequestHandler):
    """One request, which may not take for ever and is not logged."""

    timeout = 10

    def log_message(self, *_: object) -> None:  # what is served is nobody's news
        pass


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's would ask DNS who we are
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, *_: object) -> None:  # who asked has gone
        pass


class _Server6(_Server):
    address_family = socket.AF_INET6


class Port:
    """Serves pages by their path, from its making until it is closed."""

    def __init__(self, address: str, pages: Mapping[str, Callable[[], Page]]) -> None:
        """Listen on `127.0.0.1:9464` or `[::1]:9464`. Raises SettingsError where that can't be done."""
        host, port = parse_address(address)
        self._pages = pages
        try:
            self._server = (_Server6 if ":" in host else _Server)((host, port), _Requests)
        except OSError as error:
            msg = f"run.metrics: {address}: {error.strerror or error}"
            raise SettingsError(msg) from error
        self._server.set_app(self._answer)
        self.number: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="bounceclass port", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        status, kind, body = self._page(environ)
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _page(self, environ: WSGIEnvironment) -> Page:
        page = self._pages.get(environ.get("PATH_INFO", ""))
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return "405 Method Not Allowed", "text/plain", b"GET or HEAD\n"
        if page is None:
            return "404 Not Found", "text/plain", " ".join(self._pages).encode() + b"\n"
        try:
            return page()
        except Exception:
            LOG.exception("%s could not be served", environ["PATH_INFO"])
            return "500 Internal Server Error", "text/plain", b"see the log\n"


def parse_address(address: str) -> tuple[str, int]:
    """Return IP address and port. Raises SettingsError for what is none."""
    found = _ADDRESS.fullmatch(address)
    try:
        if found and int(found[3]) < 2**16:
            return str(ip_address(found[1] or found[2])), int(found[3])
    except ValueError:
        pass
    msg = f"run.metrics: {address} is no IP address with a port, such as 127.0.0.1:9464"
    raise SettingsError(msg)
