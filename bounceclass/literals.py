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
    from collections.abc import Sequence

__all__ = ["Automaton", "Pieces", "literals"]

_PIECE: Final = 4
_TRIED: Final = 6


def literals(words: Sequence[str]) -> Automaton | Pieces:
    """Return what finds these literals, no two of them equal, the quickest way that is installed."""
    return Pieces(words) if ahocorasick is None else Automaton(words)


class Automaton:
    """All literals in one pass over the text."""

    def __init__(self, words: Sequence[str]) -> None:
        """Build the automaton."""
        self._automaton = ahocorasick.Automaton()
        for place, word in enumerate(words):
            self._automaton.add_word(word, place)
        self._automaton.make_automaton()
        self._empty = not words

    def within(self, text: str) -> set[int]:
        """Return the places, in the words given, of those that stand in a text."""
        return set() if self._empty else {place for _, place in self._automaton.iter(text)}

    def any_within(self, text: str) -> bool:
        """Tell whether one of them stands in a text."""
        return not self._empty and next(self._automaton.iter(text), None) is not None


class Pieces:
    """Only the literals of which four rare characters stand in the text are looked for."""

    def __init__(self, words: Sequence[str]) -> None:
        """Enter each literal under the one of a few of its pieces that fewest others stand under."""
        self._by_piece: dict[str, list[tuple[str, int]]] = {}
        self._short: list[tuple[str, int]] = []
        for place, word in enumerate(words):
            last = len(word) - _PIECE
            if last < 0:
                self._short.append((word, place))
                continue
            pieces = (word[start : start + _PIECE] for start in range(0, last + 1, max(1, last // _TRIED)))
            rare = min(pieces, key=lambda piece: len(self._by_piece.get(piece, ())))
            self._by_piece.setdefault(rare, []).append((word, place))

    def within(self, text: str) -> set[int]:
        """Return the places, in the words given, of those that stand in a text."""
        found = {place for word, place in self._short if word in text}
        for piece in self._by_piece.keys() & {text[start : start + _PIECE] for start in range(len(text) - _PIECE + 1)}:
            found.update(place for word, place in self._by_piece[piece] if word in text)
        return found

    def any_within(self, text: str) -> bool:
        """Tell whether one of them stands in a text."""
        return bool(self.within(text))
