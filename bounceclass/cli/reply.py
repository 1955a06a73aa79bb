"""`bounceclass reply`: SMTP reply lines in, one flat verdict a line out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bounceclass.cli import output
from bounceclass.cli.output import WHY_IS_FOR_TABLES
from bounceclass.cli.session import current
from bounceclass.errors import InputError, SettingsError
from bounceclass.model import COMMANDS, Event, Verdict, clean_text
from bounceclass.translate import translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["command"]

_KEYS = ("text", "reply_code", "enhanced_status", "permanence", "reason", "scope", "advice", "confidence", "rule", "pack")


@click.command()
@click.argument("lines", nargs=-1, metavar="[LINE...]")
@click.option("--host", help="Who said so: the name of the remote mail server.")
@click.option("--recipient", help="The address it was said about.")
@click.option("--command", "phase", type=click.Choice(COMMANDS), help="Where in the session it was said; body is after the final dot.")
@click.option("--format", "form", type=click.Choice(output.FORMATS), default="table", show_default=True, help="What to print: a table for people, or data.")
@click.option("--why", is_flag=True, help="Under each row: which rule decided on what text.")
@click.option("--rules", multiple=True, metavar="PACK.toml", help="A rule pack of your own, asked before ours; may be given again.")
@output.vocabulary_option
def command(  # noqa: PLR0913, PLR0917  one a flag
    lines: tuple[str, ...],
    host: str | None,
    recipient: str | None,
    phase: str | None,
    form: str,
    why: bool,  # noqa: FBT001  a flag
    rules: tuple[str, ...],
    vocabulary: str | None,
) -> int:
    """Judge SMTP replies: each LINE, or each line of standard input.

    A LINE may hold a reply of several lines. Every line is answered, blank ones too.
    """
    if why and form != "table":
        raise SettingsError(WHY_IS_FOR_TABLES)
    session = current()
    engine = session.engine(rules)
    judged = ((text, engine.reply(text, host=host, recipient=recipient, command=phase)) for text in (lines or _stdin_lines()))
    if form == "table":
        _print_table(judged, output.Rows(why=why, vocabulary=vocabulary))
    elif form == "csv":
        output.write(output.csv_line([*_KEYS, *output.word_key(vocabulary)]))
        for text, event in judged:
            output.write(output.csv_line([*_csv_cells(text, event), *output.word_of(event, vocabulary)]))
    elif form == "json":
        for piece in output.json_array(_flat(text, event, vocabulary) for text, event in judged):
            output.write(piece)
    else:
        for text, event in judged:
            output.write(_flat(text, event, vocabulary) + b"\n")
    return 2 if session.faulty else 0


def _stdin_lines() -> Iterator[str]:
    if sys.stdin is None:
        source, fault = "-", "standard input is closed"
        raise InputError(source, fault)
    for line in sys.stdin.buffer:
        yield line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")


def _flat(text: str, event: Event, vocabulary: str | None) -> bytes:
    """Return the keys of the verdict beside text, reply_code and enhanced_status, as JSON."""
    keys: dict[str, Any] = {"text": clean_text(text), "reply_code": event.reply_code, "enhanced_status": event.enhanced_status}
    keys |= {key: getattr(event.verdict, key) for key in Verdict.__struct_fields__}
    if vocabulary is not None:
        keys["translation"] = translate(event, vocabulary).flat()
    return msgspec.json.encode(keys)


def _csv_cells(text: str, event: Event) -> list[object]:
    verdict = event.verdict
    first = verdict.evidence[0] if verdict.evidence else None
    cells = [getattr(verdict, key) for key in _KEYS[3:-2]]
    return [clean_text(text), event.reply_code, event.enhanced_status, *cells, first.rule if first else None, first.pack if first else None]


def _print_table(judged: Iterable[tuple[str, Event]], rows: output.Rows) -> None:
    from bounceclass.cli import terminal  # noqa: PLC0415  only for people

    for text, event in judged:
        for line in rows.event(event, terminal.printable(clean_text(text))):
            click.echo(line, color=rows.colour)
