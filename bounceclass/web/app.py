"""The application, put together from a configuration.

    /webhooks/INSTANCE           where an instance has a secret
    /v1/...  /openapi.json       where there are tokens
    /health  /metrics            always

The store is opened only where a token may use it.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from litestar import Litestar, Router

from bounceclass.assembly import open_configured_store
from bounceclass.engine import Engine
from bounceclass.errors import SettingsError, StoreError
from bounceclass.outgoing import Outgoing
from bounceclass.web.document import SECURITY, document
from bounceclass.web.gate import Gate
from bounceclass.web.instances import instances
from bounceclass.web.intake import Intake
from bounceclass.web.listing import listing
from bounceclass.web.metrics import Metrics
from bounceclass.web.posts import posts
from bounceclass.web.problems import problem_of
from bounceclass.web.state import state
from bounceclass.web.tokens import Tokens, guard
from bounceclass.web.verdicts import classify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from litestar.types import ASGIApp, ControllerRouterHandler

    from bounceclass.config import Configuration
    from bounceclass.store.database import Database
    from bounceclass.web.instances import Instance

__all__ = ["Served", "served"]

_NOBODY: Final = "nobody@health.invalid"


class Served(msgspec.Struct, frozen=True):
    """What is served: the application, and what for."""

    app: ASGIApp
    engine: Engine
    names: tuple[str, ...]


@contextmanager
def served(configuration: Configuration, plugins: Sequence[object] = ()) -> Iterator[Served]:
    """Make the application, and let go of what it has open at the end. Raises SettingsError, StoreError and OSError."""
    engine = Engine(configuration, plugins=plugins)
    known = instances(engine.plugins, configuration.plugins)
    with ExitStack() as stack:
        intake = _intake(configuration, known, stack)
        store = _store(configuration, stack)
        metrics = Metrics(intake.waiting if intake else lambda: (0, 0))
        routes: list[ControllerRouterHandler] = [*state(metrics, _asking(intake, store))]
        if intake is not None:
            routes.append(posts(known, intake, metrics.posted))
        if configuration.api.tokens:
            handlers = [classify(engine), *(listing(store, Outgoing(engine.plugins)) if store else ())]
            routes.append(Router("/v1", route_handlers=handlers, guards=[guard(Tokens(configuration.api))], security=SECURITY))
        app = Litestar(
            routes,
            exception_handlers={Exception: problem_of},
            request_max_body_size=configuration.web.body,
            logging_config=None,
            openapi_config=document() if configuration.api.tokens else None,
        )
        yield Served(Gate(app, configuration.web, metrics), engine, tuple(known))


def _intake(configuration: Configuration, known: Mapping[str, Instance], stack: ExitStack) -> Intake | None:
    if not known:
        return None
    if configuration.web.spool is None:
        msg = 'webhooks need a spool: write [web] spool = "/var/lib/bounceclass/webhooks"'
        raise SettingsError(msg)
    intake = Intake(configuration.web, Path(configuration.web.spool))
    stack.callback(intake.close)
    return intake


def _store(configuration: Configuration, stack: ExitStack) -> Database | None:
    """Open the store where a token may use it."""
    if all(set(token.scopes) <= {"classify"} for token in configuration.api.tokens.values()):
        return None
    store = open_configured_store(configuration.store)
    stack.callback(store.close)
    return store


def _asking(intake: Intake | None, store: Database | None) -> Callable[[], list[str]]:
    def ask() -> list[str]:
        wrong = ["the spool is full: is `bounceclass run` running?"] if intake and intake.is_full() else []
        try:
            if store is not None:
                store.is_suppressed(_NOBODY, None, datetime.now(UTC))
        except StoreError:
            wrong.append("the store can't be used")
        return wrong

    return ask
