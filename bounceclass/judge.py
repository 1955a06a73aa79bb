"""The judge: an event in, the event with its verdict out. No history, no network, no clock.

Order of belief: provider rule, phrase, enhanced status, reply code, the source's own label; each with
its evidence, and the first decides. What the refusing host said comes before what the reporting MTA made of it:

    status inside the reply   .8, or .4 where the code says little (x.0.0, x.1.0, 5.7.1 ...)
    status of the report      the same; .5 at most beside a reply that states none
    reply code alone          .3
    the source's own label    .6, by a row of the pack that is named as the report's format
    only `Action: failed`     .2

One label comes first: that a list of the source's own stopped the mail. No host was asked then, and a
code beside it is the source's invention.

Permanence is by what the remote said: 4 or 5, a reply that contradicts itself is transient, and
421 always is. Where it said nothing, what passes by itself is transient, though the mail was given up.
A reply that takes itself back, or blames us too, suppresses nobody at once (`reservations`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass import knowledge, particulars, transcript
from bounceclass.codes import is_generic, status_class
from bounceclass.model import REPLY_UNLOGGED, SHARED_REPLY, UNJUDGED, Advice, Details, Event, Evidence, Kind, Permanence, Reason, Scope, Verdict
from bounceclass.packcheck import require_sound
from bounceclass.packs import Facts, Finder, load, load_ours
from bounceclass.reservations import (
    CODES,
    SECOND_HAND,
    aliases,
    doubted,
    of_an_alias,
    of_another_spelling,
    of_somebody_else,
    of_the_sender,
    of_two_minds,
    of_what_is_added,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from bounceclass.packs import Match, Pack
    from bounceclass.settings import Settings

__all__ = ["REMEMBERED", "Judge", "finder_for", "host_is_ours", "permanence_of"]

SPECIFIC, GENERIC, REPLY_ALONE, ACTION_ALONE = 0.8, 0.4, 0.3, 0.2
LOCAL_DOMAIN: Final = 0.6
"""Our own MTA's word that a domain is unknown: its resolver may be at fault."""
PROGRAMS: Final = frozenset({"x-unix", "unix"})
ABUSE: Final = frozenset({None, "abuse", "opt-out", "opt-out-list"})
"""Feedback types that take back consent (RFC 5965 7.3 and its registry)."""
_BY_KIND: Final = {Kind.BOUNCE: Permanence.PERMANENT, Kind.DELAY: Permanence.TRANSIENT}
REMEMBERED: Final = 1024
"""Characters of the longest diagnostic whose verdict is remembered: of longer ones 8,192 would take 200 MB."""
_FEWEST: Final = 256
"""Characters of a diagnostic that rules are always run on."""
FAILURES: Final = frozenset({Kind.BOUNCE, Kind.DELAY})


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """One candidate for the verdict, with the evidence it rests on."""

    reason: Reason
    confidence: float
    evidence: Evidence
    scope: Scope | None = None
    permanence: Permanence | None = None
    details: Details = Details()


class _Case(msgspec.Struct, frozen=True, gc=False):
    """All that the judge reads of an event, so the key of what is remembered."""

    kind: Kind
    diagnostic: str | None
    type: str | None
    reply_code: int | None
    status: str | None
    command: str | None
    provider: str | None
    own: bool
    skipped: bool
    label: tuple[str, str] | None
    limit: int


class Judge:
    """Packs and tables made ready; never changes once built, may be shared by threads."""

    def __init__(self, settings: Settings, packs: Sequence[Pack] | None = None) -> None:
        """Build from settings; `packs` come after the settings' own: those of plugins and ours, by default ours alone."""
        self.finder = finder_for(settings, packs)
        self._own = tuple(host.lower() for host in settings.own_hosts)
        self._limits = settings.limits
        self.decide = lru_cache(maxsize=8192)(self._decide)

    def judge(self, events: Iterable[Event], *, certainty: float = 1.0, format_: str | None = None, defects: Collection[str] = ()) -> tuple[Event, ...]:
        """Give each event of one report its verdict; none is surer than `certainty`, by how the report was read.

        `format_` is the report's, by which the rows for its labels are found. `defects` are the codes of its defects, of which two count here:
        that all events have the reply to one of them, and that the reply isn't there as it was said.
        """
        events = tuple(events)
        alone = len(events) == 1 or sum(event.kind is Kind.COMPLAINT for event in events) <= 1
        limit = self.limit(events)
        judged = tuple([self._judge(event, limit, alone=alone, format_=format_) for event in events])
        if certainty < 1:
            why = whole("read-from-prose", "diagnostic", "")
            judged = tuple(event if event.verdict.confidence <= certainty else doubted(event, certainty, why) for event in judged)
        if REPLY_UNLOGGED in defects:
            judged = tuple(doubted(event, SECOND_HAND, whole(REPLY_UNLOGGED, "diagnostic", event.diagnostic or "")) for event in judged)
        if len(events) == 1:
            return judged
        named = frozenset((event.recipient or "").lower() for event in events)
        known = aliases(judged)
        return tuple(of_an_alias(of_somebody_else(event, named, shared=SHARED_REPLY in defects), known) for event in judged)

    def contradicts(self, event: Event, format_: str | None) -> bool:
        """Tell whether a judged event's label says something else than the verdict: another reason, or whose fault it is."""
        match = self.finder.of_label(format_ or "", event.label or "")
        if match is None or event.kind not in FAILURES:
            return False
        rule, verdict = match.rule, event.verdict
        if rule.reason == Reason.UNDETERMINED:
            return rule.scope is not None and rule.scope != verdict.scope
        return rule.reason != verdict.reason

    def limit(self, events: Sequence[Event]) -> int:
        """Return how many characters of each diagnostic of a report rules are run on."""
        most = self._limits.rule_text
        room = self._limits.rule_texts
        if len(events) * most <= room or sum(min(len(event.diagnostic or ""), most) for event in events) <= room:
            return most
        return min(most, max(_FEWEST, room // len(events)))

    def _judge(self, event: Event, limit: int, *, alone: bool, format_: str | None) -> Event:
        if event.kind in FAILURES or (event.kind is Kind.OTHER and event.diagnostic):
            decide = self.decide if len(event.diagnostic or "") <= REMEMBERED else self._decide
            return of_another_spelling(of_the_sender(msgspec.structs.replace(event, verdict=decide(self._case(event, limit, format_)))))
        return msgspec.structs.replace(event, verdict=self._no_failure(event, alone=alone))

    def _case(self, event: Event, limit: int, format_: str | None) -> _Case:
        said = transcript.read(event.diagnostic or "")
        domain = (event.recipient or "").rpartition("@")[2].lower() or None
        hosts = (event.remote_mta, said.remote_host)
        local = event.reply_code is None
        return _Case(
            event.kind,
            event.diagnostic,
            event.diagnostic_type if event.reply_code is None else None,
            event.reply_code,
            event.enhanced_status,
            event.command,
            self.finder.provider(hosts, domain, ""),
            local and bool(self._own) and any(host_is_ours(host, self._own) for host in (event.remote_mta, event.reporting_mta)),
            event.command == "connect" and event.action is not None and status_class(event.enhanced_status) == 4,  # noqa: PLR2004  the class
            (format_, event.label) if format_ and event.label and self.finder.of_label(format_, event.label) else None,
            limit,
        )

    def _decide(self, case: _Case) -> Verdict:
        text = case.diagnostic or ""
        said = transcript.read(text)
        seen = transcript.normalise(text, said.start, min(said.end, said.start + case.limit))
        provider = case.provider or self.finder.provider((), None, seen.text)
        facts = Facts(seen.text, case.reply_code, case.status, case.command, provider)
        match = self.finder.find(facts)
        rulings = [] if match is None else [_by_rule(match, seen, text)]
        rulings += _by_program(case)
        rulings += _by_codes(case, said)
        rulings = self._with_label(rulings, case)
        if not rulings:
            rulings = [_by_action(case)]
        verdict = self._verdict(case, rulings, permanence_of(case.kind, case.reply_code, case.status, said, skipped=case.skipped), provider)
        verdict = of_what_is_added(verdict, seen, text)
        if match is not None and verdict.advice is Advice.SUPPRESS:
            other = self.finder.find(facts, knowledge.advice_table().of_us)
            verdict = of_two_minds(verdict, _by_rule(other, seen, text).evidence if other else None)
        details = particulars.complete(verdict.details, verdict.reason, verdict.scope, said)
        return verdict if details is verdict.details else msgspec.structs.replace(verdict, details=details)

    def _with_label(self, rulings: list[Ruling], case: _Case) -> list[Ruling]:
        match = self.finder.of_label(*case.label) if case.label else None
        if match is None or case.label is None:
            return rulings
        rule, label = match.rule, case.label[1]
        evidence = Evidence(match.name, match.pack, "label", 0, len(label), label)
        stopped = rule.reason == Reason.SUPPRESSED
        said = not stopped and bool({(case.reply_code or 0) // 100, status_class(case.status)} & {4, 5})
        permanence = Permanence(rule.permanence) if rule.permanence and not said else None
        ruling = Ruling(Reason(rule.reason), match.confidence, evidence, Scope(rule.scope) if rule.scope else None, permanence, rule.details or Details())
        return [ruling, *rulings] if stopped else [*rulings, ruling]

    def _verdict(self, case: _Case, rulings: list[Ruling], permanence: Permanence, provider: str | None) -> Verdict:
        table = knowledge.advice_table()
        first = rulings[0]
        if first.reason is Reason.UNDETERMINED and not first.scope:
            first = next((one for one in rulings if one.reason is not Reason.UNDETERMINED or one.scope), first)
        rulings.remove(first)
        reason = first.reason
        agreeing = [one.confidence for one in rulings if one.reason is reason and one.evidence.rule.startswith("x")]
        confidence = max(first.confidence, *agreeing) if agreeing else first.confidence
        unsaid = case.reply_code is None and is_generic(case.status)
        passes = (unsaid and reason in table.passing) or (reason in table.never_final and permanence is Permanence.PERMANENT)
        permanence = first.permanence or (Permanence.TRANSIENT if passes else permanence)
        if reason is Reason.UNDETERMINED:
            scope = _nobody_or_address(case, permanence, first.scope, table.not_the_address)
        else:
            scope = (None if case.own and reason in table.own else first.scope) or table.scope(reason, final=case.kind is Kind.BOUNCE, own=case.own)
        if reason is Reason.DOMAIN_UNKNOWN and case.reply_code is None:
            confidence = min(confidence, LOCAL_DOMAIN)
        others = [one.evidence.rule for one in rulings if one.reason is not reason and one.reason is not Reason.UNDETERMINED]
        decided = msgspec.structs.replace(first.evidence, overrode=others[0]) if others else first.evidence
        details = first.details
        if provider is not None and details.provider is None:
            details = msgspec.structs.replace(details, provider=provider)
        evidence = (decided, *[one.evidence for one in rulings])
        advice = table.advice(reason, scope, permanence, confidence)
        return Verdict(permanence, reason, scope, advice, confidence, details, evidence)

    def _no_failure(self, event: Event, *, alone: bool) -> Verdict:
        if event.kind is Kind.OTHER:
            return UNJUDGED
        ruling = self._of_auto_reply(event) if event.kind is Kind.AUTO_REPLY else None
        if ruling is None:
            reason = _REASON_OF_KIND[event.kind]
            if event.kind is Kind.DELIVERY and not _is_delivered(event):
                reason = Reason.RELAYED
            ruling = Ruling(reason, 1.0, whole(f"kind-{event.kind}", "kind", event.kind))
        withdrawn = event.kind is Kind.UNSUBSCRIBE or (event.kind is Kind.COMPLAINT and alone and event.label in ABUSE)
        scope = Scope.ADDRESS if withdrawn and event.recipient else Scope.NONE
        advice = knowledge.advice_table().advice(ruling.reason, scope, Permanence.UNDETERMINED, 1.0)
        return Verdict(Permanence.UNDETERMINED, ruling.reason, scope, advice, ruling.confidence, ruling.details, (ruling.evidence,))

    def _of_auto_reply(self, event: Event) -> Ruling | None:
        text = event.diagnostic or ""
        seen = transcript.normalise(text, 0, self._limits.rule_text)
        match = self.finder.find(Facts(seen.text, kind=Kind.AUTO_REPLY))
        return None if match is None else _by_rule(match, seen, text)


_REASON_OF_KIND: Final = {
    Kind.DELIVERY: Reason.DELIVERED,
    Kind.COMPLAINT: Reason.COMPLAINT,
    Kind.UNSUBSCRIBE: Reason.UNSUBSCRIBE,
    Kind.AUTO_REPLY: Reason.AUTO_REPLY,
    Kind.RECEIPT: Reason.RECEIPT,
}


def _is_delivered(event: Event) -> bool:
    """Tell a delivery from what was only passed on: by the report's word, or by the reply of the last host asked."""
    return event.action == "delivered" or (event.action is None and event.reply_code not in {None, 251})


def finder_for(settings: Settings, packs: Sequence[Pack] | None = None) -> Finder:
    """Return the rules in the order in which they are asked: the settings' packs, then `packs`, by default ours."""
    packs = load_ours() if packs is None else packs
    theirs = [load(path) for path in settings.packs]
    for path, pack in zip(settings.packs, theirs, strict=True):
        require_sound(pack, path, (*theirs, *packs))
    return Finder((*theirs, *packs))


def host_is_ours(host: str | None, own: Sequence[str]) -> bool:
    """Tell whether a host is one of `own`; ".example.com" there means every host below it."""
    host = (host or "").lower().rstrip(".")
    return any(host == name or (name.startswith(".") and host.endswith(name)) for name in own)


def permanence_of(kind: Kind, reply_code: int | None, status: str | None, said: transcript.Transcript, *, skipped: bool = False) -> Permanence:
    """Tell whether the same message would be refused again, by what the remote said, else the report.

    `skipped` tells of a greeting that the reporting MTA took for temporary: it refused the connection,
    not this message, and the MTA went on to the next host until the time ran out (Postfix: 4.0.0).
    That a host never takes mail is a rule's to say.
    """
    if skipped and reply_code and reply_code // 100 == 5 and said.enhanced_status is None:  # noqa: PLR2004  the class
        return Permanence.TRANSIENT
    classes = {reply_code // 100 if reply_code else None, status_class(said.enhanced_status) if reply_code else None}
    failing = (classes & {4, 5}) or ({status_class(status)} & {4, 5})
    if 4 in failing or reply_code == 421:  # noqa: PLR2004  class 4 within a reply of class 5: it contradicts itself
        return Permanence.TRANSIENT
    if failing:
        return Permanence.PERMANENT
    if reply_code:  # 2yz and 3yz refuse nothing
        return Permanence.UNDETERMINED
    return _BY_KIND.get(kind, Permanence.UNDETERMINED)


# To make a member of an enumeration of its word takes longer than to look it up.
_REASONS: Final = {str(one): one for one in Reason}
_SCOPES: Final = {str(one): one for one in Scope}
_PERMANENCES: Final = {str(one): one for one in Permanence}
_NO_DETAILS: Final = Details()


def _by_rule(match: Match, seen: transcript.Normalised, text: str) -> Ruling:
    rule = match.rule
    start = seen.origin(match.start)
    end = max(start, seen.origin(match.end))
    details = rule.details or _NO_DETAILS
    if match.groups:
        found = {key: text[seen.origin(left) : seen.origin(right)].strip("<>[]()") for key, left, right in match.groups}
        details = msgspec.structs.replace(details, **found)
    return Ruling(
        _REASONS[rule.reason],
        match.confidence,
        Evidence(match.name, match.pack, "diagnostic", start, end, text[start:end]),
        _SCOPES[rule.scope] if rule.scope else None,
        _PERMANENCES[rule.permanence] if rule.permanence else None,
        details,
    )


def _by_program(case: _Case) -> list[Ruling]:
    """Take a delivery program's own words (x-unix) that no rule knows for a failure of the program."""
    if case.type not in PROGRAMS or case.diagnostic is None:
        return []
    return [Ruling(Reason.MAILER_ERROR, GENERIC, whole("delivery-program", "diagnostic_type", case.type))]


def _by_codes(case: _Case, said: transcript.Transcript) -> list[Ruling]:
    return [one for one in (_by_status(case, said), _by_reply(case, said)) if one is not None]


def _by_status(case: _Case, said: transcript.Transcript) -> Ruling | None:
    fact = None if is_generic(case.status) else knowledge.codes().of_status(case.status or "")
    if fact is None or case.status is None:
        return None
    meaning = fact.meaning(status_class(case.status) or 0)
    confidence = GENERIC if fact.generic else SPECIFIC
    if case.reply_code is not None and said.enhanced_status != case.status:
        confidence = min(confidence, SECOND_HAND)
        if fact.generic:  # what the report made of a reply that states none: a guess
            meaning = knowledge.Meaning()
    by_kind = meaning.scope is Scope.NONE or meaning.reason in knowledge.advice_table().final
    return Ruling(meaning.reason, confidence, _code("x" + case.status[1:], "enhanced_status", case.status, said), None if by_kind else meaning.scope)


def _by_reply(case: _Case, said: transcript.Transcript) -> Ruling | None:
    if case.reply_code is None:
        return None
    fact = knowledge.codes().of_reply(case.reply_code)
    reason = fact.reason if fact else Reason.UNDETERMINED
    if case.reply_code == 552:  # noqa: PLR2004  two meanings, by the phase
        reason = _bare_552(case)
    confidence = (fact.confidence if fact else None) or REPLY_ALONE
    return Ruling(reason, confidence, _code(str(case.reply_code), "reply_code", str(case.reply_code), said))


def _bare_552(case: _Case) -> Reason:
    return Reason.TOO_LARGE if case.command in {"mail", "data", "body"} else Reason.MAILBOX_FULL


def _by_action(case: _Case) -> Ruling:
    if case.status is not None:
        return Ruling(Reason.UNDETERMINED, ACTION_ALONE, whole("x" + case.status[1:], "enhanced_status", case.status))
    return Ruling(Reason.UNDETERMINED, ACTION_ALONE, whole(f"kind-{case.kind}", "kind", case.kind))


def _nobody_or_address(case: _Case, permanence: Permanence, scope: Scope | None, others: Sequence[str]) -> Scope:
    """Whose an unknown refusal is: the address's, by its status, at RCPT TO or without a word; else nobody's."""
    if scope is not None and scope is not Scope.ADDRESS:
        return scope
    text = (case.diagnostic or "").lower()
    wordless = not text and is_generic(case.status) and case.reply_code is None
    at_recipient = case.command == "rcpt" and permanence is Permanence.PERMANENT
    if case.kind is Kind.BOUNCE and (scope or wordless or at_recipient) and not any(word in text for word in others):
        return Scope.ADDRESS
    return Scope.NONE


def _code(rule: str, field: str, code: str, said: transcript.Transcript) -> Evidence:
    place = said.text.find(code, said.start, said.end)
    if place < 0:
        return Evidence(rule, CODES, field, 0, len(code), code)
    return Evidence(rule, CODES, "diagnostic", place, place + len(code), code)
