"""`bounceclass check`: what is wrong with rule packs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click

from bounceclass import packs
from bounceclass.errors import KnowledgeError
from bounceclass.packcheck import check

__all__ = ["command"]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PACK.toml...")
def command(paths: tuple[str, ...]) -> int:
    """Check rule packs: unknown words, rules that can never match, missing or wrong examples, slow patterns."""
    faulty = 0
    for path in paths:
        try:
            pack = packs.load(path)
        except KnowledgeError as error:
            click.echo(str(error))
            faulty += 1
            continue
        faults = check(pack, packs.load_ours())
        for fault in faults:
            click.echo(f"{path}:{line_of(path, fault.where)}: {fault.where}: {fault.what}")
        faulty += bool(faults)
        if not faults:
            click.echo(f"{path}: {len(pack.rules)} rules, no fault", err=True)
    return 2 if faulty else 0


_TABLE: Final = re.compile(r"\s*\[\s*rules\s*\.\s*[\"']?([^\"'\]]+?)[\"']?\s*\]")


def line_of(path: str, where: str) -> int:
    """Return the line of a spot such as rules.NAME.any[2]: of its key, else of its table."""
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    tables = {match[1]: place for place, line in enumerate(lines) if (match := _TABLE.match(line))}
    spot = where.removeprefix("rules.")
    table = max((name for name in tables if spot == name or spot.startswith((name + ".", name + "["))), key=len, default="")
    start = tables.get(table, 0)
    name = spot[len(table) + 1 :].partition("[")[0]
    for place in range(start + 1, len(lines)):
        if lines[place].lstrip().startswith("["):
            break
        if name and re.match(rf"\s*{re.escape(name)}\s*=", lines[place]):
            return place + 1
    return start + 1
