"""`bounceclass classify --diff`: the events whose verdict rules change, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from bounceclass.cli import output, terminal
from bounceclass.errors import SettingsError
from bounceclass.model import Advice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bounceclass.model import Event, Report

__all__ = ["PRINTERS", "Change", "Diff", "require_sense"]

KEYS: Final = ("permanence", "reason", "scope", "advice", "confidence")
"""What of a verdict counts as a change; another rule for the same verdict is none."""


def require_sense(rules: tuple[str, ...], form: str, *, why: bool, vocabulary: str | None) -> None:
    """Raise SettingsError where the other options leave nothing to compare or to print."""
    if not rules:
        msg = "--diff shows what --rules change: name a rule pack with --rules"
        raise SettingsError(msg)
    if form not in PRINTERS:
        msg = f"--diff goes with --format {', '.join(PRINTERS)}, not {form}"
        raise SettingsError(msg)
    if why or vocabulary is not None:
        msg = "--diff goes without --why, for it always shows the rule, and without --vocabulary"
        raise SettingsError(msg)


class Change(msgspec.Struct, frozen=True):
    """One event, judged without the rules and with them."""

    source: str | None
    before: Event
    after: Event

    @property
    def suppresses(self) -> bool:
        """Whether the address is suppressed now, and was not before: the change that can't be taken back by the next mail."""
        return self.after.verdict.advice == Advice.SUPPRESS != self.before.verdict.advice

    def flat(self) -> dict[str, Any]:
        """Return the keys of its JSON; rule, pack and text are of what decided with the rules."""
        first = next(iter(self.after.verdict.evidence), None)
        return {
            "source": self.source,
            "kind": self.after.kind,
            "recipient": self.after.recipient,
            "newly_suppressed": self.suppresses,
            "before": _facts(self.before),
            "after": _facts(self.after),
            "rule": first.rule if first else None,
            "pack": first.pack if first else None,
            "text": first.text if first else None,
        }


def _facts(event: Event) -> dict[str, object]:
    return {key: getattr(event.verdict, key) for key in KEYS}


class Diff:
    """Finds the changes, and counts."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.events = self.changed = self.suppressed = 0

    def changes(self, pairs: Iterable[tuple[Report, Report]]) -> Iterator[Change]:
        """Yield the events that differ between two reports of one mail, judged without the rules and with them."""
        for old, new in pairs:
            for before, after in zip(old.events, new.events, strict=True):
                self.events += 1
                if _facts(before) != _facts(after):
                    change = Change(new.source, before, after)
                    self.changed += 1
                    self.suppressed += change.suppresses
                    yield change

    def summary(self) -> str:
        """Return the count, for the end."""
        return f"{self.changed} of {self.events} events change; {self.suppressed} newly suppressed"


def _print_table(changes: Iterator[Change]) -> None:
    width, colour = terminal.columns(), terminal.colour_wanted()
    for change in changes:
        for line in _lines(change, width or 0, colour=colour):
            click.echo(line, color=colour)


def _lines(change: Change, width: int, *, colour: bool) -> Iterator[str]:
    """Yield the lines about a change; in a pipe, where the width is 0, nothing is cut."""
    before, after = change.before.verdict, change.after.verdict
    head = terminal.paint(terminal.pad(after.advice, 9), terminal.ADVICE_COLOURS.get(after.advice), bold=True, on=colour)
    yield head + _cut(f"{change.after.recipient or '(nobody named)'}  {change.source or ''}", width)
    if change.suppresses:
        yield " " * 9 + terminal.paint("NEWLY SUPPRESSED", "red", bold=True, on=colour)
    differing = [key for key in ("advice", "reason", *KEYS) if getattr(before, key) != getattr(after, key)]
    for key in dict.fromkeys(differing):
        yield " " * 9 + _cut(f"{key}: {_word(getattr(before, key))} -> {_word(getattr(after, key))}", width)
    if after.evidence:
        yield from output.evidence_lines(change.after, 0, width or 100, colour=colour)


def _cut(text: str, width: int) -> str:
    text = terminal.printable(text)
    return terminal.cut(text, max(8, width - 9)) if width else text


def _word(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _print_json(changes: Iterator[Change]) -> None:
    for piece in output.json_array(msgspec.json.encode(change.flat()) for change in changes):
        output.write(piece)


def _print_jsonl(changes: Iterator[Change]) -> None:
    for change in changes:
        output.write(msgspec.json.encode(change.flat()) + b"\n")


PRINTERS: Final[dict[str, Callable[[Iterator[Change]], None]]] = {"table": _print_table, "json": _print_json, "jsonl": _print_jsonl}
