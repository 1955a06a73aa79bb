"""Explanations on the screen: titles, paragraphs and tables that fit the terminal, by rich."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final, Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bounceclass.cli import terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Page"]

_CODE: Final = re.compile(r"`([^`]+)`")
_PIPE_WIDTH: Final = 100
_WIDEST: Final = 120
_NARROW: Final = 60
"""Below this width a table's rows are written one cell a line."""


class Page:
    """What is printed for people: as wide as the terminal, at most 120 cells; 100 in a pipe."""

    def __init__(self) -> None:
        """Look at the terminal."""
        self.width = min(terminal.columns() or _PIPE_WIDTH, _WIDEST)
        colour = terminal.colour_wanted()
        system: Literal["standard"] | None = "standard" if colour else None
        self.console = Console(file=sys.stdout, width=self.width, highlight=False, emoji=False, markup=False, color_system=system, force_terminal=colour)
        self._colour = colour

    def title(self, left: str, right: str) -> None:
        """Print a heading, and what belongs beside it."""
        gap = self.width - terminal.width_of(left) - terminal.width_of(right)
        self.console.print(Text(left, "bold"), end="" if gap > 2 else "\n")  # noqa: PLR2004  or below it, where there is no room
        self.console.print(Text(" " * gap + right if gap > 2 else right, "dim"))  # noqa: PLR2004  as above

    def paragraph(self, text: str, title: str | None = None) -> None:
        """Print a paragraph behind a blank line; its title, if any, stands at its head."""
        self.console.print()
        line = Text(f"{title}{'' if title.endswith('?') else '.'} " if title else "", "bold")
        line.append_text(self.rich(text))
        self.console.print(line)

    def heading(self, text: str) -> None:
        """Print a title of its own line."""
        self.console.print()
        self.console.print(Text(text, "bold"))

    def wire(self, line: str) -> None:
        """Print what is seen on the wire, indented."""
        self.console.print()
        self.console.print(Padding(Text(line, "cyan"), (0, 0, 0, 4)))

    def rich(self, text: str) -> Text:
        """Return text with what stands in backticks coloured; without colour the backticks stay."""
        if not self._colour:
            return Text(text)
        out, place = Text(), 0
        for match in _CODE.finditer(text):
            out.append(text[place : match.start()])
            out.append(match[1], "cyan")
            place = match.end()
        out.append(text[place:])
        return out

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table; on a narrow terminal each cell on its own line, behind its title."""
        self.console.print()
        if self.width < _NARROW:
            for row in rows:
                self.console.print(self.rich(row[0]), style="bold")
                for name, cell in zip(head[1:], row[1:], strict=True):
                    self.console.print(Padding(Text.assemble((f"{name}: ", "dim"), self.rich(cell)), (0, 0, 0, 2)))
            return
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for place, name in enumerate(head):
            table.add_column(name, ratio=2 if place else 1, overflow="fold")
        for row in rows:
            table.add_row(*(self.rich(cell) for cell in row))
        self.console.print(table)

    def grid(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print cells as they are, each column as wide as it needs; on a narrow terminal as `table` does. A column without a title is never put below."""
        self.console.print()
        if self.width < _NARROW and any(head):
            for row in rows:
                if row[0]:
                    self.console.print(Text(row[0], "bold"))
                for name, cell in zip(head[1:], row[1:], strict=True):
                    if cell:
                        self.console.print(Padding(Text.assemble((f"{name}: ", "dim"), cell), (0, 0, 0, 2)))
            return
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_header=any(head))
        for name in head:
            table.add_column(Text(name), overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.console.print(table)
