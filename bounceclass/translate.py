"""A verdict in others' words: what Sisimai, an ESP or another MTA would have called it.

The facts are rows of `data/vocabularies.toml`, one for each vocabulary and reason; here stand only
the conditions by which one reason has several words, and what goes beside a word:

    sisimai    hardbounce: true only for what Sisimai itself calls hard
    sparkpost  name and category (hard, soft, block, admin) of the number
    ses        type and subtype
    anymail    event_type and reject_reason
    zonemta    action: reject, defer or slowdown

A reason without a counterpart has the word null, and a note that says why.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.codes import status_class
from bounceclass.errors import KnowledgeError
from bounceclass.knowledge import data_file
from bounceclass.model import Kind, Permanence, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from bounceclass.model import Event

__all__ = ["VOCABULARIES", "Vocabulary", "Word", "action_of", "translate", "vocabularies", "word_of"]

VOCABULARIES: Final = ("sisimai", "sparkpost", "kumomta", "powermta", "ses", "postmark", "sendgrid", "anymail", "zonemta")
"""The names that `translate` knows."""


class Word(msgspec.Struct, frozen=True):
    """An event in one vocabulary: `word` null where it has none (`note` says why), `parts` what goes beside it."""

    vocabulary: str
    word: str | None
    parts: dict[str, str | bool | None]
    note: str | None = None

    def flat(self) -> dict[str, str | bool | None]:
        """Return all of it in one table: vocabulary, word, the parts, note; the value of the key `translation`."""
        return {"vocabulary": self.vocabulary, "word": self.word, **self.parts, "note": self.note}

    def __str__(self) -> str:
        """Return the word for people, "-" where there is none."""
        return self.word or "-"


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of vocabularies.toml; the file's head says what each key means."""

    source: str
    names: tuple[str, ...]
    words: dict[str, str]
    none: dict[str, str] = {}
    when: dict[str, dict[str, str]] = {}
    parts: dict[str, dict[str, str]] = {}
    hard: tuple[str, ...] = ()
    hard_if_permanent: tuple[str, ...] = ()


@cache
def vocabularies() -> dict[str, Vocabulary]:
    """Return every vocabulary by its name."""
    return msgspec.toml.decode(data_file("vocabularies.toml"), type=dict[str, Vocabulary])


def word_of(reason: Reason, vocabulary: str) -> str | None:
    """Return the word for a reason of which nothing else is known, None where there is none; KnowledgeError as `translate`."""
    return _vocabulary(vocabulary).words.get(reason)


def translate(event: Event, vocabulary: str) -> Word:
    """Return a judged event in a vocabulary, one of VOCABULARIES; KnowledgeError where there is no such one."""
    row = _vocabulary(vocabulary)
    reason = event.verdict.reason
    word = row.words.get(reason)
    for condition, other in row.when.get(reason, {}).items():
        if _CONDITIONS[condition](event):
            word = other
    parts = _PARTS[vocabulary](event, word, row) if vocabulary in _PARTS else {}
    return Word(vocabulary, word, parts, row.none.get(reason))


def _vocabulary(name: str) -> Vocabulary:
    try:
        return vocabularies()[name]
    except KeyError:
        raise KnowledgeError(name, f"no such vocabulary: known are {', '.join(VOCABULARIES)}") from None


_DMARC: Final = re.compile(r"\bdmarc\b", re.IGNORECASE)
_DNS: Final = re.compile(r"\b(?:dns|servfail|name ?server|name service|resolv\w{0,5}|(?:host|domain|mx|name) lookup)\b", re.IGNORECASE)
_ATTACHMENT: Final = re.compile(r"\b(?:attach\w{0,6}|file ?(?:name|type|extension)s?|executables?|\.(?:exe|zip|scr|js))\b", re.IGNORECASE)
_CODES: Final = "codes"
_SURE: Final = 0.8


def _said(event: Event) -> str:
    return event.diagnostic or ""


def _by_code_alone(event: Event) -> bool:
    """Tell whether no rule spoke, and only a code that says little."""
    evidence = event.verdict.evidence
    return bool(evidence) and evidence[0].pack == _CODES and event.verdict.confidence < _SURE


_CONDITIONS: Final[dict[str, Callable[[Event], bool]]] = {
    "code-alone": _by_code_alone,
    "no-blocklist": lambda event: event.verdict.details.blocklist is None,
    # What is refused can only be told where something was said.
    "no-attachment": lambda event: bool(_said(event)) and not _ATTACHMENT.search(_said(event)),
    "dns": lambda event: bool(_DNS.search(_said(event))),
    "dmarc": lambda event: bool(_DMARC.search(_said(event))),
}

_Parts = dict[str, str | bool | None]


def _sisimai(event: Event, word: str | None, row: Vocabulary) -> _Parts:
    permanent = 5 in {(event.reply_code or 0) // 100, status_class(event.enhanced_status)}  # noqa: PLR2004  the class
    return {"hardbounce": word in row.hard or (word in row.hard_if_permanent and permanent)}


def _sparkpost(_: Event, word: str | None, row: Vocabulary) -> _Parts:
    return {"name": None, "category": None, **row.parts.get(word or "", {})}


def _ses(_: Event, word: str | None, row: Vocabulary) -> _Parts:  # noqa: ARG001  one signature for all
    type_, subtype = word.split("/") if word else (None, None)
    return {"type": type_, "subtype": subtype}


_EVENT_TYPES: Final = {
    Kind.BOUNCE: "bounced",
    Kind.DELAY: "deferred",
    Kind.COMPLAINT: "complained",
    Kind.UNSUBSCRIBE: "unsubscribed",
    Kind.DELIVERY: "delivered",
    Kind.AUTO_REPLY: "autoresponded",
}


def _anymail(event: Event, word: str | None, row: Vocabulary) -> _Parts:  # noqa: ARG001  one signature for all
    kind = _EVENT_TYPES.get(event.kind, "unknown")
    if event.verdict.reason is Reason.SUPPRESSED:  # the ESP refused it itself: nothing was bounced
        kind = "rejected"
    return {"event_type": kind, "reject_reason": word}


_AGAIN: Final = frozenset({Reason.IP_BLOCKED, Reason.BAD_REPUTATION})
"""Refusals of an IP: ZoneMTA defers them, for it may try another of its pool."""


def _zonemta(event: Event, word: str | None, row: Vocabulary) -> _Parts:  # noqa: ARG001  one signature for all
    return {"action": None if word is None else action_of(event.verdict.reason, event.verdict.permanence)}


def action_of(reason: Reason, permanence: Permanence) -> str:
    """Return what ZoneMTA is to do with a refusal: reject, defer or slowdown."""
    if reason is Reason.RATE_LIMITED:
        return "slowdown"
    return "defer" if permanence is Permanence.TRANSIENT or reason in _AGAIN else "reject"


_PARTS: Final[dict[str, Callable[[Event, str | None, Vocabulary], _Parts]]] = {
    "sisimai": _sisimai,
    "sparkpost": _sparkpost,
    "ses": _ses,
    "anymail": _anymail,
    "zonemta": _zonemta,
}
