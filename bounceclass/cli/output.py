"""Events and verdicts as rows: for people, as JSON, as CSV. What is printed here is results only."""

from __future__ import annotations

import csv
import io
import sys
from typing import TYPE_CHECKING, Final

import click
import msgspec

from bounceclass.cli import terminal
from bounceclass.controls import escape_json, printable_lines
from bounceclass.model import UNKNOWN_LOG, UNREAD, encode
from bounceclass.translate import VOCABULARIES, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bounceclass.model import Event, Report

__all__ = [
    "CSV_KEYS",
    "FORMATS",
    "WHY_IS_FOR_TABLES",
    "Rows",
    "csv_line",
    "event_cells",
    "evidence_lines",
    "json_array",
    "report_json",
    "vocabulary_option",
    "word_key",
    "word_of",
    "write",
]

FORMATS: Final = ("table", "json", "jsonl", "csv")
WHY_IS_FOR_TABLES: Final = "--why goes with --format table: the data formats always hold the evidence"
vocabulary_option = click.option(
    "--vocabulary", type=click.Choice(VOCABULARIES), metavar="NAME", help=f"Say each verdict in others' words, too: {', '.join(VOCABULARIES)}."
)
_EVENT_KEYS: Final = (
    "kind", "recipient", "original_recipient", "action", "reply_code", "enhanced_status", "diagnostic", "diagnostic_type",
    "command", "remote_mta", "reporting_mta", "label", "occurred_at",
)  # fmt: skip
_VERDICT_KEYS: Final = ("permanence", "reason", "scope", "advice", "confidence")
CSV_KEYS: Final = ("source", "format", *_EVENT_KEYS, *_VERDICT_KEYS, "rule", "pack")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001  spreadsheets read the full-width ones too
_WIDE: Final = 110
"""From this width on an event is one row; below it is two lines."""


def write(data: bytes) -> None:
    """Write JSON to standard output, or other text in which nothing steers a terminal any more."""
    sys.stdout.buffer.write(escape_json(data))


def json_array(items: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of one indented JSON array, as the items come."""
    mark = b"["
    for item in items:
        yield mark + b"\n" + msgspec.json.format(item, indent=2)
        mark = b","
    yield b"[]\n" if mark == b"[" else b"\n]\n"


def csv_line(cells: Sequence[object]) -> bytes:
    """Return a CSV record; text that a spreadsheet would run as a formula gets a leading apostrophe, control characters are spelt out."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_safe(cell) for cell in cells])
    return out.getvalue().encode()


def _safe(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    return printable_lines(f"'{cell}" if cell.startswith(_FORMULA) else cell)


def event_cells(report: Report, event: Event) -> list[object]:
    """Return the cells of an event, in the order of CSV_KEYS."""
    verdict = event.verdict
    first = verdict.evidence[0] if verdict.evidence else None
    cells = [report.source, report.format, *(getattr(event, key) for key in _EVENT_KEYS), *(getattr(verdict, key) for key in _VERDICT_KEYS)]
    when = event.occurred_at
    cells[CSV_KEYS.index("occurred_at")] = when.isoformat().replace("+00:00", "Z") if when else None
    return [*cells, first.rule if first else None, first.pack if first else None]


def word_of(event: Event, vocabulary: str | None) -> list[str | None]:
    """Return the cell of an event in others' words, none where no vocabulary is asked for."""
    return [] if vocabulary is None else [translate(event, vocabulary).word]


def word_key(vocabulary: str | None) -> list[str]:
    """Return the title of that cell."""
    return [] if vocabulary is None else [f"{vocabulary} word"]


def report_json(report: Report, vocabulary: str | None) -> bytes:
    """Return the JSON of a report; with a vocabulary, each event has the key `translation` besides."""
    if vocabulary is None:
        return encode(report)
    tree = msgspec.json.decode(encode(report))
    for event, written in zip(report.events, tree["events"], strict=True):
        written["translation"] = translate(event, vocabulary).flat()
    return msgspec.json.encode(tree)


_UNREAD = {UNREAD: "not understood: a mail system wrote it", UNKNOWN_LOG: "not read: a log in no dialect that we know"}


class Rows:
    """Prints events for people: one row each where the terminal is wide, two lines where it is narrow."""

    def __init__(self, *, why: bool, vocabulary: str | None = None) -> None:
        """Look at the terminal; in a pipe nothing is cut and nothing is coloured."""
        self.vocabulary = vocabulary
        self.width = terminal.columns()
        self.colour = terminal.colour_wanted()
        self.why = why
        self._headed = False

    def report(self, report: Report) -> Iterator[str]:
        """Yield the lines about one report."""
        source = terminal.printable(report.source or "")
        if not report.events:
            unread = next((_UNREAD[defect.code] for defect in report.defects if defect.code in _UNREAD), None)
            what = report.format or unread or "no report of a delivery"
            yield from self._row("review" if unread else "-", str(report.kind), "-", what, source)
        for event in report.events:
            yield from self.event(event, source)

    def event(self, event: Event, source: str) -> Iterator[str]:
        """Yield the lines about one event."""
        verdict = event.verdict
        codes = " ".join(str(code) for code in (event.reply_code, event.enhanced_status) if code is not None) or "-"
        who = terminal.printable(event.recipient or "(nobody named)")
        reason = str(verdict.reason)
        if event.kind != "bounce" and str(event.kind) != reason:
            reason = f"{reason} ({event.kind})"
        if self.vocabulary is not None:
            reason = f"{reason} = {translate(event, self.vocabulary)}"
        yield from self._row(verdict.advice, reason, codes, who, source)
        if self.why:
            yield from why_lines(event, self.width or 100, colour=self.colour)

    def _row(self, advice: str, reason: str, codes: str, who: str, source: str) -> Iterator[str]:
        head = terminal.paint(terminal.pad(advice, 9), terminal.ADVICE_COLOURS.get(advice), bold=True, on=self.colour)
        wide = self.width is None or self.width >= _WIDE
        if wide:
            if not self._headed:
                self._headed = True
                title = f"{'ADVICE':<9}{'REASON':<30}{'CODES':<14}{'RECIPIENT':<36} SOURCE"
                yield terminal.paint(title, None, bold=True, on=self.colour)
            line = f"{head}{terminal.pad(reason, 29)} {terminal.pad(codes, 13)} {terminal.pad(self._cut(who, 36), 36)} "
            yield line + self._cut(source, (self.width or 0) - 90)
            return
        yield head + self._cut(f"{reason}  {codes}", (self.width or 0) - 9)
        yield " " * 9 + self._cut(f"{who}  {source}", (self.width or 0) - 9)

    def _cut(self, text: str, cells: int) -> str:
        return text if self.width is None else terminal.cut(text, max(8, cells))


def why_lines(event: Event, width: int, *, colour: bool) -> Iterator[str]:
    """Yield which rule decided on what text, with the text marked, and what it overrode."""
    verdict = event.verdict
    details = ", ".join(f"{key} {value}" for key, value in msgspec.structs.asdict(verdict.details).items() if value)
    facts = f"{verdict.permanence}, scope {verdict.scope}, confidence {verdict.confidence:g}" + (f"; {details}" if details else "")
    yield " " * 9 + terminal.cut(terminal.printable(facts), width - 9)
    for place in range(len(verdict.evidence)):
        yield from evidence_lines(event, place, width, colour=colour)


def evidence_lines(event: Event, place: int, width: int, *, colour: bool) -> Iterator[str]:
    """Yield which rule spoke, the first of which decided, on what text."""
    evidence = event.verdict.evidence[place]
    said = "decided by" if place == 0 else "beside it"
    over = f", over {evidence.overrode}" if evidence.overrode else ""
    yield " " * 9 + terminal.cut(f"{said} {evidence.pack}:{evidence.rule}{over}", width - 9)
    text = event.diagnostic if evidence.field == "diagnostic" else None
    if text and evidence.end > evidence.start:
        yield from (" " * 11 + line for line in terminal.marked(text, evidence.start, evidence.end, width - 11, on=colour))
    elif place == 0 or not text:
        yield " " * 11 + terminal.cut(terminal.printable(f"{evidence.field}: {evidence.text}"), width - 11)
