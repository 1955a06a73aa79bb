"""Patterns that backtrack: what `re` would take minutes for on hostile text.

Refused are an unbounded repeat within an unbounded repeat, and two unbounded repeats in one
sequence that can match the same character. That RE2 compiles a pattern proves nothing about `re`.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, Final

__all__ = ["why_slow"]

# The parser of `re` itself: nothing public gives a pattern's tree.
_constants: Final[Any] = import_module("re._constants")
_parser: Final[Any] = import_module("re._parser")
_ALPHABET: Final = [chr(code) for code in range(128)] + ["é", "한"]
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)
_MANY: Final = 100
"""A repeat that may go beyond this counts as unbounded."""


def why_slow(pattern: str) -> str | None:
    """Return what makes a pattern backtrack, None for a safe one; re.error where it is no pattern."""
    try:
        re.compile(pattern)
    except (OverflowError, RecursionError) as error:  # a repeat of 10 ** 50, brackets a thousand deep
        raise re.error(str(error), pattern) from error
    return _sequence(_parser.parse(pattern))


def _sequence(items: Any) -> str | None:  # noqa: ANN401  the parser's tree is untyped
    unbounded: list[set[str]] = []
    for item in items:
        for body in _bodies(item):
            fault = _sequence(body)
            if fault:
                return fault
        repeats = item[0] in _REPEATS and item[1][1] > _MANY
        if repeats and _has_unbounded(item[1][2]):
            return "an unbounded repeat within an unbounded repeat"
        if repeats or _has_unbounded([item]):
            chars = _chars([item])
            if any(chars & other for other in unbounded):
                return "two unbounded repeats that match the same characters"
            unbounded.append(chars)
    return None


def _bodies(item: Any) -> list[Any]:  # noqa: ANN401  as above
    op, value = item
    if op in _REPEATS:
        return [value[2]]
    if op is _constants.SUBPATTERN:
        return [value[-1]]
    if op is _constants.BRANCH:
        return list(value[1])
    if op in (_constants.ASSERT, _constants.ASSERT_NOT):
        return [value[1]]
    return []


def _has_unbounded(items: Any) -> bool:  # noqa: ANN401  as above
    return any((item[0] in _REPEATS and item[1][1] > _MANY) or any(_has_unbounded(body) for body in _bodies(item)) for item in items)


def _chars(items: Any) -> set[str]:  # noqa: ANN401  as above
    """Return which characters of a small alphabet any part of a sequence can match."""
    found: set[str] = set()
    for item in items:
        op, value = item
        if op is _constants.ANY:
            return set(_ALPHABET)
        if op is _constants.LITERAL:
            found.add(chr(value))
        elif op is _constants.NOT_LITERAL:
            found |= set(_ALPHABET) - {chr(value)}
        elif op is _constants.IN:
            found |= _class(value)
        else:
            for body in _bodies(item):
                found |= _chars(body)
    return found


def _class(items: Any) -> set[str]:  # noqa: ANN401  as above
    negated = items[0][0] is _constants.NEGATE
    found: set[str] = set()
    for op, value in items:
        if op is _constants.LITERAL:
            found.add(chr(value))
        elif op is _constants.RANGE:
            found |= {char for char in _ALPHABET if value[0] <= ord(char) <= value[1]}
        elif op is _constants.CATEGORY:
            found |= {char for char in _ALPHABET if _CATEGORIES[value].match(char)}
    return set(_ALPHABET) - found if negated else found


_CATEGORIES: Final = {
    _constants.CATEGORY_DIGIT: re.compile(r"\d"),
    _constants.CATEGORY_NOT_DIGIT: re.compile(r"\D"),
    _constants.CATEGORY_SPACE: re.compile(r"\s"),
    _constants.CATEGORY_NOT_SPACE: re.compile(r"\S"),
    _constants.CATEGORY_WORD: re.compile(r"\w"),
    _constants.CATEGORY_NOT_WORD: re.compile(r"\W"),
}
