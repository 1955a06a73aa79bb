"""`bounceclass unknowns`: what no rule knows, grouped by its wording, each group with a rule to fill in."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from bounceclass.cli import output, terminal
from bounceclass.cli.classify import Work
from bounceclass.cli.session import current
from bounceclass.errors import SettingsError
from bounceclass.message import Message
from bounceclass.mime.parsers import PARSERS, Stdlib
from bounceclass.model import UNREAD, Kind, Reason
from bounceclass.templates import Group, Literals, Templates, code_of, literals, mask, seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bounceclass.model import Report
    from bounceclass.settings import Settings
    from bounceclass.sources.files import Input

__all__ = ["command"]

FORMATS: Final = ("table", "json", "jsonl")
REPLY, NOTICE = "reply", "notice"
"""The kinds of a group: what was said of a recipient, and notices that no reader knows."""
_FAILURES: Final = frozenset({Kind.BOUNCE, Kind.DELAY})
_FIRST_LINES: Final = 3
_NAME_WORDS: Final = 5


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="What to print: a table for people, or data.")
@click.option("--at-least", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Only groups of so many texts.")
@click.option("--rules-skeleton", is_flag=True, help="Print a rule pack instead: a rule for each group, its reason left to fill in.")
@click.option("--rules", multiple=True, metavar="PACK.toml", help="A rule pack of your own, asked before ours; may be given again.")
def command(paths: tuple[str, ...], form: str, at_least: int, rules_skeleton: bool, rules: tuple[str, ...]) -> int:  # noqa: FBT001  a flag
    """Group what no rule knows by its wording: undetermined bounces and delays, and notices that were not understood.

    PATH is as for classify. Plugins are told of nothing.
    """
    if rules_skeleton and form != "table":
        msg = "--rules-skeleton prints a rule pack: it goes without --format"
        raise SettingsError(msg)
    templates = Templates()
    session = current()
    engine = session.engine(rules)
    work = Work(session, engine, paths, acts=False)
    for item, report in work.read():
        _collect(templates, item, report, engine.settings)
    groups = list(templates.groups(at_least))
    _PRINTERS["toml" if rules_skeleton else form](_with_rules(groups, engine.settings.limits.rule_text))
    sys.stdout.flush()
    if form == "table":
        work.say_remarks(*_summary(templates, groups, at_least))
    return work.exit_code()


def _collect(templates: Templates, item: Input, report: Report, settings: Settings) -> None:
    """Add what is not known of a mail."""
    limit = settings.limits.rule_text
    for event in report.events:
        if event.kind in _FAILURES and event.verdict.reason is Reason.UNDETERMINED:
            text = mask(event.diagnostic or "", limit, event.recipient)
            templates.add(REPLY, text, code=code_of(event), example=event.diagnostic, source=report.source)
    if any(defect.code == UNREAD for defect in report.defects):
        said = _opening(item, settings)
        templates.add(NOTICE, mask(said, limit), code="", example=said or None, source=report.source)


def _opening(item: Input, settings: Settings) -> str:
    """Return the subject and the first lines of a notice."""
    parser = None if settings.parser in PARSERS else Stdlib()  # a plugin's is not needed for that
    message = Message(item.raw, settings, parser, cut=item.cut)
    lines = [line for line in message.text().split("\n") if line.strip()]
    return " / ".join(text for line in (message.headers.get("subject") or "", *lines[:_FIRST_LINES]) if (text := " ".join(line.split())))


def _summary(templates: Templates, groups: list[Group], at_least: int) -> Iterator[str]:
    """Yield how much is shown of what there is."""
    texts = f"{templates.texts} text{'' if templates.texts == 1 else 's'} that no rule knows"
    shown = f"{len(groups)} group{'' if len(groups) == 1 else 's'}" + (f" of {at_least} or more" if at_least > 1 else "")
    yield f"{texts}; {shown}"
    if templates.forgotten:
        yield f"{templates.forgotten} of rare wording were forgotten, to keep memory bounded"


class Skeleton(msgspec.Struct, frozen=True):
    """A group and the rule that would know it, None where no words tell it. `taken_by` names an earlier rule that knows it, too."""

    group: Group
    rule: str | None = None
    taken_by: str | None = None

    def flat(self) -> dict[str, Any]:
        """Return the keys of its JSON."""
        return {**msgspec.structs.asdict(self.group), "rule": self.rule}


def _with_rules(groups: Iterable[Group], limit: int) -> Iterator[Skeleton]:
    """Yield each group with its rule. Together they are one pack: a name is given once, and the first rule that holds decides."""
    owners: dict[str, Literals] = {}
    names: set[str] = set()
    for group in groups:
        text = seen(group.example or "", limit)
        asked = literals(group.template, text) if group.kind == REPLY else None
        if asked is None:
            yield Skeleton(group)
            continue
        name = _free_name(asked.texts, names)
        taken_by = next((owner for owner, other in owners.items() if other.stand_in(text)), None)
        if taken_by is None:
            owners[name] = asked
        yield Skeleton(group, _rule(name, asked, group.example or ""), taken_by)


def _free_name(texts: tuple[str, ...], names: set[str]) -> str:
    """Return a name made of the first words, and note it."""
    words = texts[0] if re.search("[a-z]+ [a-z]+", texts[0]) else " ".join(texts)
    start = "-".join(re.findall(r"[a-z0-9]+", re.sub(r"<\w+>", " ", words))[:_NAME_WORDS]) or "unknown"
    name, number = start, 1
    while name in names:
        number += 1
        name = f"{start}-{number}"
    names.add(name)
    return name


def _rule(name: str, asked: Literals, example: str) -> str:
    return f'[rules.{name}]\nreason = ""\n{asked.key} = [{", ".join(map(_quoted, asked.texts))}]\nmatches = [{_quoted(example)}]\n'


def _quoted(text: str) -> str:
    r"""Return a TOML string; what a terminal would obey or not show stands as \uXXXX."""
    return '"' + "".join(char if char.isprintable() and char not in '"\\' else _escape(char) for char in text) + '"'


def _escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"  # noqa: PLR2004  four digits or eight


def _print_table(skeletons: Iterator[Skeleton]) -> None:
    width, colour = terminal.columns(), terminal.colour_wanted()
    for one in skeletons:
        group = one.group
        count = terminal.paint(f"{group.count:>7}  ", None, bold=True, on=colour)
        kind = "(notice) " if group.kind == NOTICE else ""
        lines = [f"{kind}{group.template or '(no text)'}", ", ".join(group.codes), group.example or "", group.source or ""]
        shown = [_cut(terminal.printable(line), width) for line in lines if line]
        click.echo(count + ("\n" + " " * 9).join(shown), color=colour)


def _cut(text: str, width: int | None) -> str:
    return text if width is None else terminal.cut(text, max(8, width - 9))


def _print_json(skeletons: Iterator[Skeleton]) -> None:
    for piece in output.json_array(msgspec.json.encode(one.flat()) for one in skeletons):
        output.write(piece)


def _print_jsonl(skeletons: Iterator[Skeleton]) -> None:
    for one in skeletons:
        output.write(msgspec.json.encode(one.flat()) + b"\n")


def _print_toml(skeletons: Iterator[Skeleton]) -> None:
    """Print the pack; a rule that an earlier one leaves nothing is a comment."""
    for one in skeletons:
        group = one.group
        codes = f" ({', '.join(group.codes)})" if group.codes else ""
        remarks = [f"{group.count}{codes}: {group.template or '(no text)'}", group.source or ""]
        lines: list[str] = []
        if group.kind == NOTICE:
            remarks.append("a notice that no reader knows: a rule can't judge it")
        elif one.rule is None:
            remarks.append("no words tell it from others")
        elif one.taken_by is not None:
            remarks += [f"rules.{one.taken_by} takes it; where it means something else, it must stand before that:", *one.rule.splitlines()]
        else:
            lines = one.rule.splitlines()
        comments = [f"# {terminal.printable(remark)}" for remark in remarks if remark]
        output.write("\n".join([*comments, *lines, "", ""]).encode())


_PRINTERS: dict[str, Callable[[Iterator[Skeleton]], None]] = {
    "table": _print_table,
    "json": _print_json,
    "jsonl": _print_jsonl,
    "toml": _print_toml,
}
