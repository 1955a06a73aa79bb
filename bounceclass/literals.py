"""Which of many literals stand in a text, without asking for each.

Two ways that find the same, held to it by a test: an Aho-Corasick automaton where the extra `fast`
(pyahocorasick) is installed, else an index by a rare piece of each literal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

try:
    import ahocorasick
except ImportError:
    ahocorasick = None

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Automaton", "Pieces", "literals"]

_PIECE: Final = 4
_TRIED: Final = 6


def literals(rows: Iterable[tuple[str, int]]) -> Automaton | Pieces:
    """Return what finds literals, each given with the number that stands for it, the quickest way that is installed."""
    by_literal: dict[str, list[int]] = {}
    for literal, number in rows:
        by_literal.setdefault(literal, []).append(number)
    return Pieces(by_literal) if ahocorasick is None else Automaton(by_literal)


class Automaton:
    """All literals in one pass over the text."""

    def __init__(self, by_literal: Mapping[str, Sequence[int]]) -> None:
        """Build the automaton."""
        self._automaton = ahocorasick.Automaton()
        for literal, numbers in by_literal.items():
            self._automaton.add_word(literal, tuple(numbers))
        self._automaton.make_automaton()
        self._empty = not by_literal

    def within(self, text: str) -> set[int]:
        """Return the numbers of the literals that stand in a text."""
        found: set[int] = set()
        if not self._empty:
            for _, numbers in self._automaton.iter(text):
                found.update(numbers)
        return found


class Pieces:
    """Only the literals of which four rare characters stand in the text are looked for."""

    def __init__(self, by_literal: Mapping[str, Sequence[int]]) -> None:
        """Enter each literal under the one of a few of its pieces that fewest others stand under."""
        self._by_piece: dict[str, list[tuple[str, Sequence[int]]]] = {}
        self._short: list[tuple[str, Sequence[int]]] = []
        for literal, numbers in by_literal.items():
            last = len(literal) - _PIECE
            if last < 0:
                self._short.append((literal, numbers))
                continue
            pieces = (literal[start : start + _PIECE] for start in range(0, last + 1, max(1, last // _TRIED)))
            rare = min(pieces, key=lambda piece: len(self._by_piece.get(piece, ())))
            self._by_piece.setdefault(rare, []).append((literal, numbers))

    def within(self, text: str) -> set[int]:
        """Return the numbers of the literals that stand in a text."""
        found = {number for literal, numbers in self._short if literal in text for number in numbers}
        for piece in self._by_piece.keys() & {text[place : place + _PIECE] for place in range(len(text) - _PIECE + 1)}:
            for literal, numbers in self._by_piece[piece]:
                if literal in text:
                    found.update(numbers)
        return found
