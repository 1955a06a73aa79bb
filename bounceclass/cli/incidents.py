"""`bounceclass incidents`: decisions that are held, and what becomes of them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from bounceclass.cli.stored import opened, said_at, store_option, told, who
from bounceclass.incident import dropped, released
from bounceclass.store.records import Entry

if TYPE_CHECKING:
    from bounceclass.outgoing import Outgoing
    from bounceclass.store.database import Database
    from bounceclass.store.ledger import Ledger
    from bounceclass.store.records import Held

__all__ = ["command"]

_PAGE: Final = 500


@click.group()
def command() -> None:
    """Show what is held because there was too much of it or somebody has to look, and release or drop it."""


@command.command("list")
@store_option
def list_(url: str | None) -> int:
    """List open incidents, how many decisions each holds, and decisions that are held for other reasons."""
    with opened(url) as (store, _), store.transaction() as ledger:
        held = ledger.brake.waiting(limit=100_000)
        counts = Counter(one.incident for one in held)
        for incident in ledger.brake.incidents():
            told(f"{incident.name}: since {said_at(incident.opened_at)}, holds {counts.pop(incident.name, 0)}")
        for name, number in counts.items():
            if name is not None:
                told(f"{name}: over, holds {number}")
        for one in held:
            if one.incident is None:
                told(f"{one.id:>8} until {said_at(one.until)}  {_whom(one)}  {one.because}")
    return 0


@command.command()
@click.argument("what", metavar="INCIDENT|NUMBER|all")
@store_option
def release(what: str, url: str | None) -> int:
    """Suppress what was held: by the name of an incident, the number of one decision, or all."""
    with opened(url) as (store, outgoing):
        return _settle(store, outgoing, what, "released")


@command.command()
@click.argument("what", metavar="INCIDENT|NUMBER|all")
@store_option
def drop(what: str, url: str | None) -> int:
    """Let what was held come to nothing, likewise."""
    with opened(url) as (store, outgoing):
        return _settle(store, outgoing, what, "dropped")


def _settle(store: Database, outgoing: Outgoing, what: str, state: str) -> int:
    number = 0
    while True:
        with store.transaction() as ledger:
            found = _chosen(ledger, what)
            for one in found:
                _carry_out(ledger, outgoing, one, state)
            ledger.brake.settle([one.id for one in found], state)
            if len(found) < _PAGE:
                _close(ledger, what)
        number += len(found)
        if len(found) < _PAGE:
            break
    told(f"{number} {state}")
    return 0 if number else 1


def _chosen(ledger: Ledger, what: str) -> list[Held]:
    if what.isdecimal():
        return [one for one in ledger.brake.waiting(limit=100_000) if one.id == int(what)]
    return ledger.brake.waiting(None if what == "all" else what, limit=_PAGE)


def _close(ledger: Ledger, what: str) -> None:
    now = datetime.now(UTC)
    for incident in ledger.brake.incidents():
        if what in {"all", incident.name}:
            ledger.brake.close(incident.name, now)


def _carry_out(ledger: Ledger, outgoing: Outgoing, held: Held, state: str) -> None:
    now = datetime.now(UTC)
    entry = held.suppression
    decision = released(entry, now) if state == "released" and entry is not None else dropped(f"by {who()}")
    ledger.record_decision(held.event, decision)
    whom = {"address": entry.address, "domain": entry.domain} if entry else {}
    what = "released" if decision.suppression is not None else "dropped"
    ledger.log(Entry(at=now, by=who(), what=what, why=held.because, event=held.event, **whom))
    if decision.suppression is not None:
        entry = decision.suppression
        ledger.suppress(entry)
        outgoing.suppress(ledger, entry, held.event)


def _whom(held: Held) -> str:
    entry = held.suppression
    return (entry.address or f"domain {entry.domain}") if entry else "nobody known"
