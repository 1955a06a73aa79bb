"""Facts from `data/`: what codes mean and what a verdict calls for. Loaded late, once.

No prose (that is `explain`), no phrases (that is `packs`), and no code but look-ups.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import msgspec

from bounceclass.codes import subject_of
from bounceclass.compiled import compiled
from bounceclass.errors import KnowledgeError
from bounceclass.model import Advice, Permanence, Reason, Scope

__all__ = ["AdviceTable", "CodeFact", "Codes", "Meaning", "advice_table", "codes", "data_file"]

T = TypeVar("T")


def data_file(name: str) -> bytes:
    """Return the bytes of a file below `data/`; KnowledgeError where there is none."""
    try:
        return (Path(__file__).with_name("data") / name).read_bytes()
    except OSError as error:
        raise KnowledgeError(name, error.strerror or str(error)) from error


class Meaning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a code stands for by itself; no reason: it says nothing."""

    reason: Reason = Reason.UNDETERMINED
    scope: Scope = Scope.NONE


class CodeFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of codes.toml; the file's head says what each key means."""

    reason: Reason = Reason.UNDETERMINED
    scope: Scope = Scope.NONE
    confidence: float | None = None
    transient: Meaning | None = None
    generic: bool = False
    full: bool = False
    answers: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    replies: tuple[int, ...] = ()
    source: tuple[str, ...]
    related: tuple[str, ...] = ()
    line: str

    def meaning(self, class_: int) -> Meaning:
        """Return what the code stands for in class 4 (transient) or 5."""
        if class_ == 4 and self.transient is not None:  # noqa: PLR2004  the class digit
            return self.transient
        return Meaning(self.reason, self.scope)


class Codes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of codes.toml, by reply code ("550") and by masked status ("x.1.1")."""

    reply: dict[str, CodeFact]
    status: dict[str, CodeFact]

    def of_reply(self, code: int) -> CodeFact | None:
        """Return the row of a reply code, None where nobody defined it."""
        return self.reply.get(str(code))

    def of_status(self, status: str) -> CodeFact | None:
        """Return the row of an enhanced status of any class."""
        return self.status.get(subject_of(status))


@cache
def codes() -> Codes:
    """Return the facts about every defined code."""
    return _table("codes.toml", Codes)


class _ByPermanence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    permanent: Advice
    transient: Advice
    undetermined: Advice
    unsure: Advice


class AdviceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"else_": "else"}):
    """All of advice.toml; the file's head says how it is read."""

    else_: dict[str, Advice]
    sure: float
    not_the_address: tuple[str, ...]
    passing: frozenset[Reason]
    never_final: frozenset[Reason]
    of_us: frozenset[Reason]
    later: tuple[str, ...]
    many: tuple[str, ...]
    final: dict[str, Scope]
    own: dict[str, Scope]
    reasons: dict[str, dict[Scope, Advice | _ByPermanence]]

    def scope(self, reason: Reason, *, final: bool, own: bool) -> Scope:
        """Return whose problem a reason is: when the mail is given up, when our own host says so."""
        if own and reason in self.own:
            return self.own[reason]
        if final and reason in self.final:
            return self.final[reason]
        return next(iter(self.reasons[reason]))

    def advice(self, reason: Reason, scope: Scope, permanence: Permanence, confidence: float) -> Advice:
        """Return what one such event calls for."""
        row = self.reasons[reason].get(scope) or self.else_[scope]
        if not isinstance(row, _ByPermanence):
            return row
        if permanence is Permanence.PERMANENT:
            return row.permanent if confidence >= self.sure else row.unsure
        return row.transient if permanence is Permanence.TRANSIENT else row.undetermined


@cache
def advice_table() -> AdviceTable:
    """Return the table from which every verdict's advice is looked up."""
    return _table("advice.toml", AdviceTable)


def _table(name: str, kind: type[T]) -> T:
    path = Path(__file__).with_name("data") / name
    return compiled(path, kind, partial(msgspec.toml.decode, type=kind), Path(__file__))
