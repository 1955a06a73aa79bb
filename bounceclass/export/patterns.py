r"""A pattern of ours in another engine's words.

Rules see normalised text, others the reply as it came, so besides the syntax these change:

    a blank           `\s`, as many as there are
    <addr> and <ip>   patterns of an address and of an IP
    named groups      plain ones: nobody else fills details

A pattern is parsed by `re` and written anew; what the engine can't do raises Inexpressible.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Dialect", "Inexpressible", "either", "masked", "write_literal", "write_pattern"]

# The parser of `re` itself: nothing public gives a pattern's tree.
_constants: Final[Any] = import_module("re._constants")
_parser: Final[Any] = import_module("re._parser")

_ADDR, _IP, _BLANK = "\ue000", "\ue001", " "
_MASKS: Final = {
    _ADDR: r"<?[^\s<>@]+@[^\s<>@]+>?",
    _IP: r"(?:\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|[0-9a-f]{0,4}:[0-9a-f]{0,4}:[0-9a-f:.]{0,38})",
}
_MASKED: Final = re.compile(r"(?<!\?P)<(addr|ip)>")


class Inexpressible(Exception):  # noqa: N818  no error: the caller names what is left out
    """An engine can't say this; the text says what."""


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    r"""What a regular expression of other software may hold.

    `start` is where a reply begins in the text that it sees, `blank` what stands for a blank of ours
    outside a class, `coded` the characters that its file format forbids and how they are spelt,
    `lookaround` whether it looks ahead and behind, `widest` the longest bounded repeat that it can
    afford (a longer one is written without bound), `ascii` whether the
    engine is told to take letters for ASCII (Rust's `(?-u)`), so that what may be any character says so.
    """

    start: str = "^"
    blank: str = r"\s+"
    coded: dict[str, str] = {}
    lookaround: bool = True
    widest: int | None = None
    ascii: bool = False

    @property
    def any_character(self) -> str:
        """One character, whatever it is."""
        return "(?u:.)" if self.ascii else "."

    @property
    def commas(self) -> bool:
        """Whether a repeat may be written with a comma, as in {2,5}."""
        return "," not in self.coded


def write_literal(text: str, dialect: Dialect) -> str:
    """Return a pattern that finds a literal of a rule in text as it comes."""
    return "".join(_char(char, dialect) for char in masked(text))


def write_pattern(pattern: str, dialect: Dialect) -> str:
    """Return a rule's pattern for another engine; raises Inexpressible where that can't run it."""
    return _sequence(_parser.parse(masked(pattern)), dialect)


def either(alternatives: Sequence[str]) -> str:
    """Return a pattern of alternatives, in brackets where they are several."""
    return alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"


def masked(text: str) -> str:
    """Return a literal or pattern with each of our masks as one character."""
    return _MASKED.sub(lambda match: _ADDR if match[1] == "addr" else _IP, text)


def _char(char: str, dialect: Dialect) -> str:
    if char in _MASKS:
        return _sequence(_parser.parse(_MASKS[char]), dialect)
    if char == _BLANK:
        return dialect.blank
    written = _coded(char, dialect)
    return f"(?u:{written})" if dialect.ascii and not char.isascii() else written


def _coded(char: str, dialect: Dialect) -> str:
    """Escape a character; one that would end the line is never written as itself."""
    if char < " ":
        return f"\\x{ord(char):02x}"
    return dialect.coded.get(char) or re.escape(char)


def _sequence(items: Any, dialect: Dialect) -> str:  # noqa: ANN401  the parser's tree is untyped
    return "".join(_item(op, value, dialect) for op, value in items)


def _item(op: Any, value: Any, dialect: Dialect) -> str:  # noqa: ANN401  as above
    if op is _constants.LITERAL:
        return _char(chr(value), dialect)
    if op in _SIMPLE:
        return _SIMPLE[op](value, dialect)
    if op in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
        return _repeat(value, dialect, lazy=op is _constants.MIN_REPEAT)
    if op in (_constants.ASSERT, _constants.ASSERT_NOT):
        return _look(value, dialect, negative=op is _constants.ASSERT_NOT)
    msg = f"its pattern holds {str(op).lower()}, which is not portable"
    raise Inexpressible(msg)


def _branch(value: Any, dialect: Dialect) -> str:  # noqa: ANN401  as above
    return "(?:" + "|".join(_sequence(branch, dialect) for branch in value[1]) + ")"


def _group(value: Any, dialect: Dialect) -> str:  # noqa: ANN401  as above
    inner = _sequence(value[-1], dialect)
    return inner if len(value[-1]) == 1 and inner.endswith(")") else f"(?:{inner})"


def _at(value: Any, dialect: Dialect) -> str:  # noqa: ANN401  as above
    return {
        _constants.AT_BEGINNING: dialect.start,
        _constants.AT_END: "$",
        _constants.AT_BOUNDARY: r"\b",
        _constants.AT_NON_BOUNDARY: r"\B",
    }[value]


_CATEGORIES: Final = {
    _constants.CATEGORY_DIGIT: r"\d",
    _constants.CATEGORY_NOT_DIGIT: r"\D",
    _constants.CATEGORY_SPACE: r"\s",
    _constants.CATEGORY_NOT_SPACE: r"\S",
    _constants.CATEGORY_WORD: r"\w",
    _constants.CATEGORY_NOT_WORD: r"\W",
}


def _in(value: Any, dialect: Dialect, *, negate: bool = False) -> str:  # noqa: ANN401  as above
    """Write a character class; `negate` turns it round."""
    parts = []
    for op, one in value:
        if op is _constants.NEGATE:
            negate = not negate
        elif op is _constants.LITERAL:
            parts.append(_in_class(chr(one), dialect))
        elif op is _constants.RANGE:
            parts.append(f"{_in_class(chr(one[0]), dialect)}-{_in_class(chr(one[1]), dialect)}")
        else:
            parts.append(_CATEGORIES[one])
    bare = len(parts) == 1 and not negate and parts[0] in _CATEGORIES.values()
    written = parts[0] if bare else f"[{'^' if negate else ''}{''.join(parts)}]"
    anything = negate or not written.isascii() or any(part[1:] in "DSW" for part in parts if part in _CATEGORIES.values())
    return f"(?u:{written})" if dialect.ascii and anything else written


def _in_class(char: str, dialect: Dialect) -> str:
    if char == _BLANK:
        return r"\s"
    if char in _MASKS:
        msg = "its pattern holds a mask within a class"
        raise Inexpressible(msg)
    return _coded(char, dialect)


_SIMPLE: Final[dict[Any, Callable[[Any, Dialect], str]]] = {
    _constants.NOT_LITERAL: lambda value, dialect: _in([(_constants.LITERAL, value)], dialect, negate=True),
    _constants.ANY: lambda _, dialect: dialect.any_character,
    _constants.IN: _in,
    _constants.BRANCH: _branch,
    _constants.SUBPATTERN: _group,
    _constants.AT: _at,
}


def _repeat(value: Any, dialect: Dialect, *, lazy: bool) -> str:  # noqa: ANN401  as above
    low, high, body = value
    if dialect.widest is not None and high > dialect.widest:
        low, high = min(low, 1), _constants.MAXREPEAT
    one = r"\s" if list(body) == [(_constants.LITERAL, ord(_BLANK))] else _sequence(body, dialect)
    if not _is_atom(body) or (one.startswith("(") and not one.endswith(")")):
        one = f"(?:{one})"
    mark = {(0, 1): "?", (0, _constants.MAXREPEAT): "*", (1, _constants.MAXREPEAT): "+"}.get((low, high))
    if mark is None and low == high:
        mark = f"{{{low}}}"
    if mark is None and dialect.commas:
        mark = f"{{{low},{'' if high is _constants.MAXREPEAT else high}}}"
    if mark is not None:
        return one + mark + ("?" if lazy and mark != f"{{{low}}}" else "")
    start = one * low if low <= 1 else f"{one}{{{low}}}"
    return start + (f"{one}*" if high is _constants.MAXREPEAT else _up_to(one, high - low))


def _is_atom(body: Any) -> bool:  # noqa: ANN401  as above
    """Tell whether a repeat may stand behind it as it is: one character, class or group."""
    if len(body) != 1:
        return False
    op, value = body[0]
    if op is _constants.LITERAL:
        return chr(value) not in _MASKS
    return op in (_constants.IN, _constants.ANY, _constants.NOT_LITERAL, _constants.SUBPATTERN, _constants.BRANCH)


def _up_to(one: str, most: int) -> str:
    """Write `one` up to `most` times without a comma, in one way only for each number, so nothing is tried twice.

    3 is (2)?(1)?, 4 is (1, then up to 3)?, 7 is (4)? and up to 3.
    """
    if most <= 1:
        return f"{one}?" * most
    if most % 2:
        half = most // 2
        return f"(?:{one}{{{half + 1}}})?" + _up_to(one, half)
    return f"(?:{one}{_up_to(one, most - 1)})?"


def _look(value: Any, dialect: Dialect, *, negative: bool) -> str:  # noqa: ANN401  as above
    direction, body = value
    if dialect.lookaround:
        inner = _sequence(body, dialect)
        return f"(?{'<' if direction < 0 else ''}{'!' if negative else '='}{inner})"
    chars = _one_character(body)
    if chars is None or not negative:
        msg = "its pattern looks around itself"
        raise Inexpressible(msg)
    other = _in(chars, dialect, negate=True)
    return f"(?:{'^' if direction < 0 else '$'}|{other})"


def _one_character(body: Any) -> Any:  # noqa: ANN401  as above
    """Return the class that is all of a pattern, None where it is more."""
    if len(body) != 1:
        return None
    op, value = body[0]
    if op is _constants.IN:
        return value
    return [(op, value)] if op is _constants.LITERAL else None
