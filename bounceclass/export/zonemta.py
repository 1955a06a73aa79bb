"""ZoneMTA's bounce rules: a line each, `regex,action,category,message`, the first that matches wins.

    ^550.*no such user,reject,recipient,User unknown

Source: lib/bounces.js and the head of config/bounces.txt. The expression ends at the first comma, so
it may hold none; it is JavaScript's, ignores case, and is asked of the reply with its blanks folded
and repeated codes dropped. The action decides whether ZoneMTA tries again, so a rule that leaves
this to the reply makes two lines: one for replies of class 4, one for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.export.patterns import Dialect
from bounceclass.export.rows import Export, Row, Target, head, rows
from bounceclass.model import Permanence, Reason
from bounceclass.translate import action_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bounceclass.packs import Pack, Rule

__all__ = ["TARGET", "export"]

TARGET: Final = Target("zonemta", Dialect(coded={",": r"\x2c"}), "other")

_ABOUT: Final = ("Put it in the place of config/bounces.txt, or before its rules.",)
_FOR_NOW: Final = r"^(?=4|\d\d\d[\s-]+4\.)"
"""A reply of class 4, or one that contradicts itself: both are transient."""


def export(packs: Sequence[Pack]) -> Export:
    """Return packs as the text of a bounces.txt."""
    kept, left = rows(packs, TARGET)
    lines = [*head(TARGET, kept, left, _ABOUT), ""]
    for row in kept:
        lines += [f"# {row.name}", *_lines(row)]
    return Export({"bounces.txt": "\n".join([*lines, ""])}, kept, left)


def _lines(row: Row) -> Iterator[str]:
    reason = Reason(row.rule.reason)
    message = row.rule.reason.replace("-", " ").capitalize()
    for permanence, pattern in _by_permanence(row.rule, row.expression.pattern):
        yield f"{pattern},{action_of(reason, permanence)},{row.label},{message}"


def _by_permanence(rule: Rule, pattern: str) -> Iterator[tuple[Permanence, str]]:
    """Split a rule by what the reply says, unless the rule or its reason says it."""
    reason = Reason(rule.reason)
    if rule.permanence is not None:
        yield Permanence(rule.permanence), pattern
        return
    if action_of(reason, Permanence.TRANSIENT) != action_of(reason, Permanence.PERMANENT):
        yield Permanence.TRANSIENT, rf"{_FOR_NOW}(?=.*(?:{pattern}))"
    yield Permanence.PERMANENT, pattern
