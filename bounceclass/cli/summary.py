"""`bounceclass summary`: what bounced, what you must fix, and whatever else is worth a look."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from bounceclass import explain
from bounceclass.assembly import open_sources
from bounceclass.cli.explain import language_option
from bounceclass.cli.output import write
from bounceclass.cli.quarantine import files_of, why_of
from bounceclass.cli.session import current
from bounceclass.cli.stored import WHEN, opened, store_option
from bounceclass.cli.terminal import complain
from bounceclass.errors import BounceclassError, InputError
from bounceclass.summary.compiling import compile_summary
from bounceclass.summary.contents import Quarantined
from bounceclass.summary.wording import Wording

if TYPE_CHECKING:
    from bounceclass.cli.session import Session
    from bounceclass.config import Configuration
    from bounceclass.plugins import Plugins
    from bounceclass.summary.contents import Summary

__all__ = ["command"]


@click.command()
@click.option("--since", type=WHEN, default="7d", show_default=True, metavar="WHEN", help="What arrived since then: 2026-03-09T12:00:00Z, 24h, 7d.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a page for the browser instead, whole or not at all.")
@click.option("--format", "form", type=click.Choice(("table", "json")), default="table", show_default=True, help="Text for people, or data.")
@language_option
@store_option
def command(since: datetime, html: Path | None, form: str, lang: str | None, url: str | None) -> int:
    """Sum up what the store has of a span of time: first what you must fix, then all else. Nothing is changed."""
    if html is not None and form != "table":
        msg = "--html writes a page: it goes without --format"
        raise click.UsageError(msg)
    now = datetime.now(UTC)
    if since >= now:
        msg = "--since: nothing has happened since then"
        raise click.UsageError(msg)
    words = Wording(explain.pick_language(lang))
    quarantine = _quarantine(current())
    with opened(url) as (store, _):
        found = compile_summary(store, current().settings, since, now, quarantine)
    if html is not None:
        _write_page(html, found, words)
    elif form == "json":
        write(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    else:
        from bounceclass.cli.summarytext import show  # noqa: PLC0415  rich, only for people

        show(found, words)
    return 1 if any(one.count is None for one in quarantine or ()) else 0


def _write_page(path: Path, found: Summary, words: Wording) -> None:
    from bounceclass.summary.html import page, put  # noqa: PLC0415  only for a page

    try:
        put(path, page(found, words))
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error)) from error
    click.echo(path, err=True)


def _quarantine(session: Session) -> list[Quarantined] | None:
    """Return what lies in quarantine of the configured sources; None without any."""
    urls = session.settings.run.sources
    if not urls:
        return None
    plugins = session.engine().plugins
    return [_quarantined(url, session.settings, plugins) for url in urls]


def _quarantined(url: str, configuration: Configuration, plugins: Plugins) -> Quarantined:
    try:
        (source,) = open_sources([url], plugins, configuration)
        try:
            files = files_of(source)
        finally:
            source.close()
        times = [path.stat().st_ctime for path in files]
    except (BounceclassError, OSError) as error:
        complain(str(error))
        return Quarantined(source=url, count=None, oldest=None, why=str(error))
    if not times:
        return Quarantined(source=url, count=0, oldest=None, why=None)
    newest = files[times.index(max(times))]
    return Quarantined(source=url, count=len(files), oldest=datetime.fromtimestamp(min(times), UTC), why=why_of(newest).strip())
