"""What a terminal can show: width in cells, colour, and no remote text that steers it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import click

from bounceclass.controls import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ADVICE_COLOURS", "colour_wanted", "columns", "complain", "cut", "pad", "printable", "width_of"]

ADVICE_COLOURS: Final = {"suppress": "red", "count": "yellow", "fix": "magenta", "retry": "cyan", "review": "blue"}


def complain(text: str) -> None:
    """Say on standard error what went wrong, and who says so."""
    click.echo(f"bounceclass: {printable(text)}", err=True)


def width_of(text: str) -> int:
    """Return how many cells a text takes: Hangul and Han are two wide."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415  heavy, and only for text beyond ASCII

    return cell_len(text)


def cut(text: str, cells: int) -> str:
    """Return a text that takes at most `cells`, its end replaced by an ellipsis where it is longer."""
    if width_of(text) <= cells:
        return text
    if cells < 1:
        return ""
    if text.isascii():
        return text[: max(0, cells - 1)] + "…"
    from rich.cells import set_cell_size  # noqa: PLC0415  as above

    return set_cell_size(text, max(0, cells - 1)).rstrip() + "…"


def pad(text: str, cells: int) -> str:
    """Return a text filled with blanks to `cells`."""
    return text + " " * max(0, cells - width_of(text))


def columns() -> int | None:
    """Return the width of the terminal that standard output is; None where it is none."""
    if not sys.stdout.isatty():
        return None
    import shutil  # noqa: PLC0415  it imports what unpacks archives, and most output goes elsewhere

    return shutil.get_terminal_size().columns


def colour_wanted() -> bool:
    """Tell whether to colour: on a terminal, unless NO_COLOR or TERM=dumb; FORCE_COLOR colours pipes too."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str | None, *, bold: bool = False, on: bool = True) -> str:
    """Return a text in a colour, where colour is on."""
    return click.style(text, fg=colour, bold=bold or None) if on and (colour or bold) else text


def marked(text: str, start: int, end: int, cells: int, *, on: bool) -> Sequence[str]:
    """Return a line of at most `cells` around text[start:end], which is marked: in colour, or by carets below."""
    middle = cut(printable(text[start:end]), max(1, cells - 2))
    before, after = printable(text[:start]), printable(text[end:])
    room = cells - width_of(middle)
    before = _tail(before, max(1, min(width_of(before), room - min(width_of(after), room // 2)))) if before else ""
    after = cut(after, max(0, room - width_of(before)))
    if on:
        return [before + click.style(middle, reverse=True) + after]
    return [before + middle + after, " " * width_of(before) + "^" * width_of(middle)]


def _tail(text: str, cells: int) -> str:
    """Return the end of a text that takes at most `cells`, an ellipsis before it where it is longer."""
    if width_of(text) <= cells:
        return text
    kept = text
    while kept and width_of(kept) > cells - 1:
        kept = kept[max(1, (width_of(kept) - cells) // 2) :]
    return "…" + kept
