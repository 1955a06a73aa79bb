r"""What must stand in a text for a pattern to match it: the literals that spare the asking.

    ^Failed to deliver to '<?\S+@\S+>?'     "Failed to deliver to '"
    ^(?:unknown user:|mail for \S)          "unknown user:" or "mail for "

Told from the tree that `re` itself makes of the pattern. Where nothing sure can be told, nothing is.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from bounceclass.literals import literals

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Patterns", "landmarks"]

# The parser of `re` itself: nothing public gives a pattern's tree.
_constants: Final[Any] = import_module("re._constants")
_parser: Final[Any] = import_module("re._parser")
_EVERYWHERE: Final = frozenset("@:. \n")
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)


class Patterns:
    """Many patterns, asked which of them a text may hold at all."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Find their landmarks; raises re.error for what is no pattern."""
        marked: dict[str, set[int]] = {}
        self._unmarked: set[int] = set()
        for place, pattern in enumerate(patterns):
            for mark in (marks := landmarks(pattern)):
                marked.setdefault(mark, set()).add(place)
            self._unmarked |= set() if marks else {place}
        self._literals, self._sets = literals(tuple(marked)), tuple(marked.values())

    def possible(self, text: str) -> list[int]:
        """Return the places, in order, of the patterns that may match somewhere in a text; no other does."""
        return sorted(self._unmarked.union(*[self._sets[number] for number in self._literals.within(text)]))


@cache  # of the patterns of rows
def landmarks(pattern: str) -> frozenset[str]:
    """Return literals one of which stands in whatever the pattern matches; none where that can't be told. Raises re.error where it is no pattern."""
    tree = _parser.parse(pattern)
    found = frozenset() if tree.state.flags & _constants.SRE_FLAG_IGNORECASE else _of_sequence(tree)
    return found if _worth(found) else frozenset()


def _of_sequence(items: Iterable[Any]) -> frozenset[str]:
    """Return the best of what each item of a sequence tells: the one whose shortest literal is the longest."""
    found: list[frozenset[str]] = []
    run = ""
    for op, value in items:
        if op is _constants.LITERAL:
            run += chr(value)
            continue
        if op is _constants.AT:  # takes no room
            continue
        found += (frozenset({run}), _of_item(op, value))
        run = ""
    return max((*found, frozenset({run})), key=_worth)


def _of_item(op: Any, value: Any) -> frozenset[str]:  # noqa: ANN401  the parser's tree is untyped
    if op is _constants.BRANCH:
        branches = [_of_sequence(branch) for branch in value[1]]
        return frozenset().union(*branches) if all(map(_worth, branches)) else frozenset()
    if op is _constants.SUBPATTERN:
        return frozenset() if value[1] & _constants.SRE_FLAG_IGNORECASE else _of_sequence(value[-1])
    if op is _constants.ASSERT:  # what follows, or stands before
        return _of_sequence(value[1])
    return _of_sequence(value[2]) if op in _REPEATS and value[0] > 0 else frozenset()


def _worth(literals: frozenset[str]) -> float:
    """Return the length of the shortest, the likeliest to stand in any text; what stands in every notice is worth less than any other."""
    return min((len(one) - (one in _EVERYWHERE) / 2 for one in literals), default=0)
