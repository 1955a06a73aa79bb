"""All rules of some packs for one target: each with its label, or left out with the reason; nothing is lost unnamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bounceclass.export.conditions import express
from bounceclass.export.orders import Expression  # noqa: TC001  msgspec reads the annotations at run time
from bounceclass.export.patterns import Dialect, Inexpressible
from bounceclass.model import Reason
from bounceclass.translate import word_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bounceclass.packs import Pack, Rule

__all__ = ["Export", "Left", "Row", "Target", "head", "rows"]


class Target(msgspec.Struct, frozen=True):
    """Other software: its name, which is that of its vocabulary too, its dialect, the label of what it doesn't know."""

    name: str
    dialect: Dialect
    nothing: str


class Row(msgspec.Struct, frozen=True):
    """A rule that is carried over: `name` is PACK:RULE."""

    name: str
    pack: Pack
    rule: Rule
    label: str
    expression: Expression

    def losses(self) -> tuple[str, ...]:
        """Return what is lost of it, in words."""
        found = self.expression
        return (*(f"narrower: {text}" for text in found.narrower), *(f"wider: {text}" for text in found.wider), *found.unsaid)


class Left(msgspec.Struct, frozen=True):
    """A rule that is left out, and why."""

    name: str
    why: str


class Export(msgspec.Struct, frozen=True):
    """What an export made: its files by name in the order in which they are asked, and what became of each rule."""

    files: dict[str, str]
    rows: tuple[Row, ...]
    left: tuple[Left, ...]

    def summary(self) -> str:
        """Return the counts in one line."""
        return _summary(self.rows, self.left)

    def losses(self) -> Iterator[str]:
        """Yield a line about each rule that is weakened or dropped."""
        return _losses(self.rows, self.left)


def rows(packs: Sequence[Pack], target: Target) -> tuple[tuple[Row, ...], tuple[Left, ...]]:
    """Return the rules of packs in the order in which they are asked: those carried over, those left out."""
    providers = {name: one for pack in reversed(packs) for name, one in pack.providers.items()}
    kept: list[Row] = []
    left: list[Left] = []
    for pack in packs:
        for name, rule in pack.rules.items():
            full = " ".join(f"{pack.name}:{name}".split())  # it stands in comments
            try:
                expression = express(rule, pack, providers, target.dialect)
            except Inexpressible as lost:
                left.append(Left(full, str(lost)))
                continue
            kept.append(_row(Row(full, pack, rule, target.nothing, expression), target))
    return tuple(kept), tuple(left)


def _row(row: Row, target: Target) -> Row:
    """Label a rule; one whose reason has no counterpart keeps its place, or a later rule would take its texts."""
    label = word_of(Reason(row.rule.reason), target.name)
    if label is not None:
        return msgspec.structs.replace(row, label=label)
    unsaid = (*row.expression.unsaid, f"{row.rule.reason} has no counterpart: {target.nothing}")
    return msgspec.structs.replace(row, expression=msgspec.structs.replace(row.expression, unsaid=unsaid))


def _summary(kept: Sequence[Row], left: Sequence[Left]) -> str:
    weak = sum(bool(row.losses()) for row in kept)
    return f"{len(kept) + len(left)} rules: {len(kept) - weak} whole, {weak} weakened, {len(left)} dropped"


def _losses(kept: Sequence[Row], left: Sequence[Left]) -> Iterator[str]:
    for row in kept:
        if row.losses():
            yield " ".join(f"weakened: {row.name}: {'; '.join(row.losses())}".split())
    for one in left:
        yield " ".join(f"dropped: {one.name}: {one.why}".split())


def head(target: Target, kept: Sequence[Row], left: Sequence[Left], about: Sequence[str]) -> Iterator[str]:
    """Yield the comment lines with which every exported file begins: whose rules, what holds for all, what is lost."""
    yield f"# Rules of bounceclass for {target.name}. {_summary(kept, left)}."
    yield "# Only the label is carried over. Addresses are not masked here: a phrase within one counts, and a gap"
    yield "# of a pattern that may hold no dot ends at one."
    yield from (f"# {line}" for line in about)
    yield "#"
    yield from (f"# {line}" for line in _losses(kept, left))
