"""`bounceclass classify`: mail in, one Report a message out."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING

import click

from bounceclass.cli import diff, output, terminal
from bounceclass.cli.session import Session, current
from bounceclass.errors import SettingsError
from bounceclass.eventkey import event_key
from bounceclass.model import UNKNOWN_LOG, UNREAD, Kind, Report
from bounceclass.policy import at_their_word
from bounceclass.sources.files import Input, LeftOut, read_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bounceclass.engine import Engine

__all__ = ["command"]

SHOWN_AFTER = 1.0
"""Seconds of work before progress is shown."""
WORTH_WHILE = 600
"""Messages from which on more processes are started: below, they take longer to start than they save."""


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--format", "form", type=click.Choice(output.FORMATS), default="table", show_default=True, help="What to print: a table for people, or data.")
@click.option("--why", is_flag=True, help="Under each row: which rule decided on what text.")
@click.option("--rules", multiple=True, metavar="PACK.toml", help="A rule pack of your own, asked before ours; may be given again.")
@click.option("--keep-header", multiple=True, metavar="NAME", help="A header of the returned original to put into the report; may be given again.")
@click.option("--parser", metavar="NAME", help="The MIME parser: flanker, stdlib or a plugin's; else the configuration's, else flanker.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="How many processes read; by default one for each processor where there is much.")
@click.option("--diff", "changes", is_flag=True, help="Only what --rules change: each event whose verdict is another without them.")
@output.vocabulary_option
def command(  # noqa: PLR0913, PLR0917  one a flag
    paths: tuple[str, ...],
    form: str,
    why: bool,  # noqa: FBT001  a flag
    rules: tuple[str, ...],
    keep_header: tuple[str, ...],
    parser: str | None,
    jobs: int | None,
    changes: bool,  # noqa: FBT001  a flag
    vocabulary: str | None,
) -> int:
    """Read mail and say for each recipient what happened, why, whose fault it is and what to do.

    PATH is a message, a folder of .eml files, a Maildir, an mbox, an MTA's log, or - for standard input.
    Plugins that -p names are told of every event, and of the suppressions that it calls for.
    """
    if why and form != "table":
        raise SettingsError(output.WHY_IS_FOR_TABLES)
    if changes:
        diff.require_sense(rules, form, why=why, vocabulary=vocabulary)
    session = current()
    options = {"parser": parser} if parser else {}
    engine = session.engine(rules, keep_headers=(*session.settings.keep_headers, *keep_header), **options)
    work = Work(session, engine, paths, acts=not changes, jobs=1 if changes else jobs)
    if changes:
        return _compare(work, session.engine(**options), form)
    _PRINTERS[form](work.reports(), why, vocabulary)
    sys.stdout.flush()
    work.close(told=form == "table")
    return work.exit_code()


def _compare(work: Work, without: Engine, form: str) -> int:
    """Print what the rules change: each mail is judged with and without them."""
    found = diff.Diff()
    pairs = ((without.answer(item), report) for item, report in work.read())
    diff.PRINTERS[form](found.changes(pairs))
    sys.stdout.flush()
    work.say_remarks(found.summary())
    return max(work.exit_code(), bool(without.plugins.failures))


class Work:
    """One run over the inputs: counts, tells of faults as they come, shows progress on long work."""

    def __init__(self, session: Session, engine: Engine, paths: tuple[str, ...], *, acts: bool = True, jobs: int | None = 1) -> None:
        """Prepare; nothing is read yet. Unless it `acts`, no plugin is told of anything. `jobs` None: as many processes as pay."""
        self.session = session
        self.engine = engine
        self.told = session.told(engine.plugins) if acts else ()
        self.paths = paths
        self.faults = 0
        self.kinds: Counter[str] = Counter()
        self.advice: Counter[str] = Counter()
        self.unread = 0
        self.jobs = jobs
        self.left_out = LeftOut()
        self._started = self._shown = time.monotonic()
        # Where both streams are one terminal, rows and progress would overwrite each other.
        self._progress = sys.stderr.isatty() and not sys.stdout.isatty()

    def reports(self) -> Iterator[Report]:
        """Yield the report of each message that can be read."""
        return (report for _, report in self.read())

    def read(self) -> Iterator[tuple[Input, Report]]:
        """Yield each message that can be read, with its report."""
        for item, report in self._outcomes():
            if isinstance(report, str):
                self._complain(f"{item.source}: {report}")
                continue
            if item.cut:
                self._complain(f"{item.source}: larger than {self.engine.settings.limits.message} bytes; only its head was read")
            if any(defect.code == UNKNOWN_LOG for defect in report.defects):
                self._complain(f"{item.source}: {_unknown_log()}")
            self.kinds[report.kind] += 1
            self.unread += any(defect.code == UNREAD for defect in report.defects)
            self.advice.update(event.verdict.advice for event in report.events)
            if self.told:
                self._act(report)
            self._tick()
            yield item, report

    def _outcomes(self) -> Iterator[tuple[Input, Report | str]]:
        """Yield each input with its report, or why it has none; read by other processes where there is enough for them to do."""
        inputs = read_paths(self.paths, self.engine.settings.limits, self.left_out)
        # What comes through a pipe may come slowly: it is not gathered into chunks unless that is asked for.
        jobs = self.jobs or (1 if "-" in self.paths else _cores())
        if jobs > 1:
            first = list(islice(inputs, WORTH_WHILE))
            inputs = chain(first, inputs)
            if len(first) == WORTH_WHILE:
                yield from self._by_crew(inputs, jobs)
                return
        yield from ((item, item.fault if item.fault is not None else self.engine.answer(item)) for item in inputs)

    def _by_crew(self, inputs: Iterator[Input], jobs: int) -> Iterator[tuple[Input, Report | str]]:
        from bounceclass.crew import Crew  # noqa: PLC0415  only where there is much to do

        with Crew(self.engine, self.session.named, jobs) as crew:
            yield from crew.classify(inputs)
            self.engine.plugins.failures += crew.failures

    def _act(self, report: Report) -> None:
        """Tell the plugins that `-p` named, and let them act on each event at its word: who names one believes the mail."""
        failures = self.engine.dispatch(report, only=self.told)
        for event in report.events:
            key = event_key(report, event)
            suppression = at_their_word(event, key, datetime.now(UTC), "classify")
            if suppression is not None:
                failures += self.engine.plugins.tell("suppress", self.told, suppression=suppression, key=key)
        for line in self.session.complain(failures):
            self._say(line)

    def _complain(self, fault: str) -> None:
        self.faults += 1
        self._say(fault)

    def _say(self, text: str) -> None:
        click.echo(f"{self._clear()}bounceclass: {terminal.printable(text)}", err=True)

    def _tick(self) -> None:
        now = time.monotonic()
        if self._progress and now - self._started > SHOWN_AFTER and now - self._shown > 0.2:  # noqa: PLR2004  five times a second
            self._shown = now
            count = self.kinds.total()
            click.echo(f"{self._clear()}{count} messages, {count / (now - self._started):.0f}/s ", err=True, nl=False)

    def _clear(self) -> str:
        return "\r\x1b[K" if self._progress else ""

    def close(self, *, told: bool) -> None:
        """Print the summary, where a person reads it; which plugins have failed always, for the exit code tells of it."""
        if not (told or self._progress):
            for line in self._failed():
                self._say(line)
            return
        count = self.kinds.total()
        kinds = ", ".join(f"{self.kinds[kind]} {kind}" for kind in Kind if self.kinds[kind])
        advice = ", ".join(f"{number} {word}" for word, number in self.advice.most_common())
        lines = [f"{count} message{'' if count == 1 else 's'}" + (f": {kinds}" if kinds else "")]
        lines += [f"advice: {advice}"] if advice else []
        self.say_remarks(*lines)

    def say_remarks(self, *lines: str) -> None:
        """Print lines of a summary, then what kept the input from being read whole and understood."""
        remarks = list(lines)
        remarks += [f"{self.faults} could not be read whole"] if self.faults else []
        remarks += self._failed()
        if self.unread:
            remarks.append(f"{self.unread} not understood, though from a mail system: look for {UNREAD} among the defects")
        if self.left_out.count:
            more = ", ..." if self.left_out.count > len(self.left_out.names) else ""
            remarks.append(f"left out, no mail by their names: {self.left_out.count} ({terminal.printable(', '.join(self.left_out.names))}{more})")
        click.echo(self._clear() + "\n".join(remarks), err=True)

    def _failed(self) -> list[str]:
        failed = sorted(self.engine.plugins.failures.items())
        return [f"plugin {plugin}: {hook} failed {number} time{'' if number == 1 else 's'}" for (plugin, hook), number in failed]

    def exit_code(self) -> int:
        """Return the code that says how it went: 2 for a faulty configuration, 1 where not all was read or a plugin failed."""
        if self.session.faulty:
            return 2
        return 1 if self.faults or self.engine.plugins.failures else 0


def _unknown_log() -> str:
    from bounceclass.logs.reader import DIALECTS  # noqa: PLC0415  for logs alone

    return f"looks like a log, but no line is of a dialect that is read: {', '.join(DIALECTS)}"


def _cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _print_table(reports: Iterator[Report], why: bool, vocabulary: str | None) -> None:  # noqa: FBT001  one signature for all
    rows = output.Rows(why=why, vocabulary=vocabulary)
    for report in reports:
        for line in rows.report(report):
            click.echo(line, color=rows.colour)


def _print_jsonl(reports: Iterator[Report], _: bool, vocabulary: str | None) -> None:  # noqa: FBT001  one signature for all
    for report in reports:
        output.write(output.report_json(report, vocabulary) + b"\n")


def _print_json(reports: Iterator[Report], _: bool, vocabulary: str | None) -> None:  # noqa: FBT001  one signature for all
    for piece in output.json_array(output.report_json(report, vocabulary) for report in reports):
        output.write(piece)


def _print_csv(reports: Iterator[Report], _: bool, vocabulary: str | None) -> None:  # noqa: FBT001  one signature for all
    output.write(output.csv_line([*output.CSV_KEYS, *output.word_key(vocabulary)]))
    for report in reports:
        for event in report.events:
            output.write(output.csv_line([*output.event_cells(report, event), *output.word_of(event, vocabulary)]))


_PRINTERS: dict[str, Callable[[Iterator[Report], bool, str | None], None]] = {
    "table": _print_table,
    "json": _print_json,
    "jsonl": _print_jsonl,
    "csv": _print_csv,
}
