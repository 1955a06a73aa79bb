"""`bounceclass erase`: delete what the store has of a person."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from bounceclass.cli.stored import opened, store_option, told, who

__all__ = ["command"]


@click.command()
@click.argument("address", metavar="ADDRESS")
@click.option("--yes", is_flag=True, help="Don't ask.")
@store_option
def command(address: str, yes: bool, url: str | None) -> int:  # noqa: FBT001  click's signature
    """Delete what is kept of the person at ADDRESS: events, reports, suppressions, the sent log. Exit code 1 if there is nothing.

    The person can be mailed again then: take them off your lists first.
    """
    with opened(url) as (store, _):
        if not yes and sys.stdin.isatty() and not click.confirm(f"delete all that is kept of {address}, its suppressions too?"):
            return 1
        number = store.erase(address, at=datetime.now(UTC), by=who())
        told(f"{number} rows deleted")
    return 0 if number else 1
