"""The OpenAPI document, at `/openapi.json`."""

from __future__ import annotations

from typing import Final

from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

import bounceclass

__all__ = ["SECURITY", "document"]

SECURITY: Final[list[dict[str, list[str]]]] = [{"bearer": []}]


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
