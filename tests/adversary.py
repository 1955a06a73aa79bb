"""Texts that patterns backtrack on, made from the patterns' own pieces.

Of a pattern are taken its literals, a character of each class and, of each repeat, as much as it takes;
what is made so matches but for its end, is repeated, and begins anew at every piece of it.
"""

from __future__ import annotations

import re
import time
from functools import cache
from importlib import import_module
from typing import Any, Final

from bounceclass.packs import load_ours

__all__ = ["LONGEST", "seconds_of", "slow_texts", "texts_against"]

LONGEST: Final = 2048
"""Characters that rules are run on."""
_constants: Final[Any] = import_module("re._constants")
_parser: Final[Any] = import_module("re._parser")
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
_CATEGORY: Final = {_constants.CATEGORY_DIGIT: "5", _constants.CATEGORY_SPACE: " ", _constants.CATEGORY_WORD: "a"}
_CHARACTERS: Final = "a5 .-@<é\n"


def texts_against(pattern: str, longest: int = LONGEST) -> list[str]:
    """Return texts of `longest` characters that begin to match a pattern, again and again, and never do."""
    tree = _parser.parse(pattern)
    found = []
    for many in (1, 8, 70, 4000):
        for branch in (0, -1):
            whole = _text(tree, many, branch)[:longest]
            if not whole:
                continue
            pieces = {whole, whole[:-1], whole[:-1] + "\x01", whole[: len(whole) // 2], whole[0]}
            found += [(piece * (longest // len(piece) + 1))[:longest] for piece in pieces if piece]
            found += [whole[:-1] + (whole[-2:-1] or "a") * (longest - len(whole))]
    return list(dict.fromkeys(found))


def _text(items: Any, many: int, branch: int) -> str:
    return "".join(_piece(op, value, many, branch) for op, value in items)


def _piece(op: Any, value: Any, many: int, branch: int) -> str:  # noqa: PLR0911  one line for each kind of node
    if op in _REPEATS:
        low, high, body = value
        return _text(body, many, branch) * max(int(low), min(int(high), many))
    if op is _constants.LITERAL:
        return chr(value)
    if op is _constants.IN:
        return _of_class(value)
    if op is _constants.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    if op is _constants.ANY:
        return "a"
    if op is _constants.SUBPATTERN:
        return _text(value[-1], many, branch)
    if op is _constants.BRANCH:
        return _text(value[1][branch], many, branch)
    return ""


def _of_class(items: Any) -> str:
    if items[0][0] is _constants.NEGATE:
        return next((char for char in _CHARACTERS if char != "\n" and not _within(char, items[1:])), "z")
    op, value = items[0]
    if op is _constants.LITERAL:
        return chr(value)
    return chr(value[0]) if op is _constants.RANGE else _CATEGORY.get(value, "!")


def _within(char: str, items: Any) -> bool:
    for op, value in items:
        if (op is _constants.LITERAL and ord(char) == value) or (op is _constants.RANGE and value[0] <= ord(char) <= value[1]):
            return True
        if op is _constants.CATEGORY and _CATEGORY.get(value) == char:
            return True
    return False


def seconds_of(pattern: re.Pattern[str], text: str) -> float:
    """Return the CPU time of one search."""
    begin = time.process_time()
    pattern.search(text)
    return time.process_time() - begin


@cache
def slow_texts() -> list[str]:
    """Return, for each pattern of our packs, the text it takes longest for, its rule's phrases before it; the slowest first."""
    found = []
    for pack in load_ours():
        for rule in pack.rules.values():
            if rule.pattern and not rule.kind:
                pattern, lead = re.compile(rule.pattern), " ".join((*rule.any[:1], *rule.all)) + " "
                text = max(texts_against(rule.pattern), key=lambda one: seconds_of(pattern, one))
                found.append((seconds_of(pattern, text), lead + text))
    return [text for _, text in sorted(found, reverse=True)]
