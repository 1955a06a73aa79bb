"""`bounceclass run --live`: what a run does just now, as a table that stays below the log, on a terminal and nowhere else."""

from __future__ import annotations

import io
import logging
import os
import sys
import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bounceclass.errors import StoreError
from bounceclass.model import Action, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bounceclass.assembly import Parts

__all__ = ["Rates", "can_watch", "watching"]

_SPAN: Final = 10.0
"""Seconds that a rate is the mean of."""
_TIMES_A_SECOND: Final = 2
_ASK_AGAIN: Final = 2.0
"""Seconds between two looks at the outbox."""
_ROWS: Final = (
    ("processed", "inputs"),
    *((str(kind), f"kind {kind}") for kind in Kind),
    *((f"decided: {action}", f"decision {action}") for action in Action),
    ("in quarantine", "quarantined"),
)
_ALWAYS: Final = frozenset({"inputs", f"decision {Action.HOLD}", "quarantined"})
"""Counters that are shown before there is any."""


class Rates:
    """Counts as they grow, and how fast; the time is the caller's."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._seen: deque[tuple[float, Mapping[str, int]]] = deque()

    def note(self, counts: Mapping[str, int], at: float) -> None:
        """Take what has been counted up to a time, and forget what is older than the span."""
        self._seen.append((at, counts))
        while len(self._seen) > 2 and at - self._seen[1][0] >= _SPAN:  # noqa: PLR2004  a rate lies between two
            self._seen.popleft()

    def rows(self) -> list[tuple[str, int, float]]:
        """Return name, number and how many a second of each counter that has counted, and of those that always are of interest."""
        if not self._seen:
            return []
        (began, before), (at, now) = self._seen[0], self._seen[-1]
        shown = ((name, now.get(key, 0), before.get(key, 0)) for name, key in _ROWS if now.get(key) or key in _ALWAYS)
        return [(name, number, (number - earlier) / (at - began) if at > began else 0.0) for name, number, earlier in shown]


def can_watch() -> bool:
    """Tell whether standard error is a terminal that can be drawn on."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in {None, "", "dumb"}


@contextmanager
def watching(parts: Parts) -> Iterator[None]:
    """Keep the table on the terminal while the block runs; log and standard error go above it, line by line and unbroken."""
    real = sys.stderr
    console = _Still(file=real, highlight=False, markup=False, emoji=False, color_system=None if os.environ.get("NO_COLOR") else "standard")
    board, above = _Board(parts), _Above(console)
    handlers = [one for one in logging.getLogger("bounceclass").handlers if isinstance(one, logging.StreamHandler) and one.stream is real]
    live = Live(
        get_renderable=board.table, console=console, refresh_per_second=_TIMES_A_SECOND, transient=True, redirect_stdout=False, redirect_stderr=False
    )
    try:
        for one in handlers:
            one.setStream(above)
        sys.stderr = above  # what a plugin prints would tear the table
        with live:
            yield
    finally:
        above.flush()
        sys.stderr = real
        for one in handlers:
            one.setStream(real)


class _Still(Console):
    """A console that leaves the cursor alone: who is killed can't put it back."""

    def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002  rich's signature
        """Do nothing."""
        return False


class _Above(io.TextIOBase):
    """A stream whose lines are printed above the table, as they are."""

    def __init__(self, console: Console) -> None:
        """Take where the table is."""
        self._console = console
        self._rest = ""

    def write(self, text: str) -> int:
        """Print what lines are whole."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._console.print(Text(line), soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        """Print what has no end of line yet."""
        if self._rest:
            self._console.print(Text(self._rest), soft_wrap=True)
            self._rest = ""

    def isatty(self) -> bool:
        """Tell that colours and bars are better left out."""
        return False


class _Board:
    """Makes the table, from the runner's counts and the outbox."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._rates = Rates()
        self._depth: int | None = None
        self._asked = 0.0

    def table(self) -> Table:
        """Return the table as of now; asked for by the thread that draws."""
        now = time.monotonic()
        self._rates.note(dict(self._parts.runner.counts), now)
        if now - self._asked >= _ASK_AGAIN or not self._asked:
            self._asked = now
            with suppress(StoreError):  # the run itself tells of it
                self._depth = self._parts.store.outbox.depth(self._parts.engine.plugins.names)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("")
        table.add_column("number", justify="right")
        table.add_column("a second", justify="right")
        for name, number, rate in self._rates.rows():
            table.add_row(name, f"{number:,}", f"{rate:,.1f}")
        table.add_row("calls that wait in the outbox", "?" if self._depth is None else f"{self._depth:,}", "")
        return table
