"""`bounceclass run`: process what arrives in mailboxes, with history, trust and policy."""

from __future__ import annotations

import logging
import signal
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from bounceclass.cli.session import current
from bounceclass.cli.terminal import complain, printable
from bounceclass.errors import SettingsError, StoreError
from bounceclass.trust import gaps

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import FrameType

    from bounceclass.assembly import Parts
    from bounceclass.config import Configuration

__all__ = ["command", "log_to_stderr", "stop_on_signals", "tell_gaps"]

TRY_AGAIN: Final = 75
NOT_ALL: Final = 1
_FORM: Final = "%(asctime)s %(levelname)s %(message)s"


@click.command()
@click.argument("urls", nargs=-1, metavar="[SOURCE]...")
@click.option("--once", is_flag=True, help="Process what is there, deliver what is due, and end.")
@click.option("--dry-run", is_flag=True, help="Say what would be decided; nothing is written, moved or told.")
@click.option("--live", is_flag=True, help="On a terminal, keep a table of rates, decisions and what waits below the log.")
@click.option("--store", metavar="URL", help="The store, instead of the configuration's.")
def command(urls: tuple[str, ...], once: bool, dry_run: bool, live: bool, store: str | None) -> int:  # noqa: FBT001  click's signature
    """Read bounces from mailboxes, decide what follows, and tell the plugins.

    SOURCE is maildir:FOLDER or mbox:FILE; by default those of the configuration. Without --once it goes on until SIGTERM or
    Ctrl-C: then it ends after the batch in hand; a second Ctrl-C ends at once, and loses nothing either.
    """
    from bounceclass.assembly import opened  # noqa: PLC0415  the whole library, which `--help` need not wait for

    session = current()
    configuration = session.settings
    if store is not None:
        configuration = msgspec.structs.replace(configuration, store=msgspec.structs.replace(configuration.store, url=store))
    if not urls and not configuration.run.sources:
        msg = 'no source is named: give one, such as maildir:/var/mail/bounces, or write [run] sources = ["maildir:..."]'
        raise SettingsError(msg)
    if dry_run:
        return _rehearse(configuration, urls)
    log_to_stderr()
    tell_gaps(configuration)
    if not _store_is_there(configuration, once=once):
        return TRY_AGAIN
    with opened(configuration, session.named, urls or None) as parts:
        session.tell_faults(parts.engine.plugins)
        caught = stop_on_signals(parts.runner.stop)
        with _watching(parts, live=live):
            parts.runner.run(parts.sources, once=once)
        click.echo(_told(parts.runner.counts))
        if signal.SIGINT in caught:
            raise KeyboardInterrupt
        if parts.runner.troubled:
            return TRY_AGAIN
        return NOT_ALL if parts.runner.counts["quarantined"] else 0


def _store_is_there(configuration: Configuration, *, once: bool) -> bool:
    """Wait until the store can be opened; with `once` only look. What waiting can't help is raised."""
    from bounceclass.assembly import open_configured_store  # noqa: PLC0415  as above

    said = None
    while True:
        try:
            open_configured_store(configuration.store).close()
        except StoreError as error:
            if not error.transient:
                raise
            if str(error) != said:
                complain(f"{error}; nothing is lost, it is tried again")
            said = str(error)
        else:
            return True
        if once:
            return False
        time.sleep(configuration.run.poll_seconds)


def tell_gaps(configuration: Configuration) -> None:
    """Say on stderr what is not configured, and what it costs."""
    for gap in gaps(configuration, configuration.trust):
        complain(f"not configured: {gap}")


class _Lines(logging.Formatter):
    """Lines of a log in which nothing that others wrote steers a terminal, or begins a line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        """Return the line; what is said of an exception comes below, in lines of its own."""
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802  logging's signature
        """Return the traceback, its lines kept."""
        return "\n".join(printable(line) for line in super().formatException(ei).split("\n"))


def log_to_stderr() -> None:
    """Write what is logged on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(_FORM))
    log = logging.getLogger("bounceclass")
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def _watching(parts: Parts, *, live: bool) -> AbstractContextManager[None]:
    """Return what shows the run while it runs: nothing, unless that is wanted and standard error is a terminal."""
    if not live:
        return nullcontext()
    from bounceclass.cli.live import can_watch, watching  # noqa: PLC0415  rich, only where it is wanted

    return watching(parts) if can_watch() else nullcontext()


def stop_on_signals(end: Callable[[], None]) -> list[int]:
    """Let the first SIGTERM or SIGINT end the work after what is in hand; return where they are noted."""
    caught: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        end()
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return caught


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
