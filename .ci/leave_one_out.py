"""What each notice row and rule is worth on a folder of mail: how many messages, of how many families, change without it.

    python .ci/leave_one_out.py ../shared/corpus/messages

A family is the name of a file without its number. A rule that serves one message alone is a smell:
the mail that nobody has seen is what counts.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bounceclass import prose, reader
from bounceclass.engine import Engine
from bounceclass.formats import notices
from bounceclass.judge import Judge
from bounceclass.mime.parsers import parser_named
from bounceclass.notice import Notices
from bounceclass.packs import Pack, load_ours
from bounceclass.settings import DEFAULT

if TYPE_CHECKING:
    from bounceclass.model import Report


def main() -> None:
    """Print the table, what changes least first."""
    paths = sorted(Path(sys.argv[1]).rglob("*.eml"))
    engine = Engine()
    whole = {path: engine.classify(path.read_bytes()) for path in paths}
    print("messages families what")
    for name, changed in sorted((*of_rows(whole), *of_rules(whole)), key=lambda one: (len(one[1]), one[0])):
        families = {path.stem.rstrip("0123456789-") for path in changed}
        print(f"{len(changed):8} {len(families):8} {name} {next(iter(changed)).stem if len(changed) == 1 else ''}".rstrip())


def of_rows(whole: dict[Path, Report]) -> list[tuple[str, set[Path]]]:
    """Read again, without each row, the mail that its dialect spoke for."""
    rows = notices()
    table = []
    for place, row in enumerate(rows):
        without = Notices([*rows[:place], *rows[place + 1 :]])
        changed = set()
        for path, report in whole.items():
            if report.format == row.name:
                again = reader.read(path.read_bytes(), DEFAULT, parser=parser_named("flanker"), notices=without)
                if said(again) != said(report):
                    changed.add(path)
        table.append((f"row {row.name}", changed))
    return table


def said(report: Report) -> list[tuple[object, ...]]:
    """Return what is read of a mail, without verdicts and the reader's name."""
    return [(event.kind, event.recipient, event.reply_code, event.enhanced_status) for event in report.events]


def of_rules(whole: dict[Path, Report]) -> list[tuple[str, set[Path]]]:
    """Judge again, without each rule, the events that it had a part in."""
    packs = load_ours()
    users = defaultdict(set)
    for path, report in whole.items():
        for event in report.events:
            users[event.verdict.evidence[0].pack, event.verdict.evidence[0].rule].add(path) if event.verdict.evidence else None
    table = []
    for pack in packs:
        for name in pack.rules:
            judge = Judge(DEFAULT, [without(one, name) if one is pack else one for one in packs]) if users[pack.name, name] else None
            changed = {path for path in users[pack.name, name] if judge and verdicts(judge, whole[path]) != verdicts(None, whole[path])}
            table.append((f"{pack.name}:{name}", changed))
    return table


def without(pack: Pack, name: str) -> Pack:
    """Return a pack without a rule."""
    return msgspec.structs.replace(pack, rules={key: rule for key, rule in pack.rules.items() if key != name})


def verdicts(judge: Judge | None, report: Report) -> list[tuple[object, ...]]:
    """Return what is made of a report's events, by another judge or as it is."""
    events = report.events if judge is None else judge.judge(report.events, certainty=prose.certainty(report))
    return [(event.verdict.reason, event.verdict.permanence, event.verdict.scope, event.verdict.advice) for event in events]


if __name__ == "__main__":
    main()
