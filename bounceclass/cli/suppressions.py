"""`bounceclass suppressions`: the list of who is not mailed: look, add, remove, why, to files and from them."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click
import msgspec

from bounceclass import byhand, listforms
from bounceclass.cli import output
from bounceclass.cli.stored import WHEN, opened, said_at, store_option, told, who
from bounceclass.cli.terminal import complain
from bounceclass.errors import InputError
from bounceclass.listforms import Faulty, Given
from bounceclass.model import Reason, Suppression
from bounceclass.store.records import Selection
from bounceclass.wrapping import is_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.store.records import Past

__all__ = ["command"]

_BATCH: Final = 1000
_REASONS: Final = click.Choice([reason.value for reason in Reason])


@click.group()
def command() -> None:
    """Show and change the suppression list, ask why, write it to a file and read one."""


@command.command("list")
@click.option("--address", metavar="ADDRESS", help="Only of one address.")
@click.option("--domain", metavar="DOMAIN", help="Only of a domain as a whole.")
@click.option("--scope", metavar="LIST", help="Only what holds for this list or stream.")
@click.option("--reason", type=_REASONS, help="Only for one reason.")
@click.option("--by", metavar="WHO", help="Only what somebody entered, such as `policy`.")
@click.option("--since", type=WHEN, metavar="WHEN", help="Only what began since then: 2026-03-09, 24h, 7d.")
@click.option("--all", "everything", is_flag=True, help="What is lifted or has run out, too.")
@click.option("--format", "form", type=click.Choice(("table", *listforms.READ)), default="table", show_default=True, help="Lines for people, or data.")
@store_option
def list_(everything: bool, form: str, url: str | None, **chosen: Any) -> int:  # noqa: FBT001, ANN401  click's signature
    """List who is suppressed, in the order of entry."""
    stream, reason = chosen.pop("scope"), chosen.pop("reason")
    at = None if everything else datetime.now(UTC)
    selection = Selection(**chosen, stream=stream, reason=Reason(reason) if reason else None, active_at=at)
    with opened(url) as (store, _):
        entries = store.suppressions(selection)
        if form == "table":
            for entry in entries:
                told(_line(entry))
            return 0
        return _write(entries, form, None)


@command.command()
@click.argument("whom", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--domain", "domains", is_flag=True, help="What is given are domains.")
@click.option("--scope", metavar="LIST", help="For one list or stream; by default for all.")
@click.option("--reason", type=_REASONS, default="suppressed", show_default=True, help="Why.")
@click.option("--until", type=WHEN, metavar="WHEN", help="When it ends; by default never.")
@click.option("--why", default="entered by hand", metavar="TEXT", help="For the history.")
@store_option
def add(whom: tuple[str, ...], domains: bool, scope: str | None, reason: str, until: datetime | None, why: str, url: str | None) -> int:  # noqa: FBT001, PLR0913, PLR0917  click's signature
    """Suppress addresses. A delivery does not lift what you enter."""
    for one in whom:
        if not is_address(f"x@{one}" if domains else one):
            msg = f"{one!r} is no {'domain' if domains else 'address'}"
            raise click.UsageError(msg)
    now = datetime.now(UTC)
    entries = [
        Suppression(address=None if domains else one, domain=one if domains else None, scope=scope, reason=Reason(reason), since=now, until=until, by=who())
        for one in whom
    ]
    with opened(url, create=True) as (store, outgoing):
        new = byhand.enter(store, outgoing, entries, why)
    told(f"{new} added, {len(entries) - new} known already")
    return 0


@command.command()
@click.argument("whom", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--domain", "domains", is_flag=True, help="What is given are domains.")
@click.option("--scope", metavar="LIST", help="Only what holds for this list or stream.")
@click.option("--reason", type=_REASONS, help="Only for one reason.")
@click.option("--why", default="removed by hand", metavar="TEXT", help="For the history.")
@store_option
def remove(whom: tuple[str, ...], domains: bool, scope: str | None, reason: str | None, why: str, url: str | None) -> int:  # noqa: FBT001, PLR0913, PLR0917  click's signature
    """Lift every entry of addresses; what led to them counts no longer. Exit code 1 where one had none."""
    without = 0
    with opened(url) as (store, outgoing):
        for one in whom:
            selection = Selection(address=None if domains else one, domain=one if domains else None, stream=scope, reason=Reason(reason) if reason else None)
            lifted = byhand.lift(store, outgoing, selection, by=who(), why=why)
            without += not lifted
            for entry in lifted:
                told(f"lifted: {_line(entry)}")
            if not lifted:
                complain(f"{one}: is on no list")
    return 1 if without else 0


@command.command()
@click.argument("address")
@click.option("--format", "form", type=click.Choice(("table", "json")), default="table", show_default=True, help="Lines for people, or data.")
@store_option
def why(address: str, form: str, url: str | None) -> int:
    """Tell what suppresses an address or did, what each rests on, word for word, and its history."""
    with opened(url) as (store, _):
        past = store.why(address, datetime.now(UTC))
    if form == "json":
        output.write(msgspec.json.encode(past) + b"\n")
        return 0
    for line in _told(address, past):
        told(line)
    return 0


@command.command()
@click.option("--to", "form", type=click.Choice(listforms.WRITTEN), default="csv", show_default=True, help="The form of the file.")
@click.option("-o", "--output", "path", metavar="FILE", help="Where to; by default standard output.")
@click.option("--scope", metavar="LIST", help="Only what holds for this list or stream.")
@store_option
def export(form: str, path: str | None, scope: str | None, url: str | None) -> int:
    """Write who is suppressed now; an MTA's table holds what is for all lists, and with --scope what is for that one, too.

    Exit code 1 where an entry can't be said safely in that form; it is named.
    """
    with opened(url) as (store, _):
        entries = store.suppressions(Selection(stream=scope, active_at=datetime.now(UTC)))
        if form in listforms.TABLES and scope is None:
            entries = (entry for entry in entries if entry.scope is None)
        return _write(entries, form, path)


@command.command("import")
@click.argument("path", metavar="FILE")
@click.option("--from", "form", type=click.Choice(listforms.READ), default="csv", show_default=True, help="The form of the file.")
@click.option("--scope", metavar="LIST", help="For one list or stream, where the file doesn't say.")
@click.option("--reason", type=_REASONS, default="suppressed", show_default=True, help="Why, where the file doesn't say.")
@click.option("--dry-run", is_flag=True, help="Only read, and say what can't be taken.")
@store_option
def import_(path: str, form: str, scope: str | None, reason: str, dry_run: bool, url: str | None) -> int:  # noqa: FBT001, PLR0913, PLR0917  click's signature
    """Suppress who stands in a file; `-` is standard input. Lines that can't be taken are named, and exit code 1."""
    given = Given(reason=Reason(reason), since=datetime.now(UTC), by=who(), scope=scope)
    number = new = faulty = 0
    with ExitStack() as stack:
        file = _opened_file(path, stack)
        store, outgoing = (None, None) if dry_run else stack.enter_context(opened(url, create=True))
        found = listforms.read(file, form, given)
        while batch := list(islice(found, _BATCH)):
            entries = [one for one in batch if isinstance(one, Suppression)]
            for one in batch:
                if isinstance(one, Faulty):
                    faulty += 1
                    complain(f"{path}:{one.line}: {one.fault}")
            if store is not None and outgoing is not None:
                new += byhand.enter(store, outgoing, entries, f"import of {path}")
            number += len(entries)
    told(f"{number} entries can be taken" if dry_run else f"{new} added, {number - new} known already")
    return 1 if faulty else 0


def _write(entries: Iterator[Suppression], form: str, path: str | None) -> int:
    faulty = 0
    with ExitStack() as stack:
        file = None
        if path is not None:
            try:
                file = stack.enter_context(Path(path).open("w", encoding="utf-8", newline=""))
            except OSError as error:
                raise InputError(path, error.strerror or str(error)) from error
        for line in listforms.write(entries, form):
            if isinstance(line, Faulty):
                faulty += 1
                complain(f"left out: {line.fault}")
            elif file is None:
                output.write(line.encode())
            else:
                file.write(line)
    return 1 if faulty else 0


def _opened_file(path: str, stack: ExitStack) -> IO[str]:
    if path == "-":
        return sys.stdin
    try:
        return stack.enter_context(Path(path).open(encoding="utf-8-sig", errors="backslashreplace", newline=""))
    except OSError as error:
        raise InputError(path, error.strerror or str(error)) from error


def _line(entry: Suppression) -> str:
    whom = entry.address or f"@{entry.domain}"
    scope = f" on {entry.scope}" if entry.scope else ""
    until = "for ever" if entry.until is None else f"until {said_at(entry.until)}"
    return f"{whom}{scope}  {entry.reason}  since {said_at(entry.since)}, {until}, by {entry.by}"


def _told(address: str, past: Past) -> Iterator[str]:
    if not (past.causes or past.events or past.history):
        yield f"{address}: nothing is known of it"
    for cause in past.causes:
        ended = "" if cause.lifted_at is None else f"; lifted {said_at(cause.lifted_at)} by {cause.lifted_by}"
        yield f"{'suppressed' if cause.active else 'no longer '}  {_line(cause.suppression)}{ended}"
    for event in past.events:
        yield f"{said_at(event.at)}  {event.kind} {event.reason}, {event.grade}: {event.action or '-'}, {event.because or ''}"
        for one in event.report.events:
            if one.diagnostic:
                yield f"    {one.diagnostic}"
            for evidence in one.verdict.evidence[:1]:
                yield f"    rule {evidence.pack}:{evidence.rule} on {evidence.text!r}"
    for entry in past.history:
        yield f"{said_at(entry.at)}  {entry.what} by {entry.by}: {entry.why}"
