"""All conditions of a rule for engines that don't look ahead (Rust's `regex`, RE2): phrases in every order.

What a rule refuses can't be said there. Where the rule would end the mail to an address or a domain, a
*shield* says it: an expression that is asked before the rule's own, finds a phrase of the rule beside
a refused one, and gives the label of what nobody knows. Elsewhere the refusal is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.export.patterns import Dialect, Inexpressible, either, write_literal, write_pattern
from bounceclass.export.texts import always_holds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Conditions", "Expression", "in_every_order", "write_words"]


class Expression(msgspec.Struct, frozen=True):
    """A rule in another engine's words.

    `shield` refuses, and is asked first; `narrower` names what the expression doesn't find though the
    rule would, `wider` what it finds though the rule would not, `unsaid` what is lost beside the label.
    """

    pattern: str
    shield: str | None = None
    narrower: tuple[str, ...] = ()
    wider: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()


class Conditions(msgspec.Struct, frozen=True):
    """What a rule asks of a text: `head` is a pattern of its codes, of each set of `phrases` one must stand there.

    `words` are the provider's, of which one must stand there too; `suppresses` tells whether the rule,
    believed once, ends the mail to somebody.
    """

    head: str
    phrases: Sequence[Sequence[str]]
    pattern: str | None
    words: Sequence[str]
    refused: Sequence[str]
    suppresses: bool


def write_words(texts: Sequence[str], dialect: Dialect) -> str:
    """Return a pattern that finds any of some literals."""
    if dialect.widest is None:
        return either([write_literal(text, dialect) for text in texts])
    fewest = [text for text in dict.fromkeys(texts) if not any(other in text for other in texts if other != text)]
    return _shortest([tuple(_CHARACTER.findall(text)) for text in fewest], dialect)


_CHARACTER: Final = re.compile(r"<addr>|<ip>|.", re.DOTALL)
"""One character, or one mask."""


_LEAST: Final = 4
"""Characters of an end that is worth to be written once."""
_TRIED: Final = 60


def _shortest(texts: Sequence[tuple[str, ...]], dialect: Dialect) -> str:
    """Write texts so that an end that several have stands once, then beginnings, where that is shorter."""
    rest, parts = list(texts), []
    ends = Counter(text[place:] for text in texts for place in range(1, len(text) - _LEAST + 1))
    several = sorted((end for end, count in ends.items() if count > 1), key=lambda end: (-len(end) * ends[end], end))
    for end in several[:_TRIED]:
        ending = [text for text in rest if len(text) > len(end) and text[-len(end) :] == end]
        if len(ending) > 1:
            others = [text for text in rest if text not in ending]
            part = _shortest([text[: -len(end)] for text in ending], dialect) + _grouped([end], dialect)
            if len(part) + len(_grouped(others, dialect)) < len(_grouped(rest, dialect)):
                parts.append(part)
                rest = others
    return either([*parts, *([_grouped(rest, dialect)] if rest else [])])


def _grouped(texts: Iterable[Sequence[str]], dialect: Dialect) -> str:
    """Write texts so that those with one beginning share it, where an engine counts every character."""
    shared: dict[str, list[Sequence[str]]] = {}
    for text in texts:
        shared.setdefault(text[0] if text else "", []).append(text[1:])
    written = []
    for first, rests in shared.items():
        tail = _grouped(rests, dialect) if any(rests) else ""
        written.append(write_literal(first, dialect) + tail)
    return either(written)


def in_every_order(conditions: Conditions, dialect: Dialect) -> Expression:
    """Write the phrases in every order, the provider's words behind them, and what is refused as a shield."""
    head, sets = conditions.head, conditions.phrases
    narrower: tuple[str, ...] = ()
    wider: tuple[str, ...] = ()
    if conditions.pattern is None:
        needed, narrower = _together(sets, dialect)
    else:
        needed = write_pattern(conditions.pattern, dialect)
        if needed != write_pattern(conditions.pattern, msgspec.structs.replace(dialect, widest=None)):
            wider = ("gaps in its pattern may be of any length",)
        left = [one for one in sets if not always_holds(conditions.pattern, one)]
        if left:
            needed = _apart([*(write_words(one, dialect) for one in left), f"(?:{needed})"], dialect)
            narrower = ("its pattern is found only beside its phrases, not across them",)
    shield = None
    if conditions.refused and conditions.suppresses:
        narrower = (*narrower, "what it refuses is taken by a line before it, and no later rule is asked")
        shield = _after(head, _refused(sets, needed, conditions.refused, dialect), dialect)
    elif conditions.refused:
        wider = (*wider, "what it refuses is not asked, for it suppresses nobody")
    if conditions.words:
        needed = _followed(sets, needed, conditions, dialect)
    return Expression(_after(head, needed, dialect), shield, narrower, wider)


def _refused(sets: Sequence[Sequence[str]], needed: str, refused: Sequence[str], dialect: Dialect) -> str:
    if sets:
        return _together([sets[0], refused], dialect)[0]
    return _apart([f"(?:{needed})", write_words(refused, dialect)], dialect)


def _followed(sets: Sequence[Sequence[str]], needed: str, conditions: Conditions, dialect: Dialect) -> str:
    """Write that the provider's words stand behind what is needed, or within a phrase that is all that is needed."""
    behind = write_words(conditions.words, dialect)
    if not needed:
        return behind
    if conditions.pattern is not None or len(sets) != 1:
        return f"(?:{needed}){dialect.any_character}*{behind}"
    whole = [text for text in sets[0] if any(word in text for word in conditions.words)]
    rest = [text for text in sets[0] if text not in whole]
    parts = [write_words(whole, dialect)] if whole else []
    return "|".join([*parts, *([f"{write_words(rest, dialect)}{dialect.any_character}*{behind}"] if rest else [])])


def _after(head: str, needed: str, dialect: Dialect) -> str:
    """Write that something stands behind the codes of a reply; a pattern that begins with the code itself needs no other."""
    if not (head and needed):
        return head or needed
    if needed.startswith("^"):
        if needed[1:4] in head:
            return needed
        msg = "its pattern is bound to the reply's start beside conditions on its codes"
        raise Inexpressible(msg)
    return f"{head}{dialect.any_character}*(?:{needed})"


def _together(sets: Sequence[Sequence[str]], dialect: Dialect) -> tuple[str, tuple[str, ...]]:
    """Write that one text of each set stands there, in any order; of two sets they may overlap."""
    if len(sets) <= 1:
        return (write_words(sets[0], dialect) if sets else ""), ()
    if len(sets) > 2:  # noqa: PLR2004  a pair
        return _apart([write_words(one, dialect) for one in sets], dialect), ("its phrases are found only where they don't overlap",)
    left, right = sets
    whole = [text for text in left if any(other in text for other in right)]  # these hold the other set's by themselves
    rest = [text for text in left if text not in whole]
    joined = sorted({text for one in rest for other in right for text in _overlaps(one, other)})
    parts = [_apart([write_words(rest, dialect), write_words(right, dialect)], dialect)] if rest else []
    return "|".join([*([write_words([*whole, *joined], dialect)] if whole or joined else []), *parts]), ()


def _apart(written: Sequence[str], dialect: Dialect) -> str:
    return "|".join(f"{dialect.any_character}*".join(order) for order in permutations(written))


def _overlaps(left: str, right: str) -> list[str]:
    """Return every text in which two literals share whole words: one holds the other, or the end of one begins the other."""
    if left in right or right in left:
        return [max(left, right, key=len)]
    found = []
    for first, second in ((left, right), (right, left)):
        for size in range(1, min(len(first), len(second))):
            between_words = not (first[-size - 1].isalnum() or second[size].isalnum())
            if between_words and first.endswith(second[:size]):
                found.append(first + second[size:])
    return found
