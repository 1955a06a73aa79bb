"""`bounceclass run`: process what arrives in mailboxes, with history, trust and policy."""

from __future__ import annotations

import signal
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final

import click
import msgspec

from bounceclass.cli.session import current
from bounceclass.cli.terminal import printable
from bounceclass.config import settings_from
from bounceclass.errors import SettingsError

if TYPE_CHECKING:
    from collections import Counter
    from contextlib import AbstractContextManager

    from bounceclass.assembly import Parts
    from bounceclass.config import Configuration

__all__ = ["command"]

TRY_AGAIN: Final = 75
NOT_ALL: Final = 1


@click.command()
@click.argument("urls", nargs=-1, metavar="[SOURCE]...")
@click.option("--once", is_flag=True, help="Process what is there, deliver what is due, and end.")
@click.option("--dry-run", is_flag=True, help="Say what would be decided; nothing is written, moved or told.")
@click.option("--live", is_flag=True, help="On a terminal, keep a table of rates, decisions and what waits below the log.")
@click.option("--store", metavar="URL", help="The store, instead of the configuration's.")
@click.option("--log-format", "form", type=click.Choice(["text", "json"]), help="How the log is written, instead of the configuration's.")
def command(urls: tuple[str, ...], once: bool, dry_run: bool, live: bool, store: str | None, form: str | None) -> int:  # noqa: FBT001, PLR0913, PLR0917  click's signature
    """Read bounces from mailboxes, decide what follows, and tell the plugins.

    SOURCE is maildir:FOLDER, mbox:FILE, log:FILE, or imap, imaps, pop3 or pop3s ://USER@SERVER/; by default those of the
    configuration. Without --once it goes on until SIGTERM or Ctrl-C: then it ends after the batch in hand; a second Ctrl-C
    ends at once, and loses nothing either.
    """
    from bounceclass.service.supervision import Service  # noqa: PLC0415  the whole library, which `--help` need not wait for

    session = current()

    def read() -> Configuration:
        configuration = _with_options(settings_from(session.config), store, form)
        if not urls and not configuration.run.sources:
            msg = 'no source is named: give one, such as maildir:/var/mail/bounces, or write [run] sources = ["maildir:..."]'
            raise SettingsError(msg)
        return configuration

    if dry_run:
        return _rehearse(read(), urls)
    service = Service(read, session.named, urls, partial(_watching, live=live))
    done = service.run(once=once)
    if done is None:
        return TRY_AGAIN
    counts, troubled = done
    click.echo(_told(counts))
    if signal.SIGINT in service.caught:
        raise KeyboardInterrupt
    if troubled:
        return TRY_AGAIN
    return NOT_ALL if counts["quarantined"] else 0


def _with_options(configuration: Configuration, store: str | None, form: str | None) -> Configuration:
    """Return a configuration with what the command line says instead."""
    if store is not None:
        configuration = msgspec.structs.replace(configuration, store=msgspec.structs.replace(configuration.store, url=store))
    if form is not None:
        configuration = msgspec.structs.replace(configuration, log=msgspec.structs.replace(configuration.log, format=form))
    return configuration


def _watching(parts: Parts, *, live: bool) -> AbstractContextManager[None]:
    """Return what shows the run while it runs: nothing, unless that is wanted and standard error is a terminal."""
    if not live:
        return nullcontext()
    from bounceclass.cli.live import can_watch, watching  # noqa: PLC0415  rich, only where it is wanted

    return watching(parts) if can_watch() else nullcontext()


def _told(counts: Counter[str]) -> str:
    """Return what was done in one line."""
    decisions = {name.removeprefix("decision "): number for name, number in counts.items() if name.startswith("decision ") and number}
    said = ", ".join(f"{decisions[name]} {name}" for name in ("suppress", "release", "count", "hold", "none") if name in decisions)
    quarantined = f", {counts['quarantined']} in quarantine" if counts["quarantined"] else ""
    otherwise = f"; {counts['contradicted']} judged otherwise than the ESP does" if counts["contradicted"] else ""
    return f"{counts['inputs']} processed{quarantined}{f': {said}' if said else ''}{otherwise}"


def _rehearse(configuration: Configuration, urls: tuple[str, ...]) -> int:
    """Decide over what is there on a copy of the list that is thrown away; sources are read, and nothing else."""
    from bounceclass.rehearsal import rehearse  # noqa: PLC0415  as above

    number = 0
    for source, decision in rehearse(configuration, current().named, urls or configuration.run.sources):
        number += 1
        whom = decision.suppression and (decision.suppression.address or decision.suppression.domain)
        click.echo(printable(f"{decision.action:<9} {whom or '-'}  {decision.because}  [{source}]"))
    click.echo(f"{number} decisions; nothing was written, moved or told", err=True)
    return 0
