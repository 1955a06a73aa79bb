"""`bounceclass rules export`: our rules, and yours, as other software's."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bounceclass.cli.terminal import printable
from bounceclass.errors import SettingsError
from bounceclass.packcheck import require_sound
from bounceclass.packs import load, load_ours

if TYPE_CHECKING:
    from bounceclass.export.rows import Export

__all__ = ["TARGETS", "command"]

TARGETS: Final = ("kumomta", "powermta", "zonemta")


@click.group()
def command() -> None:
    """Do something with rule packs as a whole."""


@command.command("export")
@click.option("--to", "target", type=click.Choice(TARGETS), required=True, help="For which software.")
@click.option("--rules", multiple=True, metavar="PACK.toml", help="A rule pack of your own, asked before ours; may be given again.")
@click.option("--into", metavar="FOLDER", help="Where to write; else the one file there is goes to standard output.")
def export(target: str, rules: tuple[str, ...], into: str | None) -> int:
    """Write the rules as another software's; what it can't express is named on standard error and in the file."""
    ours = load_ours()
    theirs = [load(path) for path in rules]
    for path, pack in zip(rules, theirs, strict=True):
        require_sound(pack, path, (*theirs, *ours))
    module = import_module(f"bounceclass.export.{target}")
    made: Export = module.export((*theirs, *ours))
    paths = _write(made, into)
    if paths and target == "kumomta":
        click.echo(module.usage(paths), nl=False)
    elif paths:
        click.echo("\n".join(printable(path) for path in paths))
    for line in made.losses():
        click.echo(printable(line), err=True)
    click.echo(f"{target}: {made.summary()}", err=True)
    return 0


def _write(made: Export, into: str | None) -> list[str]:
    """Write the files and return their paths; without a folder the text itself, if it is one."""
    if into is None:
        if len(made.files) > 1:
            msg = f"these rules keep their order only in {len(made.files)} files: say where with --into FOLDER"
            raise SettingsError(msg)
        for text in made.files.values():
            click.echo(text, nl=False)
        return []
    folder = Path(into)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [str(folder / name) for name in made.files]
