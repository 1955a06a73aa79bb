"""`bounceclass replay`: judge what is in the store anew, and say, or do, what the list would be then."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bounceclass.cli import diff
from bounceclass.cli.session import current
from bounceclass.cli.stored import opened, store_option, told, who

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.replay import Replay

__all__ = ["command"]


@click.command()
@click.option("--rules", multiple=True, metavar="PACK.toml", help="A rule pack, asked before ours; may be given again. Without, the present rules.")
@click.option("--apply", "applies", is_flag=True, help="Do it: change the list, and tell the plugins with the next run.")
@click.option("--quiet", is_flag=True, help="Leave out the verdicts; say only who comes and who goes.")
@store_option
def command(rules: tuple[str, ...], applies: bool, quiet: bool, url: str | None) -> int:  # noqa: FBT001  click's signature
    """Judge the recorded bounces anew, and show what that changes: verdicts, and the suppression list.

    Nothing is changed without --apply. Only addresses of which a verdict changes are looked at; what people entered or lifted stays.
    """
    from bounceclass.replay import Replay  # noqa: PLC0415  the whole library, which `--help` need not wait for

    session = current()
    with opened(url) as (store, outgoing):
        replay = Replay(session.engine(rules), session.settings, store)
        found = diff.Diff()
        changes = _changes(replay, found)
        if quiet:
            for _ in changes:
                pass
        else:
            diff.PRINTERS["table"](changes)
        come = go = 0
        for revision in replay.revise(apply=applies, by=who(), outgoing=outgoing):
            for entry, because in revision.come:
                come += 1
                told(f"suppress  {revision.address}  {entry.scope or 'everywhere'}  {because}")
            for entry in revision.go:
                go += 1
                told(f"release   {revision.address}  {entry.scope or 'everywhere'}  {entry.reason} rests on nothing")
        sys.stdout.flush()
    done = "done" if applies else "nothing was changed; --apply does it"
    click.echo(f"{found.changed} verdicts change; {come} to suppress, {go} to release: {done}", err=True)
    return 0


def _changes(replay: Replay, found: diff.Diff) -> Iterator[diff.Change]:
    for change in replay.changes():
        found.changed += 1
        yield diff.Change(change.recorded.report.source, change.before, change.after)
