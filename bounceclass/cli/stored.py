"""What the commands over a store have in common: opening it, times, who is asking."""

from __future__ import annotations

import getpass
import os
import re
import socket
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from bounceclass.assembly import open_configured_store
from bounceclass.cli.session import current
from bounceclass.cli.terminal import printable
from bounceclass.outgoing import Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bounceclass.plugins import Plugins
    from bounceclass.store.database import Database

__all__ = ["WHEN", "opened", "said_at", "store_option", "told", "who"]

_SPAN: Final = re.compile(r"(\d{1,5})([smhdw])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


class When(click.ParamType[datetime]):
    """A time: RFC 3339 (`2026-03-09`, `2026-03-09T12:00:00Z`), or how long ago: `90m`, `24h`, `7d`."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401  click's signature
        """Return the time in UTC; one without a zone is in UTC."""
        if isinstance(value, datetime):
            return value
        if span := _SPAN.fullmatch(value):
            return datetime.now(UTC) - timedelta(seconds=int(span[1]) * _UNITS[span[2]])
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time: write 2026-03-09, 2026-03-09T12:00:00Z, 24h or 7d", param, ctx)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


WHEN: Final = When()


def store_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option --store."""
    return click.option("--store", "url", metavar="URL", help="The store, instead of the configuration's.")(command)


@contextmanager
def opened(url: str | None, *, create: bool = False, plugins: Plugins | None = None) -> Iterator[tuple[Database, Outgoing]]:
    """Open the store, by default only one that is there, and what passes actions on to the plugins that are on; the next run calls them.

    `plugins` are those where the command has switched them on already.
    """
    session = current()
    settings = session.settings.store if url is None else msgspec.structs.replace(session.settings.store, url=url)
    store = open_configured_store(settings, create=create)
    try:
        yield store, Outgoing(plugins or session.plugins())
    finally:
        store.close()


def who() -> str:
    """Return who runs the command, for the history."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without an entry, as in a container
        name = f"uid-{os.getuid()}"
    return f"{name}@{socket.gethostname()}"


def said_at(at: datetime | None) -> str:
    """Return a time for people: to the minute, in UTC; "ever" where there is none."""
    return "ever" if at is None else f"{at:%Y-%m-%d %H:%M}Z"


def told(line: str) -> None:
    """Print a line that may hold remote text."""
    click.echo(printable(line))
