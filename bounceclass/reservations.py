"""What is held against a verdict that was found: whom else the reply may be about, and how it was read.

`ann@example.org: 550 5.1.1 <bob@example.org> unknown` is about another recipient of the same report,
`lee@example.net (expanded from <team@example.org>)` beside another of the team about one of its members, and
`550 5.1.1 user unknown (in reply to MAIL FROM command)` about the sender: no other was named yet.
`550-mailbox unavailable 550 Failure sending mail. Try again later` takes back with its last line what the first one says.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass import knowledge
from bounceclass.literals import literals
from bounceclass.model import Advice, Event, Evidence, Kind, Permanence, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounceclass.literals import Automaton, Pieces
    from bounceclass.transcript import Normalised

__all__ = [
    "CODES",
    "SECOND_HAND",
    "aliases",
    "doubted",
    "of_an_alias",
    "of_another_spelling",
    "of_somebody_else",
    "of_the_sender",
    "of_two_minds",
    "of_what_is_added",
    "whole",
]

CODES: Final = "codes"
"""The pack that evidence names where no rule of a pack decided."""
SECOND_HAND: Final = 0.5
_NAMED: Final = re.compile(r"<([^<>\s]{1,320}@[^<>\s]{1,255})>")
_EARLY: Final = {"mail": Reason.SENDER_REJECTED, "auth": Reason.SECURITY}
_OF_AN_ADDRESS: Final = frozenset(
    {Reason.USER_UNKNOWN, Reason.ADDRESS_INVALID, Reason.MAILBOX_FULL, Reason.MAILBOX_DISABLED, Reason.ADDRESS_MOVED, Reason.OWNER_CHANGED}
    | {Reason.DOMAIN_UNKNOWN}
)
"""What is said of an address: before RCPT TO of ours, for no other was named yet (RFC 5321 3.3)."""
_SYNTAX: Final = frozenset({500, 502, 503, 504})
_NO_MAIL: Final = frozenset({521, 556})


def of_somebody_else(event: Event, named: frozenset[str], *, shared: bool) -> Event:
    """Believe a reply less where it names another recipient of the same report, or nobody and is `shared`: nullmailer gives all of them the first one's."""
    found = _NAMED.search(event.diagnostic or "")
    own = (event.recipient or "").lower()
    if shared and found is None and own not in (event.diagnostic or "").lower():
        return doubted(event, SECOND_HAND, whole("shared-reply", "diagnostic", event.diagnostic or ""))
    if found is None or found[1].lower() not in named or found[1].lower() == own or own in (event.diagnostic or "").lower():
        return event
    return doubted(event, SECOND_HAND, Evidence("names-another", CODES, "diagnostic", *found.span(), found[0]))


def of_another_spelling(event: Event) -> Event:
    """Believe less that the recipient is badly written where the reply quotes another address than that, which may be ours."""
    if event.verdict.reason is not Reason.ADDRESS_INVALID or event.kind not in {Kind.BOUNCE, Kind.DELAY}:
        return event
    text = event.diagnostic or ""
    found = _NAMED.search(text)
    if found is None or (event.recipient or "recipient").lower() in text.lower():
        return event
    if not event.recipient:  # of syntax: the sender's, our software's or the recipient's
        return doubted(event, SECOND_HAND, whole("names-somebody", "diagnostic", text)) if event.reply_code in _SYNTAX else event
    local, _, domain = event.recipient.lower().rpartition("@")
    other, _, host = found[1].lower().rpartition("@")
    if other == local or host == domain:  # rewritten on its way, or in quotes
        return event
    return doubted(event, SECOND_HAND, Evidence("names-another", CODES, "diagnostic", *found.span(), found[0]))


def aliases(events: Iterable[Event]) -> frozenset[str]:
    """Return the original recipients, in lower case, that stand for several: a mail to them went to more than the one who failed."""
    members: dict[str, set[str]] = {}
    for event in events:
        if event.original_recipient and event.recipient:
            members.setdefault(event.original_recipient.lower(), set()).add(event.recipient.lower())
    return frozenset(alias for alias, names in members.items() if len(names) > 1)


def of_an_alias(event: Event, known: frozenset[str]) -> Event:
    """Believe less what is said of one member of an alias: it is the alias that would be acted on."""
    alias = event.original_recipient or ""
    return doubted(event, SECOND_HAND, whole("one-of-several", "original_recipient", alias)) if alias.lower() in known else event


def of_the_sender(event: Event) -> Event:
    """Take a refusal of an address or a domain before RCPT TO for one of ours: no other had been named yet.

    One for good at AUTH that gives no reason is of our login.
    """
    reason, verdict = _EARLY.get(event.command or ""), event.verdict
    if reason is None or event.reply_code is None or (event.recipient and event.recipient.lower() in (event.diagnostic or "").lower()):
        return event
    early = whole("before-the-recipient", "command", event.command or "")
    if verdict.reason is Reason.DOMAIN_NO_MAIL and event.reply_code not in _NO_MAIL:  # the host's, or the sender's domain
        return doubted(event, SECOND_HAND, early)
    unknown = verdict.reason is Reason.UNDETERMINED and verdict.permanence is Permanence.PERMANENT
    if verdict.reason not in _OF_AN_ADDRESS and not (unknown and event.command == "auth"):
        return event
    table = knowledge.advice_table()
    scope = table.scope(reason, final=False, own=False)
    advice = table.advice(reason, scope, verdict.permanence, verdict.confidence)
    evidence = (msgspec.structs.replace(early, overrode=verdict.evidence[0].rule), *verdict.evidence)
    return msgspec.structs.replace(event, verdict=msgspec.structs.replace(verdict, reason=reason, scope=scope, advice=advice, evidence=evidence))


def of_what_is_added(verdict: Verdict, seen: Normalised, text: str) -> Verdict:
    """Believe less a verdict that would suppress where the reply says in whichever of its lines that it passes, or tells how many are refused.

    `text` is what `seen` was made of.
    """
    if verdict.advice is not Advice.SUPPRESS or verdict.reason is Reason.SUPPRESSED:
        return verdict
    words, finder = _added()
    if not finder.any_within(seen.text):
        return verdict
    word, rule = words[min(finder.within(seen.text))]
    place = seen.text.find(word)
    start, end = seen.origin(place), seen.origin(place + len(word))
    return _believed_less(verdict, SECOND_HAND, Evidence(rule, CODES, "diagnostic", start, end, text[start:end]))


@cache
def _added() -> tuple[tuple[tuple[str, str], ...], Automaton | Pieces]:
    """Return the words by which a reply takes itself back, in order, each with what it is called, and what finds them."""
    table = knowledge.advice_table()
    words = dict.fromkeys(table.later, "passes-by-itself")
    for word in table.many:
        words.setdefault(word, "tells-of-many")
    return tuple(words.items()), literals(tuple(words))


def of_two_minds(verdict: Verdict, other: Evidence | None) -> Verdict:
    """Believe less a verdict on an address beside the evidence, if any, that the same reply blames us or our message."""
    return verdict if other is None or verdict.reason is Reason.SUPPRESSED else _believed_less(verdict, SECOND_HAND, other)


def doubted(event: Event, at_most: float, why: Evidence) -> Event:
    """Believe a verdict no more than `at_most`, and advise accordingly."""
    return msgspec.structs.replace(event, verdict=_believed_less(event.verdict, at_most, why))


def _believed_less(verdict: Verdict, at_most: float, why: Evidence) -> Verdict:
    confidence = min(verdict.confidence, at_most)
    advice = knowledge.advice_table().advice(verdict.reason, verdict.scope, verdict.permanence, confidence)
    return msgspec.structs.replace(verdict, confidence=confidence, advice=advice, evidence=(*verdict.evidence, why))


def whole(rule: str, field: str, text: str) -> Evidence:
    """Return the evidence that all of a field is."""
    return Evidence(rule, CODES, field, 0, len(text), text)
