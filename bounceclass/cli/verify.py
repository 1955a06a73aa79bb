"""`bounceclass verify`: whether a tagged address, ENVID or Message-ID, or a whole report, is about mail that we sent."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from bounceclass.cli import output
from bounceclass.cli.session import current
from bounceclass.cli.tag import keys, trust_settings
from bounceclass.cli.terminal import printable
from bounceclass.errors import InputError
from bounceclass.tags import Addressee, find_tags, fingerprint, verify_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bounceclass.settings import TrustSettings
    from bounceclass.tags import Key, Proof
    from bounceclass.trust import Standing

__all__ = ["command"]

_ACTING: Final = frozenset({"signed", "own-mta", "known"})


@click.command()
@click.argument("what", metavar="TAGGED|FILE.eml")
@click.option("--recipient", metavar="ADDRESS", help="Who may be meant, where an address was too long to stand in the tag.")
@click.option("--list", "stream", metavar="NAME", help="The list or stream of that one.")
@click.option("--format", "form", type=click.Choice(("table", "json")), default="table", show_default=True, help="Lines for people, or data.")
def command(what: str, recipient: str | None, stream: str | None, form: str) -> int:
    """Say whether a tag is ours and whom it names, or how far each event of a report is believed.

    Exit code 0 if the tag is valid, or if every event may be acted upon, else 1. `-` is a report on standard input.
    """
    trust = trust_settings()
    lookup = _lookup(recipient, stream)
    is_file = what == "-" or Path(what).is_file()
    rows = _of_file(what, trust, keys(trust), lookup) if is_file else _of_text(what, trust, keys(trust), lookup)
    if form == "json":
        output.write(msgspec.json.encode(rows) + b"\n")
    else:
        for row in rows:
            click.echo("\n".join(_lines(row)))
    valid = [row["grade"] in _ACTING for row in rows]
    return 0 if valid and all(valid) else 1


def _lookup(recipient: str | None, stream: str | None) -> Callable[[str], Addressee | None] | None:
    if recipient is None:
        return None
    return {fingerprint(recipient, stream): Addressee(recipient, stream)}.get


def _of_text(text: str, trust: TrustSettings, ours: Sequence[Key], lookup: Callable[[str], Addressee | None] | None) -> list[dict[str, Any]]:
    today = datetime.now(UTC).date()
    proofs = [verify_tag(tag, ours, today, days=trust.answer_days, lookup=lookup) for tag in find_tags(text)]
    proof = next((one for one in proofs if one.fault is None), proofs[0] if proofs else None)
    return [_of_proof(proof, (today - proof.issued).days if proof and proof.issued else 0, trust.bounce_days)]


def _of_proof(proof: Proof | None, age: int, bounce_days: int) -> dict[str, Any]:
    who = proof.addressee if proof else None
    if proof is None or proof.fault is not None:
        because = "there is no tag in it" if proof is None else f"the tag is {proof.fault}"
        return _row("none", who.recipient if who else None, who.stream if who else None, because)
    because = f"the tag is ours (key {proof.key}, issued {proof.issued})"
    late = f"; {age} days old: too old for a bounce, not for a complaint or an unsubscribe" if age > bounce_days else ""
    return _row("signed", who.recipient if who else None, who.stream if who else None, because + late)


def _of_file(path: str, trust: TrustSettings, ours: Sequence[Key], lookup: Callable[[str], Addressee | None] | None) -> list[dict[str, Any]]:
    from bounceclass.protocols import Item  # noqa: PLC0415  as below
    from bounceclass.trust import Assessor, Lookups  # noqa: PLC0415  the MIME side, which a tag never needs

    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise InputError(path, error.strerror or str(error)) from error
    engine = current().engine()
    report = engine.classify(raw, path)
    assessor = Assessor(engine.settings, trust, ours)
    standings = assessor.assess(report, Item(raw=raw, source=path), datetime.now(UTC).date(), Lookups(addressee=lookup))
    return [_of_standing(one) for one in standings] or [_row("none", None, None, "it reports nothing")]


def _of_standing(one: Standing) -> dict[str, Any]:
    return _row(one.grade.value, one.recipient, one.stream, one.because) | {"forwarded": one.forwarded, "alarms": list(one.alarms)}


def _row(grade: str, recipient: str | None, stream: str | None, because: str) -> dict[str, Any]:
    return {"grade": grade, "recipient": recipient, "list": stream, "forwarded": False, "because": because, "alarms": []}


def _lines(row: dict[str, Any]) -> list[str]:
    listed = f" on {row['list']}" if row["list"] else ""
    forwarded = " (the report names another: a forward)" if row["forwarded"] else ""
    first = f"{row['grade']:<9} {row['recipient'] or '-'}{listed}{forwarded}"
    return [printable(line) for line in (first, f"          {row['because']}", *(f"          alarm: {alarm}" for alarm in row["alarms"]))]
