"""Where in a TOML file a spot stands: libraries tell of `policy.reasons.spam.count` or `trust.keys[1].id`, people look for a line."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["line_of"]

_HEADER: Final = re.compile(r"\s*\[+([^\]]+)\]")
_KEY: Final = re.compile(r"\s*([\w.\"'-]+)\s*=")
_ENTRY: Final = re.compile(r"\[(\d+)\]")


def line_of(text: str, spot: str) -> int:
    """Return the line, counted from 1, whose table or key leads furthest towards a spot; 1 where none does.

    "[1]" in it is an entry of a list, "[...]" one of a table, whatever its name.
    """
    wanted = [name for name in _ENTRY.sub("", spot).replace("[...]", ".*").split(".") if name]
    entry = _ENTRY.search(spot)
    best, found, table = 1, list[int](), list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header and not key:
            table = _names(header[1])
        path = table + (_names(key[1]) if key else [])
        agreeing = _agreeing(path, wanted)
        if (header or key) and agreeing > best:
            best, found = agreeing, []
        if (header or key) and agreeing == best:
            found.append(number)
    return found[min(int(entry[1]) if entry else 0, len(found) - 1)] if found else 1


def _agreeing(path: Sequence[str], wanted: Sequence[str]) -> int:
    """Return how many names of a path agree, from its start; 0 where it leads elsewhere."""
    agreeing = sum(1 for _ in takewhile(lambda pair: pair[1] in {pair[0], "*"}, zip(path, wanted, strict=False)))
    return agreeing if agreeing == min(len(path), len(wanted)) else 0


def _names(dotted: str) -> list[str]:
    return [name.strip(" \"'") for name in dotted.split(".")]
