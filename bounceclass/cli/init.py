"""`bounceclass init`: asks what matters, and writes a configuration that explains itself."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from string import Template
from typing import Final

import click

from bounceclass.cli.terminal import printable
from bounceclass.errors import InputError, SettingsError
from bounceclass.knowledge import data_file
from bounceclass.presets import PRESETS

__all__ = ["command"]

TEMPLATE: Final = "bounceclass.toml"
_KEY: Final = "tag.key"


@click.command()
@click.argument("path", default="bounceclass.toml", metavar="[FILE]")
@click.option("--defaults", is_flag=True, help="Ask nothing; write what is usual.")
def command(path: str, defaults: bool) -> int:  # noqa: FBT001  click's signature
    """Write a commented configuration, bounceclass.toml, after a few questions. Nothing is ever overwritten."""
    folder = Path(path).absolute().parent
    if Path(path).exists():
        msg = f"{path} is there already; name another file"
        raise SettingsError(msg)

    def ask(question: str, usual: str) -> str:
        return usual if defaults else str(click.prompt(question, default=usual, err=True)).strip()

    hosts = ask("Your own mail servers, with blanks between", "")
    source = ask("Where bounces arrive (maildir:FOLDER, mbox:FILE, imaps://USER@SERVER/INBOX?password=env:NAME)", "")
    store = ask("The database", f"sqlite:///{folder}/bounces.db")
    return_path = ask("The return path that tags are put into, which prove whom a bounce is about", "")
    domains = ask("Domains that you send as, with blanks between", return_path.rpartition("@")[2])
    preset = "default" if defaults else click.prompt("Thresholds", type=click.Choice(PRESETS), default="default", err=True)
    written = Template(data_file(TEMPLATE).decode()).substitute(
        own_hosts=_array(hosts),
        sources=f"[{_text(source)}]" if source else "[]",  # one, whose path may hold blanks
        store=_text(store),
        keys='[{ id = 1, file = "tag.key" }]' if return_path else "[]",
        return_path=f"return_path = {_text(return_path)}" if return_path else '# return_path = "bounces@lists.example.com"',
        domains=_array(domains),
        preset=_text(preset),
    )
    if return_path:
        _write(folder / _KEY, secrets.token_hex(32) + "\n")
    _write(Path(path), written)
    click.echo(f"{printable(path)} is written; see that it holds: bounceclass config check {printable(path)}", err=True)
    return 0


def _write(path: Path, text: str) -> None:
    """Write a new file that nobody else may read; one that is there stays as it is."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if path.name == _KEY:  # another configuration's: tags that are on their way must go on to verify
            return
        raise
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error)) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _text(value: str) -> str:
    """Return a TOML basic string (its escapes are JSON's)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _array(value: str) -> str:
    return "[" + ", ".join(_text(one) for one in value.split()) + "]"
