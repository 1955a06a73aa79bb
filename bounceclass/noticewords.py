"""The words by which a notice of any software shows itself, in fifteen languages: what `data/failures.toml` lists.

They tell that a mail is a notice, and whether of failure or of delay; never why it failed.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.knowledge import data_file
from bounceclass.literals import literals
from bounceclass.model import Kind

if TYPE_CHECKING:
    from bounceclass.literals import Automaton, Pieces

__all__ = ["ANSWERS", "OF_FAILURE", "WORDS_READ", "Failures", "fold", "is_other_mail", "kind_of", "says", "table"]

OF_FAILURE: Final = ("failed", "delayed", "trying", "given_up")
ANSWERS: Final = ("re:", "fw:", "fwd:", "aw:", "wg:", "sv:", "vs:", "tr:", "rv:", "antw:", "回复", "答复", "回覆")
"""How the subject of an answer begins."""
WORDS_READ: Final = 4000
"""Characters of a notice that are asked: what it is stands near its head."""


class Failures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """failures.toml; the file says what each list means."""

    failed: tuple[str, ...]
    trying: tuple[str, ...]
    given_up: tuple[str, ...]
    delayed: tuple[str, ...]
    final: tuple[str, ...]
    succeeded: tuple[str, ...]
    other_mail: tuple[str, ...]
    own_mailbox: tuple[str, ...]
    yours: tuple[str, ...]
    returned: tuple[str, ...]
    machines: tuple[str, ...]
    helpers: frozenset[str]
    recipient_labels: frozenset[str]
    reached_labels: frozenset[str]
    reason_labels: tuple[str, ...]
    header_labels: tuple[str, ...]
    not_recipient: frozenset[str]
    mailbox_of: frozenset[str]


@cache
def table() -> Failures:
    """Return the table, read once."""
    return msgspec.toml.decode(data_file("failures.toml"), type=Failures)


@cache
def _finder(*lists: str) -> Automaton | Pieces:
    """Return what finds the words of some lists of the table."""
    return literals(tuple(dict.fromkeys(word for name in lists for word in getattr(table(), name))))


def fold(text: str | None) -> str:
    """Return a text as its words are sought in it: lower case, blanks folded to one."""
    return " ".join((text or "").lower().split())


def says(text: str, *lists: str) -> bool:
    """Tell whether a word of these lists stands in a folded text."""
    return _finder(*lists).any_within(text)


@lru_cache(maxsize=64)  # of a subject that is asked about before and after the dialects
def is_other_mail(subject: str) -> bool:
    """Tell by a folded subject that a machine writes of something else than a failure, such as statistics or a quarantine."""
    return says(subject, "other_mail") and not says(subject, *OF_FAILURE) and not subject.startswith(ANSWERS)


def kind_of(text: str) -> Kind:
    """Tell a notice of delay from one of failure, by its folded subject and text."""
    if says(text, "given_up"):
        return Kind.BOUNCE
    return Kind.DELAY if says(text, "trying") or (says(text, "delayed") and not says(text, "final")) else Kind.BOUNCE
