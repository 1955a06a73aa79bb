"""The OpenAPI document, at `/openapi.json`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

import bounceclass
from bounceclass.web.problems import MEDIA_TYPE, Problem

__all__ = ["PROBLEMS", "SECURITY", "document"]

SECURITY: Final[list[dict[str, list[str]]]] = [{"bearer": []}]
PROBLEMS: Final = {
    status: ResponseSpec(data_container=Problem, media_type=MEDIA_TYPE, description=HTTPStatus(status).phrase, generate_examples=False)
    for status in (400, 401, 403, 408, 413, 415, 429, 500, 503)
}
"""What any route may answer besides."""


def document() -> OpenAPIConfig:
    """Return how the document is made."""
    return OpenAPIConfig(
        title="bounceclass",
        version=bounceclass.__version__,
        description="Bounces and SMTP replies: what happened, why, whose fault it is and what to do.",
        path="/",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
        use_handler_docstrings=True,
    )
