"""The figures as a table, and the machine that they are of."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.messages import BIG
from benchmarks.rounds import BARE, START, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["machine", "rates", "render", "times"]

_YARDSTICKS: Final = ("compat32", "flufl.bounce")
_KIB: Final = 1024


def machine() -> str:
    """Return the processor, its cores, the system, Python and the load of the last minute."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor() or platform.machine())
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known"
    return f"{model}, {os.cpu_count()} cores; {platform.system()}; Python {platform.python_version()}; load {load}"


def rates(rows: Iterable[Row], counts: Mapping[str, int]) -> list[list[str]]:
    """Return the table of all that is told a second: median, best, and how many times the yardsticks' rate of the same round."""
    rows = [row for row in rows if row.set not in {BIG, START}]
    head = ["reader", "set", "a second", "best", *(f"x {name}" for name in _YARDSTICKS), "bounces", "faults", "peak MB", "+MB"]
    return [head, *(_rate(row, counts[row.set], rows) for row in rows)] if rows else []


def _rate(row: Row, count: int, rows: Sequence[Row]) -> list[str]:
    seconds = [one.cpu for one in row.passes]
    ratios = [_ratio(row, next((other for other in rows if other.set == row.set and other.reader.split()[0] == name), None)) for name in _YARDSTICKS]
    found = "-" if row.reader == _YARDSTICKS[0] else str(row.passes[-1].found)
    faults = " ".join(f"{name} {number}" for name, number in row.passes[-1].faults.items()) or "0"
    return [row.reader, row.set, f"{count / median(seconds):,.0f}", f"{count / min(seconds):,.0f}", *ratios, found, faults, *_memory(row)]


def times(rows: Iterable[Row]) -> list[list[str]]:
    """Return the table of what is told in milliseconds: the large bounce, and starting, over bare Python of the same round."""
    rows = [row for row in rows if row.set in {BIG, START}]
    bare = next((row for row in rows if row.reader == BARE), None)
    return [["what", "ms", "best", "over bare Python", "peak MB", "+MB"], *(_time(row, bare) for row in rows)] if rows else []


def _time(row: Row, bare: Row | None) -> list[str]:
    seconds = [one.cpu for one in row.passes]
    over = "-"
    if bare is not None and row.set == START:
        over = f"{median(one.cpu - other.cpu for one, other in zip(row.passes, bare.passes, strict=True)) * 1000:.0f}"
    name = row.reader if row.set == START else f"{row.reader}, {row.set}"
    return [name, f"{median(seconds) * 1000:.1f}", f"{min(seconds) * 1000:.1f}", over, *_memory(row)]


def _ratio(row: Row, other: Row | None) -> str:
    if other is None:
        return "-"
    return f"{median(theirs.cpu / own.cpu for own, theirs in zip(row.passes, other.passes, strict=True)):.2f}"


def _memory(row: Row) -> list[str]:
    peak, extra = max(one.peak for one in row.passes), max(one.extra for one in row.passes)
    return [f"{peak / _KIB:.0f}", f"{extra / _KIB:.1f}"] if peak else ["-", "-"]


def render(table: Sequence[Sequence[str]], *, markdown: bool) -> str:
    """Return a table as text, its columns aligned."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    start, between, end = ("| ", " | ", " |") if markdown else ("", "  ", "")
    lines = [start + between.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + end for row in table]
    rule = start + between.join("-" * width for width in widths) + end
    return "\n".join(line.rstrip() for line in (lines[0], rule, *lines[1:]))
