"""`bounceclass plugins`: what is installed, on, off, and why one failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from bounceclass.cli import output, terminal
from bounceclass.cli.session import current
from bounceclass.installed import Installed, installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.plugins import Plugins

__all__ = ["command"]

_COLOURS = {"on": "green", "failed": "red"}


class Standing(msgspec.Struct, frozen=True):
    """One line of the list: `state` is on, off or failed; `why` says why one failed."""

    name: str
    state: str
    hooks: tuple[str, ...] = ()
    distribution: str | None = None
    version: str | None = None
    why: str | None = None


@click.command()
@click.option("--format", "form", type=click.Choice(("table", "json")), default="table", show_default=True, help="A table for people, or data.")
def command(form: str) -> int:
    """List the plugins: what is installed, what is on, what failed and why. One that is off is not imported."""
    session = current()
    plugins = session.engine().plugins
    rows = list(_standings(plugins))
    if form == "json":
        for piece in output.json_array(msgspec.json.encode(row) for row in rows):
            output.write(piece)
    else:
        for line in _lines(rows):
            click.echo(line, color=terminal.colour_wanted())
        if plugins.off:
            click.echo("all are off: BOUNCECLASS_PLUGINS=off", err=True)
    return 2 if session.faulty else 0


def _standings(plugins: Plugins) -> Iterator[Standing]:
    """Yield what is on or failed, in order of calling, then what is off."""
    known = installed()
    for name in plugins.names:
        yield Standing(name, "on", tuple(plugins.hooks_of(name)), *_origin(known, name), why=plugins.given_up(name))
    for fault in plugins.faults:
        yield Standing(fault.plugin, "failed", (), *_origin(known, fault.plugin), why=fault.fault)
    seen = {name.partition(":")[0] for name in (*plugins.names, *(fault.plugin for fault in plugins.faults))}
    for name in known:
        if name not in seen:
            yield Standing(name, "off", (), *_origin(known, name))


def _origin(known: dict[str, Installed], name: str) -> tuple[Any, Any]:
    plugin = known.get(name.partition(":")[0])
    return (plugin.distribution, plugin.version) if plugin else (None, None)


def _lines(rows: list[Standing]) -> Iterator[str]:
    if not rows:
        yield "no plugins are installed"
    on = terminal.colour_wanted()
    for row in rows:
        state = terminal.paint(terminal.pad(row.state, 7), _COLOURS.get(row.state), on=on)
        origin = f"{row.distribution} {row.version}" if row.distribution else "-"
        yield f"{state}{terminal.pad(terminal.printable(row.name), 16)} {terminal.pad(origin, 20)} {', '.join(row.hooks)}".rstrip()
        if row.why:
            yield " " * 7 + terminal.printable(row.why)
