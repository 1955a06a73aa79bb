"""Errors as problem documents (RFC 9457). None tells more than its status and a sentence of ours: what went wrong within is in the log."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException

from bounceclass.errors import StoreError

if TYPE_CHECKING:
    from litestar import Request

    Asked = Request[Any, Any, Any]

__all__ = ["MEDIA_TYPE", "RETRY", "Problem", "document", "problem_of"]

LOG: Final = logging.getLogger("bounceclass")
MEDIA_TYPE: Final = "application/problem+json"
RETRY: Final = "5"
"""Seconds after which one who is asked to come again may."""
_SERVER: Final = 500


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What an error is answered with."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def document(status: int, detail: str) -> bytes:
    """Return a problem document."""
    return msgspec.json.encode(Problem(title=HTTPStatus(status).phrase, status=status, detail=detail))


def problem_of(request: Asked, error: Exception) -> Response[bytes]:
    """Return the answer to a request that ended in an error."""
    status, detail = _said(error)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        headers.setdefault("Retry-After", RETRY)
    if status >= _SERVER and status != HTTPStatus.SERVICE_UNAVAILABLE:
        LOG.error("%s %s could not be answered", request.method, request.url.path, exc_info=error)
    return Response(document(status, detail), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _said(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        said = [str(one["message"]) for one in error.extra or () if isinstance(one, dict) and "message" in one]
        return error.status_code, "; ".join(said) or error.detail or HTTPStatus(error.status_code).phrase
    if isinstance(error, StoreError) and error.transient:
        LOG.error("%s", error)
        return HTTPStatus.SERVICE_UNAVAILABLE, "The store can't be used now."
    if isinstance(error, RecursionError):
        return HTTPStatus.BAD_REQUEST, "The body is nested too deeply."
    return HTTPStatus.INTERNAL_SERVER_ERROR, "It is in the log."
