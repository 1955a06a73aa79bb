"""Which texts a pattern can match, as far as that can be told: whether it makes the phrases beside it needless."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from bounceclass.export.patterns import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["always_holds"]

# The parser of `re` itself: nothing public gives a pattern's tree.
_constants: Final[Any] = import_module("re._constants")
_parser: Final[Any] = import_module("re._parser")


def always_holds(pattern: str, literals: Sequence[str]) -> bool:
    """Tell whether whatever a rule's pattern matches holds one of some literals; False where that can't be told."""
    return _always_holds(_parser.parse(masked(pattern)), [masked(text) for text in literals])


def _always_holds(items: Any, literals: Sequence[str]) -> bool:  # noqa: ANN401  the parser's tree is untyped
    found = {""}
    for item in items:
        texts = _texts([item])
        if texts is not None and len(found) * len(texts) <= _MOST:
            found = {text + more for text in found for more in texts}
            continue
        if _each_has_one(found, literals) or _inner_holds(item, literals):
            return True
        found = {""}
    return _each_has_one(found, literals)


def _inner_holds(item: Any, literals: Sequence[str]) -> bool:  # noqa: ANN401  as above
    op, value = item
    if op is _constants.SUBPATTERN:
        return _always_holds(value[-1], literals)
    return op is _constants.BRANCH and all(_always_holds(branch, literals) for branch in value[1])


def _each_has_one(texts: set[str], literals: Sequence[str]) -> bool:
    return all(any(literal in text for literal in literals) for text in texts)


_MOST: Final = 500
"""Texts that are followed at once."""


def _texts(items: Any) -> set[str] | None:  # noqa: ANN401  as above
    """Return every text that a sequence matches, None where they are too many to tell."""
    found = {""}
    for op, value in items:
        texts = _ENUMERATED[op](value) if op in _ENUMERATED else None
        if texts is None or len(found) * len(texts) > _MOST:
            return None
        found = {text + more for text in found for more in texts}
    return found


def _of_branches(value: Any) -> set[str] | None:  # noqa: ANN401  as above
    branches = [_texts(branch) for branch in value[1]]
    return None if None in branches else {text for branch in branches for text in branch or ()}


def _of_class(value: Any) -> set[str] | None:  # noqa: ANN401  as above
    return {chr(one) for _, one in value} if all(kind is _constants.LITERAL for kind, _ in value) else None


def _of_repeat(value: Any) -> set[str] | None:  # noqa: ANN401  as above
    inner = _texts(value[2]) if value[:2] == (0, 1) else None
    return None if inner is None else inner | {""}


_ENUMERATED: Final[dict[Any, Callable[[Any], set[str] | None]]] = {
    _constants.LITERAL: lambda value: {chr(value)},
    _constants.AT: lambda _: {""},
    _constants.SUBPATTERN: lambda value: _texts(value[-1]),
    _constants.BRANCH: _of_branches,
    _constants.IN: _of_class,
    _constants.MAX_REPEAT: _of_repeat,
}
