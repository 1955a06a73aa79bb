"""The words by which a notice of any software shows itself, in fifteen languages: what `data/failures.toml` lists.

They tell that a mail is a notice, and whether of failure or of delay; never why it failed.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

import msgspec

from bounceclass.knowledge import data_file
from bounceclass.literals import literals
from bounceclass.model import Kind
from bounceclass.transcript import lower

if TYPE_CHECKING:
    from bounceclass.literals import Automaton, Pieces

__all__ = ["ANSWERS", "OF_FAILURE", "WORDS_READ", "Failures", "fold", "is_other_mail", "kind_of", "says", "table", "until_returned"]

OF_FAILURE: Final = ("failed", "delayed", "trying", "given_up")
_SOUGHT: Final = (*OF_FAILURE, "final", "succeeded", "other_mail", "own_mailbox", "yours", "returned", "machines")
ANSWERS: Final = ("re:", "fw:", "fwd:", "aw:", "wg:", "sv:", "vs:", "tr:", "rv:", "antw:", "回复", "答复", "回覆")
"""How the subject of an answer begins."""
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
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
    help_pages: tuple[str, ...]
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
def _words() -> tuple[Automaton | Pieces, tuple[frozenset[str], ...]]:
    """Return what finds the words of all lists that are sought in texts, and for each word the lists that have it."""
    lists: dict[str, set[str]] = {}
    for name in _SOUGHT:
        for word in getattr(table(), name):
            lists.setdefault(_without_accents(word), set()).add(name)
    return literals(tuple(lists)), tuple(map(frozenset, lists.values()))


@cache
def _returned() -> Automaton | Pieces:
    """Return what finds the words that announce the returned mail."""
    return literals(table().returned)


def fold(text: str | None) -> str:
    """Return a text as its words are sought in it: lower case, blanks folded to one."""
    return " ".join((text or "").lower().split())


@lru_cache(maxsize=16)  # a text is asked about list by list
def _said(text: str) -> frozenset[str]:
    finder, lists = _words()
    return frozenset().union(*map(lists.__getitem__, finder.within(_without_accents(text))))


def _without_accents(text: str) -> str:
    """Return a text without the accents of its letters, which many a notice leaves out."""
    if text.isascii():
        return text
    return normalize("NFC", _ACCENTS.sub("", normalize("NFD", text)))


def says(text: str, *lists: str) -> bool:
    """Tell whether a word of these lists stands in a folded text."""
    return not _said(text).isdisjoint(lists)


def until_returned(text: str) -> str:
    """Return a text up to the line that announces the returned mail."""
    place = _returned().first_within(lower(text))
    return (text if place < 0 else text[: text.rfind("\n", 0, place) + 1]).strip()


@lru_cache(maxsize=64)  # of a subject that is asked about before and after the dialects
def is_other_mail(subject: str) -> bool:
    """Tell by a folded subject that a machine writes of something else than a failure, such as statistics or a quarantine."""
    return says(subject, "other_mail") and not says(subject, *OF_FAILURE) and not subject.startswith(ANSWERS)


def kind_of(text: str) -> Kind:
    """Tell a notice of delay from one of failure, by its folded subject and text."""
    if says(text, "given_up"):
        return Kind.BOUNCE
    return Kind.DELAY if says(text, "trying") or (says(text, "delayed") and not says(text, "final")) else Kind.BOUNCE
