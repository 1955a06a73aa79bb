"""`bounceclass deliver`: one message from an MTA's pipe, stored before the MTA is told that we have it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import click

from bounceclass.cli.session import current
from bounceclass.cli.terminal import complain
from bounceclass.errors import BounceclassError, SettingsError
from bounceclass.sources.location import locate
from bounceclass.sources.spool import Spool

__all__ = ["TRY_AGAIN", "command", "envelope", "read_message"]

TRY_AGAIN: Final = 75
"""EX_TEMPFAIL: the MTA keeps the message, and comes again."""
_RECIPIENT: Final = ("ORIGINAL_RECIPIENT", "RECIPIENT")
"""What Postfix's local(8) and Exim's pipe transport tell by; the first is before aliases."""


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[MAILDIR]")
@click.option("--recipient", metavar="ADDRESS", help="Whom the MTA delivers to; else what ORIGINAL_RECIPIENT or RECIPIENT says.")
@click.option("--sender", metavar="ADDRESS", help="The envelope sender; else what SENDER says.")
def command(folder: Path | None, recipient: str | None, sender: str | None) -> int:
    """Store the message on standard input for `run`, and exit with 0 when it is on the disk.

    MAILDIR is by default the first Maildir, or spool, among the configuration's sources. Whatever goes wrong ends with 75, so that the
    MTA keeps the message and comes again.
    """
    try:
        known_recipient, known_sender = envelope()
        spool = Spool(folder if folder is not None else _first_spool())
        spool.store(read_message(), recipient=recipient or known_recipient, sender=sender if sender is not None else known_sender)
    except BounceclassError as error:
        complain(str(error))
        return TRY_AGAIN
    except OSError as error:
        complain(f"not stored: {error.strerror or error}{f': {error.filename}' if error.filename else f': {folder}' if folder else ''}")
        return TRY_AGAIN
    return 0


def read_message() -> bytes:
    """Return the message on standard input. Raises OSError where there is none: an MTA that died has told us nothing."""
    raw = sys.stdin.buffer.read() if sys.stdin is not None else b""
    if not raw:
        msg = "standard input is empty"
        raise OSError(msg)
    return raw


def envelope() -> tuple[str | None, str | None]:
    """Return recipient and sender as the MTA tells them in the environment."""
    return next((os.environ[name] for name in _RECIPIENT if os.environ.get(name)), None), os.environ.get("SENDER")


def _first_spool() -> Path:
    for url in current().settings.run.sources:
        scheme = url.partition(":")[0]
        if scheme == "maildir":
            return Path(locate(url, ("processed", "quarantine")).path)
        if scheme in {"lmtp", "smtp"} and (spool := locate(url, ("spool", "processed", "quarantine")).options.get("spool")):
            return Path(spool)
    msg = "no Maildir is named: give one, or configure a source maildir:FOLDER"
    raise SettingsError(msg)
