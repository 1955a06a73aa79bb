"""`/health` and `/metrics`: for your network, not for the world; the proxy does not pass them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from litestar import Response, get

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from litestar.handlers import HTTPRouteHandler

    from bounceclass.web.metrics import Metrics

__all__ = ["Health", "state"]


class Health(msgspec.Struct, frozen=True):
    """Whether all is well, and what is not."""

    status: str
    wrong: tuple[str, ...] = ()


def state(metrics: Metrics, ask: Callable[[], list[str]]) -> Sequence[HTTPRouteHandler]:
    """Return the routes; `ask` tells what is wrong."""

    @get("/health", sync_to_thread=True, include_in_schema=False)
    def health() -> Response[Health]:
        wrong = tuple(ask())
        return Response(Health("wrong" if wrong else "ok", wrong), status_code=503 if wrong else 200)

    @get("/metrics", sync_to_thread=True, include_in_schema=False)
    def scrape() -> Response[bytes]:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [health, scrape]
