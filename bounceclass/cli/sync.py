"""`bounceclass sync`: what differs between our list and an ESP's own, and applying it one way or both."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click
import msgspec

from bounceclass.cli import output
from bounceclass.cli.session import current
from bounceclass.cli.stored import opened, said_at, store_option, told, who
from bounceclass.cli.terminal import complain
from bounceclass.comparison import Action
from bounceclass.errors import InputError, Refused, Retry, SettingsError
from bounceclass.esp import TwoWay
from bounceclass.installed import nearest
from bounceclass.remotelist import Patience
from bounceclass.syncing import Sync, dangers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bounceclass.comparison import Difference
    from bounceclass.plugins import Plugins
    from bounceclass.syncing import Plan

__all__ = ["command"]

TRY_AGAIN: Final = 75
_KEYS: Final = ("address", "action", "way", "here", "there", "word", "since", "because")
_SAID: Final = {
    Action.ADD: ("add there", "added there"),
    Action.REMOVE: ("remove there", "removed there"),
    Action.ENTER: ("enter here", "entered here"),
    Action.RELEASE: ("release here", "released here"),
    Action.NONE: ("nothing", "left"),
}


@click.command()
@click.argument("instance", metavar="INSTANCE")
@click.option("--push", is_flag=True, help="Change the ESP's list: add what is ours to tell, remove what has ended here.")
@click.option("--pull", is_flag=True, help="Change ours: enter what is there, for that account alone; release what is gone there.")
@click.option("--force", is_flag=True, help="Also where a list would lose much, or the ESP's reads as empty.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many differences; the others are for another time.")
@click.option("--all", "everything", is_flag=True, help="Show what needs nothing done, too.")
@click.option("--format", "form", type=click.Choice(output.FORMATS), default="table", show_default=True, help="Lines for people, or data.")
@store_option
def command(instance: str, push: bool, pull: bool, force: bool, limit: int | None, everything: bool, form: str, url: str | None) -> int:  # noqa: FBT001, PLR0913, PLR0917  click's signature
    """Show what differs between our list and an ESP's own, and with --push or --pull apply it.

    INSTANCE is a plugin that keeps the list of an ESP's account, such as `postmark` or `ses:eu`.
    """
    plugins = current().plugins()
    plugin = _chosen(plugins, instance)
    with opened(url, plugins=plugins) as (store, outgoing):
        sync = Sync(instance, plugin, store, outgoing, Patience(waiting=_say_wait), refused=lambda address, why: complain(f"{address}: refused: {why}"))
        try:
            plan = sync.compare(limit=limit, everything=everything, only=None if push is pull else "push" if push else "pull")
        except Retry as error:
            complain(f"{instance}: the list could not be read: {error}; nothing was changed")
            return TRY_AGAIN
        except Refused as error:
            raise InputError(instance, f"the list could not be read whole: {error}; nothing was changed") from error
        _PRINTERS[form](plan.rows)
        sys.stdout.flush()
        _sum_up(instance, plan, applied=push or pull)
        if not force and (faults := list(dangers(plan, push=push, pull=pull))):
            msg = f"{instance}: {'; '.join(faults)}: nothing was changed. If that is right, say --force"
            raise SettingsError(msg)
        return _apply(sync, plan, push=push, pull=pull) if push or pull else 0


def _say_wait(seconds: float, why: str) -> None:
    click.echo(f"waits {seconds:.0f} s: {why}", err=True)


def _chosen(plugins: Plugins, name: str) -> TwoWay:
    plugin = plugins.instance(name)
    if plugin is None:
        msg = f"{name}: no such plugin is on{nearest(name, plugins.names)}; on are {', '.join(plugins.names) or 'none'}"
        raise SettingsError(msg)
    if not isinstance(plugin, TwoWay):
        msg = f"{name}: keeps no list of an ESP; one that does has an api_key, SES's a region"
        raise SettingsError(msg)
    return plugin


def _apply(sync: Sync, plan: Plan, *, push: bool, pull: bool) -> int:
    """Apply, here first; whatever ends it, say how far it came."""
    code, why = 0, f"sync by {who()}"
    try:
        if pull:
            sync.pull(plan.rows, why)
        if push:
            sync.push(plan.rows, why)
    except Retry as error:
        code = TRY_AGAIN
        complain(f"stopped: {error}; the rest is for another time")
    except Refused as error:
        code = 1
        complain(f"stopped: {error}")
    finally:
        wanted = sum(row.action is not Action.NONE for row in plan.rows)
        click.echo(f"{_counted(sync.done, done=True)}, of {wanted}{_left(sync)}", err=True)
    return code or (1 if sync.refused else 0)


def _left(sync: Sync) -> str:
    refused = f"; {sync.refused} refused" if sync.refused else ""
    return f"{refused}; {sync.changed} had changed meanwhile" if sync.changed else refused


def _sum_up(instance: str, plan: Plan, *, applied: bool) -> None:
    """Say how much differs, on standard error."""
    if plan.nameless:
        complain(f"{instance}: {plan.nameless} entries there name no address, and are left out")
    wanted = sum(plan.counts[action] for action in Action if action is not Action.NONE)
    end = "" if applied or not wanted else ": nothing was changed; --push and --pull do it"
    click.echo(f"{instance}: {plan.there} there; {_counted(plan.counts, done=False)}{end}", err=True)


def _counted(counts: dict[Action, int], *, done: bool) -> str:
    return ", ".join(f"{counts[action]} {'' if done else 'to '}{_SAID[action][done]}" for action in Action if action is not Action.NONE)


def _flat(row: Difference) -> dict[str, object]:
    """Return the keys of its JSON."""
    there = row.there
    values = (row.address, row.action, row.action.way, row.here, there and there.reasons[0], there and there.word, there and there.since, row.because)
    return dict(zip(_KEYS, values, strict=True))


def _print_table(rows: Sequence[Difference]) -> None:
    for row in rows:
        there = row.there
        sides = [f"here {row.here}" if row.here else "", f"there {there.reasons[0]} ({there.word}) since {said_at(there.since)}" if there else ""]
        told(f"{_SAID[row.action][0]:<13} {row.address}  {', '.join(filter(None, sides))}: {row.because}")


def _json(rows: Sequence[Difference]) -> Iterator[bytes]:
    return (msgspec.json.encode(_flat(row)) for row in rows)


def _print_json(rows: Sequence[Difference]) -> None:
    for piece in output.json_array(_json(rows)):
        output.write(piece)


def _print_jsonl(rows: Sequence[Difference]) -> None:
    for line in _json(rows):
        output.write(line + b"\n")


def _print_csv(rows: Sequence[Difference]) -> None:
    output.write(output.csv_line(_KEYS))
    for row in rows:
        output.write(output.csv_line(["" if cell is None else str(cell) for cell in msgspec.to_builtins(_flat(row)).values()]))


_PRINTERS: Final[dict[str, Callable[[Sequence[Difference]], None]]] = {
    "table": _print_table,
    "json": _print_json,
    "jsonl": _print_jsonl,
    "csv": _print_csv,
}
