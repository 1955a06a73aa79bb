"""Keeps a tally of why mail did not arrive, and shows it: `bounceclass -p tally tally`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounceclass.model import Event, Suppression, Verdict

__all__ = ["Settings", "Tally", "plugin"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The shape of `[plugins.tally]`."""

    path: str = "tally.json"
    calm: tuple[str, ...] = ()
    """Domains that are our own: what they refuse is looked at by a person."""


class Tally:
    """One instance of the plugin: its methods named bounceclass_... are its hooks."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; nothing is opened yet."""
        self.settings = settings
        self.path = Path(settings.path)

    def bounceclass_refine(self, event: Event, verdict: Verdict) -> Verdict | None:
        """Have our own domains reviewed instead of suppressed."""
        domain = (event.recipient or "").rpartition("@")[2].lower()
        if domain in self.settings.calm and verdict.advice == "suppress":
            return msgspec.structs.replace(verdict, advice="review")
        return None

    def bounceclass_bounce(self, event: Event) -> None:
        """Count the reason of a bounce."""
        self._add(str(event.verdict.reason))

    def bounceclass_suppress(self, suppression: Suppression, key: str) -> None:
        """Count an entry of the suppression list; `key` would tell whether it came before."""
        del key
        self._add(f"suppressed for {suppression.reason}")

    def bounceclass_commands(self) -> Iterable[click.Command]:
        """Offer `bounceclass -p tally tally`."""

        @click.command("tally")
        def show() -> None:
            """Show why mail did not arrive."""
            for what, count in Counter(self._read()).most_common():
                click.echo(f"{count:6} {what}")

        return [show]

    def _read(self) -> dict[str, int]:
        return msgspec.json.decode(self.path.read_bytes(), type=dict[str, int]) if self.path.exists() else {}

    def _add(self, what: str) -> None:
        counts = self._read()
        counts[what] = counts.get(what, 0) + 1
        self.path.write_bytes(msgspec.json.encode(counts))


def plugin(settings: Settings) -> Tally:
    """Make an instance; called once for each table in the configuration."""
    return Tally(settings)
