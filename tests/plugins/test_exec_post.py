"""What a URL is posted, and what its answer means."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from bounceclass_exec import Settings, plugin

from bounceclass.errors import Refused, Retry
from tests.plugins.calls import ALL, DOMAIN, act, tell


class Handler(BaseHTTPRequestHandler):
    """Answers as it is told, and notes what came."""

    answer: ClassVar[Callable[[Handler], None]]
    came: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.came.append({"path": self.path, "headers": dict(self.headers), "body": json.loads(body)})
        try:
            type(self).answer(self)
        except OSError:
            self.close_connection = True  # whoever asked has left

    do_GET = do_POST  # noqa: N815  http.server's name

    def log_message(self, *_: object) -> None:
        pass


Serve = Callable[[Callable[[Handler], None]], str]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    Handler.came = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()

    def serving(answer: Callable[[Handler], None]) -> str:
        Handler.answer = staticmethod(answer)  # not to be bound
        return f"http://127.0.0.1:{server.server_port}/hook?token=s3cret"

    yield serving
    server.shutdown()
    thread.join()
    server.server_close()


def answer(status: int, *headers: tuple[str, str], body: bytes = b"") -> Callable[[Handler], None]:
    def give(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return give


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_an_answer_of_2xx_is_done(serve: Serve, status: int) -> None:
    tell(plugin(Settings(url=serve(answer(status)), headers={"Authorization": "Bearer t", "content-type": "text/plain"})))
    (one,) = Handler.came
    headers = {name.lower(): value for name, value in one["headers"].items()}
    assert (headers["authorization"], headers["content-type"], headers["idempotency-key"]) == ("Bearer t", "application/json", "k1:bounce")
    assert (one["path"], one["body"]["hook"], one["body"]["event"]["recipient"]) == ("/hook?token=s3cret", "bounce", "user@example.org")


def test_the_idempotency_key_tells_decisions_apart_and_is_the_same_again(serve: Serve) -> None:
    caller = plugin(Settings(url=serve(answer(200)), hooks=ALL))
    for _ in range(2):
        act(caller)
        act(caller, suppression=DOMAIN)
        act(caller, "release")
        act(caller, key="ключ\r\nX: y")
        tell(caller, hook="delay")
    keys = [one["headers"]["Idempotency-Key"] for one in Handler.came]
    assert (keys[:5], len(set(keys))) == (keys[5:], 5)
    assert [key.rpartition(":")[0] for key in keys[:3]] == ["k1:suppress", "k1:suppress", "k1:release"]


@pytest.mark.parametrize(
    ("status", "after", "seconds"),
    [
        (429, "17", 17), (503, "17", 17), (503, None, 60), (500, None, 60), (502, None, 60), (599, None, 60), (408, None, 60), (425, None, 60),
        (429, "0", 1), (429, "-5", 60), (429, "soon", 60), (429, "1e9", 60), (429, "9" * 400, 86400), (429, "Wed, 21 Oct 2015 07:28:00 GMT", 1),
        (429, "Wed, 99 Oct 2015 07:28:00 GMT", 60), (429, "", 60),
    ],
)  # fmt: skip
def test_an_answer_that_is_about_the_moment_asks_for_later(serve: Serve, status: int, after: str | None, seconds: float) -> None:
    url = serve(answer(status, *([("Retry-After", after)] if after is not None else [])))
    with pytest.raises(Retry, match=rf"^127\.0\.0\.1:\d+ answered {status}$") as caught:
        tell(plugin(Settings(url=url)))
    assert caught.value.after == seconds


def test_a_date_says_when_to_come_again(serve: Serve) -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    with pytest.raises(Retry) as caught:
        tell(plugin(Settings(url=serve(answer(503, ("Retry-After", when))))))
    assert 290 < caught.value.after <= 300


@pytest.mark.parametrize(("status", "why"), [(404, "404"), (400, "400"), (401, "401"), (422, "422"), (302, "302, and redirects are not followed"), (307, "307"), (304, "304")])
def test_any_other_answer_is_refused_and_a_redirect_not_followed(serve: Serve, status: int, why: str) -> None:
    with pytest.raises(Refused, match=rf"^127\.0\.0\.1:\d+ answered {why}"):
        tell(plugin(Settings(url=serve(answer(status, ("Location", "/elsewhere"))))))
    assert len(Handler.came) == 1


def never(handler: Handler) -> None:
    while True:
        handler.wfile.write(b"x" * 65536)


def dripping(handler: Handler) -> None:
    for _ in range(100):
        time.sleep(0.2)
        handler.wfile.write(b"x")


@pytest.mark.parametrize("body", [never, dripping])
def test_a_body_that_is_huge_or_slow_is_not_waited_for(serve: Serve, body: Callable[[Handler], None]) -> None:
    def give(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        body(handler)

    started = time.monotonic()
    tell(plugin(Settings(url=serve(give), timeout=1)))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("trouble", ["hangs", "refuses", "hangs up", "babbles", "unknown"])
def test_no_answer_asks_for_later_and_tells_no_secret(serve: Serve, trouble: str) -> None:
    let_go = threading.Event()
    url = serve(
        {
            "hangs": lambda _: let_go.wait(20),
            "hangs up": lambda handler: handler.connection.shutdown(socket.SHUT_RDWR),
            "babbles": lambda handler: handler.wfile.write(b"\x00\x1b[2J not http\r\n\r\n"),
        }.get(trouble, answer(200))
    )
    if trouble == "refuses":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = re.sub(r":\d+/", f":{free.getsockname()[1]}/", url)
    elif trouble == "unknown":
        url = "http://nowhere.invalid/?token=s3cret"
    started = time.monotonic()
    with pytest.raises(Retry, match=r"^(127\.0\.0\.1:\d+|nowhere\.invalid): \w+") as caught:
        tell(plugin(Settings(url=url, timeout=0.5, headers={"Authorization": "s3cret"})))
    let_go.set()
    assert time.monotonic() - started < 10
    assert caught.value.after == 60
    assert "s3cret" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
