"""`bounceclass undo`: lift what was suppressed since a time, such as during an incident."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from bounceclass.cli.stored import WHEN, opened, said_at, store_option, told, who
from bounceclass.model import Reason
from bounceclass.store.records import Selection

if TYPE_CHECKING:
    from bounceclass.model import Suppression
    from bounceclass.store.ledger import Ledger

__all__ = ["command"]

_SHOWN: Final = 20


@click.command()
@click.option("--since", type=WHEN, required=True, metavar="WHEN", help="What began since then: 2026-03-09T12:00:00Z, 24h, 7d.")
@click.option("--reason", type=click.Choice([reason.value for reason in Reason]), help="Only for one reason.")
@click.option("--domain", metavar="DOMAIN", help="Only of a domain as a whole.")
@click.option("--provider", metavar="NAME", help="Only where this provider's servers said so, such as google.")
@click.option("--by", default="policy", show_default=True, metavar="WHO", help="Only what somebody entered.")
@click.option("--dry-run", is_flag=True, help="Only say what would be lifted.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@store_option
def command(since: datetime, reason: str | None, domain: str | None, provider: str | None, by: str, dry_run: bool, yes: bool, url: str | None) -> int:  # noqa: FBT001, PLR0913, PLR0917  click's signature
    """Lift suppressions made since a time; what led to them counts no longer, and plugins are told to release them."""
    now = datetime.now(UTC)
    selection = Selection(since=since, reason=Reason(reason) if reason else None, domain=domain, provider=provider, by=by, active_at=now)
    with opened(url) as (store, outgoing):
        found = list(islice(store.suppressions(selection), _SHOWN + 1))
        for entry in found[:_SHOWN]:
            told(f"{entry.address or f'@{entry.domain}'}  {entry.reason}  since {said_at(entry.since)}")
        if len(found) > _SHOWN:
            told("and more")
        if dry_run or not found:
            told("nothing was lifted")
            return 0
        if not yes and sys.stdin.isatty() and not click.confirm("lift these?"):
            return 1

        def release(ledger: Ledger, entry: Suppression) -> None:
            outgoing.release(ledger, entry, now)

        told(f"{store.undo(selection, at=now, by=who(), why='undo', each=release)} lifted")
    return 0
