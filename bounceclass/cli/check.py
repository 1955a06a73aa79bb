"""`bounceclass check`: what is wrong with rule packs."""

from __future__ import annotations

from pathlib import Path

import click

from bounceclass import packs
from bounceclass.controls import printable
from bounceclass.errors import KnowledgeError
from bounceclass.packcheck import check
from bounceclass.spots import line_of

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
            click.echo(printable(str(error)))
            faulty += 1
            continue
        faults = check(pack, packs.load_ours())
        for fault in faults:
            click.echo(printable(f"{path}:{line_of(Path(path).read_text(encoding='utf-8'), fault.where)}: {fault.where}: {fault.what}"))
        faulty += bool(faults)
        if not faults:
            click.echo(printable(f"{path}: {len(pack.rules)} rules, no fault"), err=True)
    return 2 if faulty else 0
