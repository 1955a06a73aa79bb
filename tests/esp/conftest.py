"""A server on loopback in the place of an ESP's API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bounceclass import http
from tests.esp.loopback import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(http, "SECONDS", 0.4)
    server = Server()
    yield server
    server.shutdown()
    server.server_close()
