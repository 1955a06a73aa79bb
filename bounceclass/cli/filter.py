"""`bounceclass filter`: stands in front of an application's bounce address, and passes on what counts against an address."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click
import msgspec

from bounceclass.cli.deliver import TRY_AGAIN, envelope, read_message
from bounceclass.cli.lasting import log_as_configured, stop_on_signals
from bounceclass.cli.session import current
from bounceclass.errors import SettingsError
from bounceclass.filtering import Pass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import NoReturn

    from bounceclass.assembly import Parts
    from bounceclass.cli.session import Session
    from bounceclass.filter import Judged
    from bounceclass.protocols import Item

__all__ = ["command"]

_LARGEST: Final = 256 * 1024 * 1024
"""Octets of a mail that is passed on."""


@click.command()
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND [ARGUMENT]...]")
@click.option("--pass", "passing", type=click.Choice([one.value for one in Pass]), help="Of bounces; else policy with a store, suppress without.")
@click.option("--from", "source_url", metavar="SOURCE", help="Read mail here, in place of standard input.")
@click.option("--to", "target_url", metavar="TARGET", help="Pass it on to here: maildir:, lmtp:, smtp:, imap: or imaps:")
@click.option("--rest", "rest_url", metavar="TARGET", help="Where the mail goes that is kept back.")
@click.option("--tag", is_flag=True, help="Keep nothing back: only write into each mail what we say of it.")
@click.option("--once", is_flag=True, help="With --from: do what is there, and end.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="Seconds for one mail, after which it passes.")
def command(  # noqa: PLR0913, PLR0917  one a flag
    command: tuple[str, ...],
    passing: str | None,
    source_url: str | None,
    target_url: str | None,
    rest_url: str | None,
    tag: bool,  # noqa: FBT001  a flag
    once: bool,  # noqa: FBT001  a flag
    timeout: float,
) -> int:
    """Pass on mail that counts against an address, whatever is no bounce, and whatever isn't understood.

    The mail comes on standard input, and COMMAND gets it on its own, or standard output; or from a mailbox (--from) to
    another (--to). It fails open: where we fail, the mail passes. Exit code 75 says that the mail was not passed on.
    """
    session = current()
    which = Pass(passing) if passing else Pass.POLICY if session.settings.store.url else Pass.SUPPRESS
    log_as_configured(session.settings)
    with _ledger(session, which, timeout / 2) as ledger:
        from bounceclass.filter import Judged  # noqa: PLC0415  the whole library

        judged = Judged(session.engine(), which, ledger.suppressed if ledger else None, tag=tag)
        if source_url is None:
            if target_url is not None or once:
                msg = "--to and --once are for --from SOURCE; on standard input give a COMMAND"
                raise SettingsError(msg)
            return _pipe(judged, command, rest_url, timeout)
        if target_url is None or command:
            msg = "--from SOURCE needs --to TARGET, and takes no COMMAND"
            raise SettingsError(msg)
        return _between(judged, ledger, (source_url, target_url, rest_url), once=once)


class _Ledger:
    """Our policy, opened with the first mail: where the store is away, that mail fails and so passes."""

    def __init__(self, session: Session, stack: ExitStack, patience: float) -> None:
        store = msgspec.structs.replace(session.settings.store, patience=min(patience, session.settings.store.patience))
        self._settings = msgspec.structs.replace(session.settings, store=store)
        self._named = session.named
        self._stack = stack
        self._parts: Parts | None = None

    def suppressed(self, item: Item) -> list[str]:
        """Enter an item, and return whom of it the policy suppresses, now or since long. Raises StoreError."""
        from bounceclass.assembly import opened  # noqa: PLC0415  as above

        if self._parts is None:
            self._parts = self._stack.enter_context(opened(self._settings, self._named, ()))
        parts = self._parts
        accounts = parts.bookkeeper.prepare(item, parts.store, datetime.now(UTC))
        cases = [case for account in accounts for case in account.cases if case.blames and case.recipient]
        parts.runner.handle(item, accounts)
        now = datetime.now(UTC)
        return [case.recipient for case in cases if case.recipient and parts.store.is_suppressed(case.recipient, case.standing.stream, now)]

    def turn(self) -> None:
        """Deliver what is due to the plugins, and keep house."""
        if self._parts is not None:
            self._parts.runner.run((), once=True)


@contextmanager
def _ledger(session: Session, which: Pass, patience: float) -> Iterator[_Ledger | None]:
    with ExitStack() as stack:
        yield _Ledger(session, stack, patience) if which is Pass.POLICY else None


def _pipe(judged: Judged, command: tuple[str, ...], rest_url: str | None, timeout: float) -> int:
    """Rule on one mail; return the exit code of the command, 75 where it can't be started."""
    from bounceclass.protocols import Item  # noqa: PLC0415  as above
    from bounceclass.targets import open_target  # noqa: PLC0415  as above

    recipient, sender = envelope()
    item = Item(raw=read_message(), source="-", recipient=recipient, sender=sender, received_at=datetime.now(UTC))
    rest = open_target(rest_url) if rest_url is not None else None
    with _limited(timeout):
        ruling, mail = judged.rule(item)
    if not ruling.passes:
        if rest is not None:
            rest.deliver(mail, item)
        return 0
    if command:
        return _run(command, mail)
    sys.stdout.buffer.write(mail)
    sys.stdout.buffer.flush()
    return 0


def _run(command: tuple[str, ...], mail: bytes) -> int:
    try:
        done = subprocess.run(command, input=mail, check=False)  # noqa: S603  the operator's own
    except BrokenPipeError:  # it has read as much as it wanted
        return TRY_AGAIN
    return done.returncode if done.returncode >= 0 else TRY_AGAIN


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what takes longer, and every second from then on; it is caught where ruling fails open, or where a plugin hangs."""

    def late(_number: int, _frame: FrameType | None) -> NoReturn:
        msg = f"took longer than {seconds:g} s"
        raise TimeoutError(msg)

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _between(judged: Judged, ledger: _Ledger | None, urls: tuple[str, str, str | None], *, once: bool) -> int:
    """Pass on from a source to a target until stopped."""
    from bounceclass.assembly import open_sources  # noqa: PLC0415  as above
    from bounceclass.filter import Filter  # noqa: PLC0415  as above
    from bounceclass.targets import open_target  # noqa: PLC0415  as above

    settings = current().settings
    whole = msgspec.structs.replace(settings, limits=msgspec.structs.replace(settings.limits, message=max(_LARGEST, settings.limits.message)))
    with ExitStack() as stack:
        target = stack.enter_context(closing(open_target(urls[1])))
        rest = stack.enter_context(closing(open_target(urls[2]))) if urls[2] is not None else None
        (source,) = open_sources((urls[0],), current().engine().plugins, whole)
        stack.callback(source.close)
        working = Filter(judged, target, rest, settings.run.poll_seconds)
        caught = stop_on_signals(working.stop)
        working.run(source, once=once, turn=ledger.turn if ledger else lambda: None)
        counts = working.counts
        quarantined = f", {counts['quarantined']} in quarantine" if counts["quarantined"] else ""
        click.echo(f"{counts['passed']} passed, {counts['kept back']} kept back{quarantined}")
        if signal.SIGINT in caught:
            raise KeyboardInterrupt
        return TRY_AGAIN if working.troubled else 0
