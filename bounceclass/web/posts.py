"""`POST /webhooks/ses:eu`, also as `/webhooks/ses/eu` where a console takes no colon."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from litestar import HttpMethod, Request, Response, Router, post, route
from litestar.exceptions import HTTPException, NotFoundException

from bounceclass.web.intake import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bounceclass.web.instances import Instance
    from bounceclass.web.intake import Intake

__all__ = ["posts"]

_ANSWERS: Final = {
    Outcome.UNPROVED: (401, "It could not be verified."),
    Outcome.BUSY: (429, "Not now; come again."),
    Outcome.UNSTORED: (503, "It could not be stored; come again."),
}
_FULL: Final = (429, "Too much waits to be processed; come again.")


def posts(known: Mapping[str, Instance], intake: Intake, count: Callable[[str, str], None]) -> Router:
    """Return the routes of some instances. `count` is told of each post: whose it was, and what became of it."""

    @post(["/{name:str}", "/{name:str}/{part:str}"], status_code=200)
    async def take(request: Request[Any, Any, Any], name: str, part: str | None = None) -> Response[bytes]:
        instance = _instance(known, name, part)
        if await asyncio.to_thread(intake.is_full):
            count(instance.name, "full")
            raise _error(*_FULL)
        body = await request.body()
        outcome = await asyncio.to_thread(intake.take, instance, _headers(request), body)
        count(instance.name, outcome)
        if outcome in _ANSWERS:
            raise _error(*_ANSWERS[outcome])
        return Response(b"", status_code=200, media_type="text/plain")

    @route(["/{name:str}", "/{name:str}/{part:str}"], http_method=[HttpMethod.GET, HttpMethod.HEAD])  # what an ESP looks with at setup
    async def probe(name: str, part: str | None = None) -> Response[bytes]:
        _instance(known, name, part)
        return Response(b"", status_code=200, media_type="text/plain")

    return Router("/webhooks", route_handlers=[take, probe], include_in_schema=False)


def _instance(known: Mapping[str, Instance], name: str, part: str | None) -> Instance:
    found = known.get(name if part is None else f"{name}:{part}")
    if found is None:
        raise NotFoundException(detail="Nothing is here.")
    return found


def _error(status: int, detail: str) -> HTTPException:
    return HTTPException(status_code=status, detail=detail)


def _headers(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the header by names in lower case; of several of one name all, as RFC 9110 (5.3) joins them."""
    found: dict[str, str] = {}
    for raw_name, raw_value in request.scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
