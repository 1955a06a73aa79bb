"""`bounceclass outbox`: calls of plugins that are still to be made, and dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from bounceclass.cli import output
from bounceclass.cli.stored import opened, said_at, store_option, told
from bounceclass.cli.terminal import complain

if TYPE_CHECKING:
    from bounceclass.store.records import Call

__all__ = ["command"]


@click.group()
def command() -> None:
    """Show calls of plugins that wait or have failed, and let dead letters be tried again."""


@command.command("list")
@click.option("--state", type=click.Choice(("pending", "dead")), help="Only these; by default both.")
@click.option("--plugin", metavar="NAME", help="Only of one instance.")
@click.option("--format", "form", type=click.Choice(("table", "jsonl")), default="table", show_default=True, help="Lines for people, or data.")
@store_option
def list_(state: str | None, plugin: str | None, form: str, url: str | None) -> int:
    """List what is not done, the oldest first: its number, plugin, hook, attempts, and why it failed."""
    with opened(url) as (store, _):
        for call in store.outbox.calls(state=state, plugin=plugin):
            if form == "jsonl":
                output.write(msgspec.json.encode(_row(call)) + b"\n")
            else:
                wait = f" not before {said_at(call.not_before)}" if call.not_before else ""
                told(f"{call.id:>8} {call.state:<8}{call.plugin:<16} {call.hook:<12} {call.attempts:>3}{wait}  {call.fault or ''}".rstrip())
    return 0


@command.command()
@click.argument("numbers", nargs=-1, type=int, metavar="[NUMBER]...")
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@store_option
def retry(numbers: tuple[int, ...], everything: bool, url: str | None) -> int:  # noqa: FBT001  click's signature
    """Let dead letters be called again, by the next run. Exit code 1 where a number is none of a dead letter."""
    if not numbers and not everything:
        msg = "give numbers of dead letters, or --all"
        raise click.UsageError(msg)
    with opened(url) as (store, _):
        dead = {call.id for call in store.outbox.calls(state="dead")}
        chosen = dead if everything else dead & set(numbers)
        store.outbox.revive(chosen)
    told(f"{len(chosen)} to be called again")
    for number in sorted(set(numbers) - dead):
        complain(f"{number} is no dead letter")
    return 1 if set(numbers) - dead else 0


def _row(call: Call) -> dict[str, object]:
    shown = ("id", "plugin", "hook", "key", "state", "attempts", "not_before", "fault")
    return {name: getattr(call, name) for name in shown}
