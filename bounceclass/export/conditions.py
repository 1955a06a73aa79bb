"""A rule of ours as one regular expression: all of its conditions at once, or by name those that are lost.

Engines that look ahead get one assertion a condition; the others what `orders.py` can make of it. An
expression never says more than the rule, unless `Expression.wider` says that it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.export.orders import Conditions, Expression, in_every_order, write_words
from bounceclass.export.patterns import Dialect, Inexpressible, either, write_pattern
from bounceclass.knowledge import advice_table
from bounceclass.model import Advice, Permanence, Reason, Scope
from bounceclass.packs import status_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bounceclass.packs import Pack, Provider, Rule

__all__ = ["express", "guard"]


def express(rule: Rule, pack: Pack, providers: Mapping[str, Provider], dialect: Dialect) -> Expression:
    """Return a rule as an expression; raises Inexpressible, with the reason, where nothing safe is left of it."""
    _refuse_what_is_not_in_the_text(rule)
    words: tuple[str, ...] = ()
    if rule.provider is not None:
        words = providers[rule.provider].words if rule.provider in providers else ()
        if not words:
            msg = f"provider {rule.provider} is known by its hosts only, and the text doesn't hold them"
            raise Inexpressible(msg)
    refused = rule.none
    narrower = (f"provider {rule.provider}: only where its own words stand {'in the reply' if dialect.lookaround else 'behind its phrases'}",) if words else ()
    if dialect.lookaround:
        refused = (*refused, *(word for name in rule.guards for word in pack.guards.get(name, ())))
    elif rule.guards:
        narrower = (*narrower, f"guards {', '.join(rule.guards)}: taken by a line before it, and no later rule is asked")
    phrases = [one for one in (rule.any, *((word,) for word in rule.all)) if one]
    conditions = Conditions(_head(rule, dialect), phrases, rule.pattern, words, refused, _suppresses(rule))
    found = _looking_ahead(conditions, dialect) if dialect.lookaround else in_every_order(conditions, dialect)
    return msgspec.structs.replace(found, narrower=(*narrower, *found.narrower), unsaid=_unsaid(rule))


def guard(pack: Pack, name: str, dialect: Dialect) -> str:
    """Return what finds a guard's words: where nothing looks ahead, one shield for all rules that name it."""
    return write_words(pack.guards[name], dialect)


def _refuse_what_is_not_in_the_text(rule: Rule) -> None:
    if rule.label:
        msg = "a label is an ESP's own word: only replies are classified there"
        raise Inexpressible(msg)
    if rule.kind:
        msg = f"kind {rule.kind}: only replies are classified there"
        raise Inexpressible(msg)
    if rule.command:
        msg = f"command {', '.join(rule.command)}: the phase is not in the text"
        raise Inexpressible(msg)


def _suppresses(rule: Rule) -> bool:
    """Tell whether a rule, believed once, ends the mail to an address or a domain: what it refuses then matters."""
    reason = Reason(rule.reason)
    scope = Scope(rule.scope) if rule.scope else advice_table().scope(reason, final=True, own=False)
    permanence = Permanence(rule.permanence) if rule.permanence else Permanence.PERMANENT
    return advice_table().advice(reason, scope, permanence, 1.0) is Advice.SUPPRESS


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
    code = either([str(code) for code in rule.reply]) if rule.reply else r"\d\d\d"
    head = rf"{dialect.start}{code}\b"
    if rule.status:
        statuses = either([_status(text) for text in rule.status])
        head += rf"[\s-]+[#(\[]?{statuses}\b"
    return head


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
            parts.append(either([str(number) for number in range(first, last + 1)]))
    return r"\.".join(parts)


def _looking_ahead(conditions: Conditions, dialect: Dialect) -> Expression:
    """Write one assertion for each condition, from the start of the reply on."""
    needed = [write_words(one, dialect) for one in (*conditions.phrases, conditions.words) if one]
    if conditions.pattern is not None:
        needed.append(f"(?:{write_pattern(conditions.pattern, dialect)})")
    if len(needed) == 1 and not conditions.head and not conditions.refused:
        return Expression(needed[0])
    if not needed and not conditions.refused:
        return Expression(conditions.head)
    looks = [f"(?={conditions.head})"] if conditions.head else []
    looks += [f"(?=.*{one})" for one in needed]
    if conditions.refused:
        looks.append(f"(?!.*{write_words(conditions.refused, dialect)})")
    return Expression(dialect.start + "".join(looks))
