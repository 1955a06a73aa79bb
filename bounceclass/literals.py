"""Which of many literals stand in a text, without asking for each.

Two ways that find the same, held to it by a test: an Aho-Corasick automaton where the extra `fast`
(pyahocorasick) is installed, else an index by a rare piece of each literal.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

try:
    import ahocorasick
except ImportError:
    ahocorasick = None

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Automaton", "Pieces", "literals"]

_PIECE: Final = 4
_TRIED: Final = 6
_NONE: Final = (-1, -1)
_FEW: Final = 8


_BUILT: Final[WeakValueDictionary[tuple[str, ...], Automaton | Pieces]] = WeakValueDictionary()


def literals(words: tuple[str, ...]) -> Automaton | Pieces:
    """Return what finds these literals, no two of them equal, the quickest way that is installed; Engines of the same packs share it."""
    found = _BUILT.get(words)
    if found is None:
        found = _BUILT[words] = Pieces(words) if ahocorasick is None else Automaton(words)
    return found


class Automaton:
    """All literals in one pass over the text; a second for those that are not ASCII, where the text isn't.

    Each is built when it is first worth it: to ask for every literal in a few texts takes less, and a command that reads one line ends there.
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        """Take the literals."""
        self._words = words
        self._texts = 0

    @cached_property
    def _ascii(self) -> ahocorasick.Automaton | None:
        return _automaton((place, word) for place, word in enumerate(self._words) if word.isascii())

    @cached_property
    def _others(self) -> ahocorasick.Automaton | None:
        return _automaton((place, word) for place, word in enumerate(self._words) if not word.isascii())

    def within(self, text: str) -> set[int]:
        """Return the places, in the words given, of those that stand in a text."""
        if self._texts < _FEW:
            self._texts += 1
            return {place for place, word in enumerate(self._words) if word in text}
        found = {place for _, place in self._ascii.iter(text)} if self._ascii else set()
        if not text.isascii() and self._others:
            found.update([place for _, place in self._others.iter(text)])
        return found

    def any_within(self, text: str) -> bool:
        """Tell whether one of them stands in a text."""
        return self.first_within(text) >= 0

    def first_within(self, text: str) -> int:
        """Return the offset of the last character of the one that ends first in a text, -1 where none stands in it."""
        first = next(self._ascii.iter(text), _NONE)[0] if self._ascii else -1
        if text.isascii() or not self._others:
            return first
        other = next(self._others.iter(text), _NONE)[0]
        return max(first, other) if first < 0 or other < 0 else min(first, other)


def _automaton(words: Iterable[tuple[int, str]]) -> ahocorasick.Automaton | None:
    """Build one of words and their places, None of no words: an empty one can't be asked."""
    automaton = ahocorasick.Automaton()
    for place, word in words:
        automaton.add_word(word, place)
    automaton.make_automaton()
    return automaton if len(automaton) else None


class Pieces:
    """Only the literals of which four rare characters stand in the text are looked for."""

    def __init__(self, words: tuple[str, ...]) -> None:
        """Enter each literal under the one of a few of its pieces that fewest others stand under."""
        self._words = words
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

    def first_within(self, text: str) -> int:
        """Return the offset of the last character of the one that ends first in a text, -1 where none stands in it."""
        words = map(self._words.__getitem__, self.within(text))
        return min((text.find(word) + len(word) - 1 for word in words), default=-1)
