"""A server that is posted to, over TLS or not: it verifies with the library of Standard Webhooks, and misbehaves when it is told to."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from bounceclass_webhook import Settings
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook, WebhookVerificationError

from bounceclass.model import Event, Kind, Original, Report
from bounceclass.settings import SecretSource

if TYPE_CHECKING:
    from pathlib import Path

NAME = "hooks.example.com"
SECRET = f"whsec_{base64.b64encode(bytes([1]) * 32).decode()}"
EVENT = Event(kind=Kind.BOUNCE, recipient="ruth@example.org", occurred_at=datetime(2026, 3, 9, 12, tzinfo=UTC), diagnostic="550 5.1.1 é")
REPORT = Report(kind=Kind.BOUNCE, events=(EVENT,), original=Original(message_id="<1@lists.example.com>"))


def settings(url: str, *secrets: str, **given: Any) -> Settings:
    return Settings(url=url, secrets=tuple(SecretSource(secret=one) for one in secrets or (SECRET,)), **given)


def bounce(poster: Any, key: str = "k1") -> None:
    poster.bounceclass_bounce(event=EVENT, report=REPORT, key=key)


class Got(NamedTuple):
    """One post: `verified` tells whether the library believes it."""

    path: str
    headers: dict[str, str]
    body: bytes
    verified: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = int | tuple[int, dict[str, str]] | Callable[["Handler"], None]


class Receiver(ThreadingHTTPServer):
    """Answers with what is put, in order, then with 204."""

    daemon_threads = True

    def __init__(self, secret: str, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.secret = secret
        self.got: list[Got] = []
        self.answers: list[Answer] = []
        self.otherwise: Answer = 204
        self.connections = 0
        self.stopping = threading.Event()
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self.server_address[1])
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def get_request(self) -> tuple[socket.socket, Any]:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections are cut on purpose."""

    def close(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append(Got(self.path, headers, body, believes(self.server.secret, headers, body)))
        answer = self.server.answers.pop(0) if self.server.answers else self.server.otherwise
        if callable(answer):
            self.close_connection = True
            with contextlib.suppress(OSError):
                answer(self)
            return
        status, more = (answer, {}) if isinstance(answer, int) else answer
        self.send_response(status)
        for name, value in ({} if status == 204 else {"Content-Length": "0"} | more).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def believes(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def hang(handler: Handler) -> None:
    """Answer nothing."""
    handler.server.stopping.wait(10)


def cut(handler: Handler) -> None:
    """Break the connection off."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def drip(handler: Handler) -> None:
    """Answer an octet at a time, for ever."""
    for octet in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 5000:
        handler.wfile.write(bytes([octet]))
        if handler.server.stopping.wait(0.05):
            return


def flood(handler: Handler) -> None:
    """Answer with a body that has no end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not handler.server.stopping.is_set():
        handler.wfile.write(b"x" * 65536)


def trickle(handler: Handler) -> None:
    """Answer 200, and then a body that never comes to its end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    while not handler.server.stopping.wait(0.05):
        handler.wfile.write(b"x")


def huge_head(handler: Handler) -> None:
    """Answer with fields that have no end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not handler.server.stopping.is_set():
        handler.wfile.write(b"X-More: " + b"x" * 65536 + b"\r\n")


def nonsense(handler: Handler) -> None:
    """Answer with what is no HTTP, and repeats what it was sent."""
    handler.wfile.write(f"{handler.path} {handler.headers['webhook-signature']}\r\n\r\n".encode())


@contextlib.contextmanager
def receiving(secret: str, context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    server = Receiver(secret, context)
    try:
        yield server
    finally:
        server.close()


def certified(folder: Path, name: str = NAME) -> tuple[ssl.SSLContext, str]:
    """Make a certificate for a name; return the server's side, and the file by which the other side believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(issuer_name=whose, subject_name=whose, public_key=key.public_key(), serial_number=x509.random_serial_number())
    dated = built.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = dated.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    file, private = folder / f"{name}.pem", folder / f"{name}.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, private)
    return context, str(file)


def seconds_of(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
