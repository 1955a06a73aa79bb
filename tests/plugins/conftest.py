"""What tests of posting out share: a receiver, an instance that posts to it, a DNS of our own, and a network where nobody answers."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any

import pytest
from bounceclass_webhook import plugin

from tests.plugins.receiver import SECRET, Receiver, receiving, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

HOOKS = ("bounce", "delay", "delivery", "complaint", "unsubscribe", "auto_reply", "receipt", "suppress", "release")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(SECRET) as server:
        yield server


def _posting(receiver: Receiver, timeout: float) -> Iterator[Any]:
    made = plugin(settings(f"http://127.0.0.1:{receiver.port}/in?token=t0k", allow=("127.0.0.0/8",), allow_http=True, hooks=HOOKS, timeout=timeout))
    yield made
    made.post.close()


@pytest.fixture
def poster(receiver: Receiver) -> Iterator[Any]:
    """Give an instance that posts to the receiver by plain HTTP: poster.bounceclass_bounce(...)."""
    yield from _posting(receiver, 10)


@pytest.fixture
def hasty(receiver: Receiver) -> Iterator[Any]:
    """Give one that waits for half a second at most."""
    yield from _posting(receiver, 0.5)


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Give what names resolve to: for each the answers in order, the last one for good; `asked` counts by what is left."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host not in known:
            if not re.fullmatch(r"[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*", str(host)):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return real(host, port, *rest, **more)
        answers = known[host]
        said = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in said]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    return known


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Give whom we tried to connect to; nobody answers."""
    tried: list[tuple[str, int]] = []

    def create_connection(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("socket.create_connection", create_connection)
    return tried
