"""What hangs on each rule and row: how many mails of a folder read otherwise without it, and of how many families.

    python -m tests.leaveout ../shared/corpus/messages
    python -m tests.leaveout samples --fewest 2

A rule that one mail alone needs was perhaps made for it. The family of `lhost-exim-07.eml` is
`lhost-exim`, that of `postfix/06-default.eml` is `postfix`.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bounceclass import prose, reader
from bounceclass.builtin import bounceclass_notices
from bounceclass.judge import Judge
from bounceclass.notice import Notices
from bounceclass.packs import load_ours
from bounceclass.settings import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bounceclass.model import Report
    from bounceclass.packs import Pack

Essence = list[tuple[object, ...]]


class Mail(NamedTuple):
    """A mail, what was read of it, and what that comes to."""

    family: str
    raw: bytes
    report: Report
    essence: Essence


class Loss(NamedTuple):
    """What reads otherwise without a rule or row."""

    name: str
    mails: int
    families: list[str]


def family(path: Path) -> str:
    """Return what a mail's file is one of several of: its name without the number, or the folder where the number comes first."""
    return path.parent.name if re.match(r"\d", path.stem) else re.sub(r"[-_]?\d+(?:[-_].*)?$", "", path.stem)


def essence(judge: Judge, report: Report) -> Essence:
    """Return what a report comes to: whom, and every word of the verdicts that somebody acts on."""
    judged = judge.judge(report.events, certainty=prose.certainty(report), format_=report.format)
    words = [(event.verdict.reason, event.verdict.permanence, event.verdict.scope, event.verdict.advice) for event in judged]
    return [(event.kind, event.recipient, event.reply_code, event.enhanced_status, *said) for event, said in zip(judged, words, strict=True)]


def read_all(folder: Path) -> list[Mail]:
    """Read every mail below a folder."""
    judge, notices = Judge(DEFAULT), Notices(bounceclass_notices())
    found = []
    for path in sorted(folder.rglob("*.eml")):
        raw = path.read_bytes()
        report = reader.read(raw, DEFAULT, notices=notices)
        found.append(Mail(family(path), raw, report, essence(judge, report)))
    return found


def losses(mails: Sequence[Mail]) -> Iterator[Loss]:
    """Yield what each rule and each row is needed for."""
    packs = load_ours()
    for pack in packs:
        for name in pack.rules:
            judge = Judge(DEFAULT, [_without(one, name) if one is pack else one for one in packs])
            yield _loss(f"{pack.name}: {name}", mails, lambda mail, judge=judge: essence(judge, mail.report))  # type: ignore[misc]
    whole, rows = Judge(DEFAULT), tuple(bounceclass_notices())
    for place, row in enumerate(rows):
        notices = Notices([*rows[:place], *rows[place + 1 :]])
        yield _loss(f"row: {row.name}", mails, lambda mail, notices=notices: essence(whole, reader.read(mail.raw, DEFAULT, notices=notices)))  # type: ignore[misc]


def _without(pack: Pack, name: str) -> Pack:
    return msgspec.structs.replace(pack, rules={key: rule for key, rule in pack.rules.items() if key != name})


def _loss(name: str, mails: Iterable[Mail], read: Callable[[Mail], Essence]) -> Loss:
    lost = [mail.family for mail in mails if read(mail) != mail.essence]
    return Loss(name, len(lost), sorted(set(lost)))


def main(arguments: Sequence[str]) -> None:
    """Print the table, what is needed most first."""
    parser = argparse.ArgumentParser(prog="python -m tests.leaveout", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fewest", type=int, default=1, help="leave out what fewer mails need (default: 1)")
    given = parser.parse_args(arguments)
    found = sorted(losses(read_all(given.folder)), key=lambda loss: (-loss.mails, loss.name))
    sys.stdout.write(f"{sum(loss.mails > 0 for loss in found)} of {len(found)} rules and rows are needed by a mail of {given.folder}\n\nmails families  without\n")
    for loss in found:
        if loss.mails >= max(1, given.fewest):
            sys.stdout.write(f"{loss.mails:5} {len(loss.families):8}  {loss.name}   {', '.join(loss.families[:4])}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
