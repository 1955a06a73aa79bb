"""A rule of ours as one regular expression: all of its conditions at once, or by name those that are lost.

Engines that look ahead get one assertion a condition. Those that don't (Rust's `regex`, RE2) get the
phrases in every order, and a refusal as a *shield*: an expression that is asked before the rule's
own, finds what the rule refuses, and gives the label of what nobody knows.

An expression never says more than the rule, unless `Expression.wider` says that it does.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.export.patterns import Dialect, Inexpressible, write_literal, write_pattern
from bounceclass.packs import status_range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bounceclass.packs import Pack, Provider, Rule

__all__ = ["Expression", "express"]


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


def express(rule: Rule, pack: Pack, providers: Mapping[str, Provider], dialect: Dialect) -> Expression:
    """Return a rule as an expression; raises Inexpressible, with the reason, where nothing safe is left of it."""
    _refuse_what_is_not_in_the_text(rule)
    words: tuple[str, ...] = ()
    if rule.provider is not None:
        words = providers[rule.provider].words if rule.provider in providers else ()
        if not words:
            raise Inexpressible(f"provider {rule.provider} is known by its hosts only, and the text doesn't hold them")  # noqa: EM102
    refused = (*rule.none, *(word for guard in rule.guards for word in pack.guards.get(guard, ())))
    sets = [list(one) for one in (rule.any, *((word,) for word in rule.all), words) if one]
    narrower = (f"provider {rule.provider}: only where its own words stand in the reply",) if words else ()
    make = _looking_ahead if dialect.lookaround else _in_every_order
    found = make(_head(rule, dialect), sets, rule.pattern, refused, dialect)
    return msgspec.structs.replace(found, narrower=(*narrower, *found.narrower), unsaid=_unsaid(rule))


def _refuse_what_is_not_in_the_text(rule: Rule) -> None:
    if rule.kind:
        raise Inexpressible(f"kind {rule.kind}: only replies are classified there")  # noqa: EM102
    if rule.command:
        raise Inexpressible(f"command {', '.join(rule.command)}: the phase is not in the text")  # noqa: EM102


def _unsaid(rule: Rule) -> tuple[str, ...]:
    """Name what a rule states and a label can't."""
    stated = [key for key in ("permanence", "scope", "confidence", "details") if getattr(rule, key) is not None]
    if rule.pattern and "(?P<" in rule.pattern:
        stated.append("details that its pattern finds")
    return (f"not carried over: {', '.join(stated)}",) if stated else ()


def _head(rule: Rule, dialect: Dialect) -> str:
    """Write the conditions on codes, which stand at the head of a reply; "" where there are none."""
    if not (rule.reply or rule.status):
        return ""
    code = _either([str(code) for code in rule.reply]) if rule.reply else r"\d\d\d"
    head = rf"{dialect.start}{code}\b"
    if rule.status:
        statuses = _either([_status(text) for text in rule.status])
        head += rf"[\s-]+[#(\[]?{statuses}\b"
    return head


def _either(alternatives: Sequence[str]) -> str:
    return alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"


_ANY: Final = 999


def _status(text: str) -> str:
    """Write "5.1.1", "x.1.1", "5.7.*" or "5.7.606-5.7.649" as a pattern."""
    low, high = status_range(text)
    parts = []
    for place, (first, last) in enumerate(zip(low, high, strict=True)):
        if first == last:
            parts.append(str(first))
        elif last == _ANY:
            parts.append("[245]" if place == 0 else r"\d+")
        else:
            parts.append(_either([str(number) for number in range(first, last + 1)]))
    return r"\.".join(parts)


def _words(texts: Sequence[str], dialect: Dialect) -> str:
    return _either([write_literal(text, dialect) for text in texts])


def _looking_ahead(head: str, sets: list[list[str]], pattern: str | None, refused: Sequence[str], dialect: Dialect) -> Expression:
    """Write one assertion for each condition, from the start of the reply on."""
    needed = [_words(one, dialect) for one in sets]
    if pattern is not None:
        needed.append(f"(?:{write_pattern(pattern, dialect)})")
    if len(needed) == 1 and not head and not refused:
        return Expression(needed[0])
    looks = [f"(?=.*{one})" for one in needed]
    if refused:
        looks.append(f"(?!.*{_words(refused, dialect)})")
    return Expression((head or dialect.start) + "".join(looks))


def _in_every_order(head: str, sets: list[list[str]], pattern: str | None, refused: Sequence[str], dialect: Dialect) -> Expression:
    """Write the phrases in every order, and what is refused as a shield; a pattern stands for the phrases beside it."""
    wider: tuple[str, ...] = ()
    if pattern is None:
        needed, narrower = _together(sets, dialect)
    else:
        needed, narrower = write_pattern(pattern, dialect), ()
        if sets:
            wider = ("its pattern is asked without the phrases beside it",)
    shield = None
    if refused:
        kept, _ = _together([*sets, list(refused)], dialect) if sets else (_apart([needed, _words(refused, dialect)]), ())
        shield = _after(head, kept)
        narrower = (*narrower, "what it refuses is taken by a line before it, and no later rule is asked")
    return Expression(_after(head, needed), shield, narrower, wider)


def _after(head: str, needed: str) -> str:
    if not head:
        return needed
    if not needed:
        return head
    return needed if needed.startswith("^") else f"{head}.*(?:{needed})"


def _together(sets: list[list[str]], dialect: Dialect) -> tuple[str, tuple[str, ...]]:
    """Write that one text of each set stands there, in any order; of two sets they may overlap."""
    written = [_words(one, dialect) for one in sets]
    if len(sets) <= 1:
        return (written[0] if written else ""), ()
    apart = _apart(written)
    if len(sets) > 2:  # noqa: PLR2004  a pair
        return apart, ("its phrases are found only where they don't overlap",)
    joined = sorted({text for left in sets[0] for right in sets[1] for text in _overlaps(left, right)})
    return (f"{apart}|{_words(joined, dialect)}" if joined else apart), ()


def _apart(written: Sequence[str]) -> str:
    return "|".join(".*".join(order) for order in permutations(written))


def _overlaps(left: str, right: str) -> list[str]:
    """Return every text in which two literals share characters: one holds the other, or their ends are common."""
    if left in right or right in left:
        return [max(left, right, key=len)]
    found = []
    for first, second in ((left, right), (right, left)):
        sizes = range(1, min(len(first), len(second)))
        found += [first + second[size:] for size in sizes if first.endswith(second[:size])]
    return found
