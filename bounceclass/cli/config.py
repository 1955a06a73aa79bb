"""`bounceclass config check`: whether a configuration holds, and what it leaves out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bounceclass.cli.session import current
from bounceclass.cli.terminal import printable
from bounceclass.config import VARIABLE, read
from bounceclass.errors import BounceclassError, MissingExtraError, SettingsError
from bounceclass.spots import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.config import Configuration
    from bounceclass.engine import Engine

__all__ = ["command"]


@click.group()
def command() -> None:
    """Check the configuration."""


@command.command()
@click.argument("path", required=False, metavar="[FILE]")
def check(path: str | None) -> int:
    """Read a configuration and all that it names: packs, keys, plugins, sources. Faults are told with their line; exit code 2."""
    path = path or current().config or os.environ.get(VARIABLE)
    if not path:
        msg = f"name a file, or set {VARIABLE}"
        raise SettingsError(msg)
    try:
        configuration = read(path)
        faults = [f"{path}: {fault}" for fault in _faults(configuration)] + list(_faults_of_sources(configuration, path))
    except BounceclassError as error:
        faults = [str(error)]
    for fault in faults:
        click.echo(printable(fault))
    if faults:
        return 2
    from bounceclass.trust import gaps  # noqa: PLC0415  slow, and only for a file that holds

    for gap in gaps(configuration, configuration.trust):
        click.echo(f"not configured: {printable(gap)}", err=True)
    click.echo(f"{printable(path)}: no fault", err=True)
    return 0


def _faults(configuration: Configuration) -> Iterator[str]:
    """Yield what does not hold beyond the file itself; raises BounceclassError for what ends the search."""
    from bounceclass.engine import Engine  # noqa: PLC0415  slow, and only for a file that can be read
    from bounceclass.presets import rows_for  # noqa: PLC0415  as above
    from bounceclass.tags import read_keys  # noqa: PLC0415  as above

    rows_for(configuration.policy)
    read_keys(configuration.trust.keys, os.environ)
    engine = Engine(configuration)
    yield from map(str, engine.plugins.faults)
    if configuration.run.sources and configuration.store.url is None:
        yield "run.sources: nothing can be run without a store: [store] url"
    yield from _faults_of_web(configuration, engine)


def _faults_of_sources(configuration: Configuration, path: str) -> Iterator[str]:
    """Yield what is wrong with the URLs of sources; nothing is connected."""
    from bounceclass.assembly import open_sources  # noqa: PLC0415  as above
    from bounceclass.engine import Engine  # noqa: PLC0415  as above

    plugins = Engine(configuration).plugins
    for number, url in enumerate(configuration.run.sources):
        try:
            for source in open_sources((url,), plugins, configuration):
                source.close()
        except BounceclassError as error:
            spot = f"run.sources[{number}]"
            line = line_of(Path(path).read_text(encoding="utf-8"), "run.sources")
            yield f"{path}:{line}: {error} - at `{spot}`"


def _faults_of_web(configuration: Configuration, engine: Engine) -> Iterator[str]:
    from bounceclass.web.instances import instances  # noqa: PLC0415  as above

    if instances(engine.plugins, configuration.plugins) and configuration.web.spool is None:
        yield "web.spool: webhooks can't be taken without one"
    if configuration.api.tokens:
        try:
            from bounceclass.web.tokens import Tokens  # noqa: PLC0415  an extra
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "litestar", "web") from error
        Tokens(configuration.api)
