"""`bounceclass tag`: a return path, ENVID or Message-ID that says whom a mail was sent to."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bounceclass.cli.session import current
from bounceclass.errors import SettingsError
from bounceclass.settings import KeySource
from bounceclass.tags import make_tag, read_keys, tagged
from bounceclass.wrapping import is_address

if TYPE_CHECKING:
    from bounceclass.settings import TrustSettings
    from bounceclass.tags import Key

__all__ = ["FILE", "VARIABLE", "command", "keys", "trust_settings"]

VARIABLE: Final = "BOUNCECLASS_TAG_KEYS"
FILE: Final = "BOUNCECLASS_TAG_KEYS_FILE"
_ROOM_IN_ID: Final = 64
_UNIQUE: Final = 10
"""Octets of chance that make an ENVID or a Message-ID the only one."""


@click.command()
@click.argument("address", metavar="ADDRESS")
@click.option("--list", "stream", metavar="NAME", help="The list or stream that the mail belongs to; it is signed, too.")
@click.option("--for", "purpose", type=click.Choice(("verp", "envid", "message-id")), default="verp", show_default=True, help="What to make.")
@click.option("--return-path", metavar="ADDRESS", help="The address that the tag is put into; else the configuration's.")
@click.option("--separator", type=click.Choice(("+", "-", "=")), help="What stands before the tag; else the configuration's.")
def command(address: str, stream: str | None, purpose: str, return_path: str | None, separator: str | None) -> int:
    """Make a tagged return path, ENVID or Message-ID for mail to ADDRESS.

    The keys come from the configuration, or from BOUNCECLASS_TAG_KEYS or the file that BOUNCECLASS_TAG_KEYS_FILE
    names: ID:SECRET, separated by blanks; the first one signs.
    """
    trust = trust_settings()
    ours = keys(trust)
    if not ours:
        msg = f"no key: set {VARIABLE}, {FILE} or keys in the configuration"
        raise SettingsError(msg)
    path = return_path or trust.return_path or ""
    if purpose != "envid" and not is_address(path):
        msg = "no return path: give --return-path, or return_path in the configuration"
        raise SettingsError(msg)
    today = datetime.now(UTC).date()
    try:
        if purpose == "verp":
            made = tagged(path, address, ours[0], today, stream=stream, separator=separator or trust.separator, longest=trust.longest)
        else:
            made = f"{make_tag(address, ours[0], today, stream=stream, room=_ROOM_IN_ID)}.{secrets.token_hex(_UNIQUE)}"
            made = made if purpose == "envid" else f"<{made}@{path.rpartition('@')[2]}>"
    except ValueError as error:
        raise SettingsError(str(error)) from error
    click.echo(made)
    return 0


def trust_settings() -> TrustSettings:
    """Return what the configuration says about trust."""
    return current().settings.trust


def keys(trust: TrustSettings) -> tuple[Key, ...]:
    """Return the keys of the configuration, else those of the environment; raises SettingsError where one does not fit."""
    return read_keys(trust.keys or _from_environment(), os.environ)


def _from_environment() -> list[KeySource]:
    text = os.environ.get(VARIABLE)
    if text is None and (path := os.environ.get(FILE)):
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{FILE}: {error}"
            raise SettingsError(msg) from error
    sources = []
    for word in (text or "").split():
        number, mark, secret = word.partition(":")
        if not mark or not number.isdecimal():
            msg = f"{VARIABLE}: a key is ID:SECRET, ID a number"
            raise SettingsError(msg)
        sources.append(KeySource(id=int(number), secret=secret))
    return sources
