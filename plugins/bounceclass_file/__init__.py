"""Keeps a suppression file up to date: CSV, JSON Lines, or one address a line.

    [plugins.file]
    path = "/var/lib/bounceclass/suppressions.csv"

It acts on decisions and makes none. An entry is added by appending a line and taken out by writing
the file anew beside itself; an index beside the file (SQLite, made again whenever the file changed
behind its back) tells where a line stands, so memory does not grow with the file.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from bounceclass.errors import SettingsError
from bounceclass_file.keeper import Keeper
from bounceclass_file.lines import FORMATS, layout

if TYPE_CHECKING:
    from bounceclass.model import Suppression

__all__ = ["Settings", "SuppressionFile", "plugin"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the file is and how it is written."""

    path: str = "suppressions.csv"
    """The file; made where it is missing, in a folder that exists."""
    format: Literal["csv", "jsonl", "plain"] | None = None
    """How it is written; null: by the ending of `path`, `.jsonl`, `.txt` (plain), else csv."""
    scope: str | None = None
    """The list or stream whose entries a plain file holds; null: those that hold everywhere. Other formats have a column for it."""


class SuppressionFile:
    """Writes each entry to the file, and takes it out again."""

    def __init__(self, settings: Settings) -> None:
        """Settle the format; raises SettingsError for a path that can't be such a file. Nothing is written yet."""
        form = settings.format or FORMATS.get(Path(settings.path).suffix.lower(), "csv")
        if settings.scope is not None and form != "plain":
            msg = f"scope is for plain files: a {form} file has a column for it and holds every entry"
            raise SettingsError(msg)
        self._keeper = Keeper(settings.path, layout(form, settings.scope), clock=time.monotonic)

    def bounceclass_suppress(self, suppression: Suppression) -> None:
        """Add an entry, durably, before this returns; one that the file holds already for as long changes nothing."""
        self._keeper.add(suppression)

    def bounceclass_release(self, suppression: Suppression) -> None:
        """Take an entry out, durably, before this returns; one that is not there is no error."""
        self._keeper.remove(suppression)


def plugin(settings: Settings) -> SuppressionFile:
    """Return what keeps the file."""
    return SuppressionFile(settings)
