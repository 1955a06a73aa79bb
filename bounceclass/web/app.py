"""The application, put together from a configuration."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from litestar import Litestar

from bounceclass.engine import Engine
from bounceclass.errors import SettingsError
from bounceclass.web.gate import Gate
from bounceclass.web.instances import instances
from bounceclass.web.intake import Intake
from bounceclass.web.posts import posts
from bounceclass.web.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from litestar.types import ASGIApp

    from bounceclass.config import Configuration

__all__ = ["Served", "served"]


class Served(msgspec.Struct, frozen=True):
    """What is served: the application, and whose webhooks are taken."""

    app: ASGIApp
    engine: Engine
    names: tuple[str, ...]


@contextmanager
def served(configuration: Configuration, plugins: Sequence[object] = ()) -> Iterator[Served]:
    """Make the application, and let go of what it has open at the end. Raises SettingsError and OSError."""
    engine = Engine(configuration, plugins=plugins)
    known = instances(engine.plugins, configuration.plugins)
    routers = []
    intake = None
    if known:
        if configuration.web.spool is None:
            msg = 'webhooks need a spool: write [web] spool = "/var/lib/bounceclass/webhooks"'
            raise SettingsError(msg)
        intake = Intake(configuration.web, Path(configuration.web.spool))
        routers.append(posts(known, intake, lambda _name, _outcome: None))
    app = Litestar(
        routers,
        exception_handlers={Exception: problem_of},
        request_max_body_size=configuration.web.body,
        logging_config=None,
        openapi_config=None,
    )
    try:
        yield Served(Gate(app, configuration.web, lambda: None), engine, tuple(known))
    finally:
        if intake is not None:
            intake.close()
