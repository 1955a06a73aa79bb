"""What follows from a verdict: verdict, trust, history and time in, one Decision out. Pure, and it never raises.

    at_their_word      an event that calls for it becomes a suppression: no history, no trust
    Policy.decide      the rule for everything that came by itself

What a grade of trust may do:

    signed, own-mta, known   act, on whom we mailed
    dkim                     count
    plausible                count half, and never be the one that decides: anybody can write such a report
    none                     nothing

Advice is lowered and never raised, but for `count`, when repetition has told enough (`repetition`,
with the rows of `presets`). Whatever the advice, a reason without a row suppresses nobody.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.domains import DomainState, provider_of
from bounceclass.history import FailedMailing
from bounceclass.judge import host_is_ours
from bounceclass.knowledge import advice_table
from bounceclass.model import Action, Advice, Decision, Kind, Reason, Scope, Suppression, Trust
from bounceclass.presets import PolicySettings, rows_for
from bounceclass.protection import Protection
from bounceclass.repetition import confirmed, in_a_row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounceclass.case import Case
    from bounceclass.domains import DomainFacts
    from bounceclass.history import DomainHistory, History
    from bounceclass.model import Event
    from bounceclass.presets import DomainRule, Row, Rule
    from bounceclass.repetition import Run
    from bounceclass.settings import Settings, TrustSettings

__all__ = ["BY", "Policy", "at_their_word"]

BY: Final = "policy"
"""Who decided, in the entries made here."""
DOMAIN_TERM: Final = timedelta(days=7)
"""One event about a domain suppresses the address alone, and not for ever: that the domain takes no mail is to be confirmed."""
PLAUSIBLE_POINTS: Final = 0.5

_KEPT: Final = frozenset({Reason.COMPLAINT, Reason.UNSUBSCRIBE, Reason.OWNER_CHANGED, Reason.SUPPRESSED})
"""What a delivery does not lift."""
_OUR_FAULT: Final = frozenset({Reason.RELAY_DENIED, Reason.ROUTING_LOOP})


class Policy:
    """Settings and rows made ready, once; never changes afterwards and may be shared by threads."""

    def __init__(self, settings: Settings, trust: TrustSettings, policy: PolicySettings | None = None) -> None:
        """Take what is ours and how to decide. Raises SettingsError for a row about a reason that blames no recipient."""
        self.settings: Final = policy or PolicySettings()
        self._own_hosts = settings.own_hosts
        self._protection = Protection(trust, self.settings.protect)
        self._rows = rows_for(self.settings)

    def decide(self, case: Case, now: datetime) -> Decision:
        """Return what follows from an event. The incident guard may still hold what is `suppress`."""
        if case.standing.grade is Trust.NONE:
            return _nothing(f"not known to be about mail of ours: {case.standing.because}")
        if self._is_old(case, now):
            return _nothing(f"the report is older than {self.settings.max_age_days} days")
        decide = {
            Kind.BOUNCE: self._of_bounce,
            Kind.COMPLAINT: self._of_answer,
            Kind.UNSUBSCRIBE: self._of_answer,
            Kind.DELIVERY: self._of_delivery,
            Kind.AUTO_REPLY: self._of_auto_reply,
        }.get(case.event.kind)
        return self._guarded(case, decide(case, now), now) if decide else _nothing(f"{case.event.kind} is no failure")

    def failure_of(self, case: Case, now: datetime) -> tuple[FailedMailing, Scope] | None:
        """Return the failed mailing to record before the decision is, and against whom; None where the event counts nothing."""
        verdict = case.event.verdict
        counts = case.blames and verdict.reason in self._rows and case.standing.grade is not Trust.NONE and case.recipient is not None
        if not counts or self._is_old(case, now) or self._is_our_fault(case.event):
            return None
        points = PLAUSIBLE_POINTS if case.standing.grade is Trust.PLAUSIBLE else 1.0
        failure = FailedMailing(at=case.received_at, mailing=case.mailing, reason=verdict.reason, points=points, stream=case.standing.stream)
        of_domain = verdict.scope is Scope.DOMAIN and not case.standing.forwarded and case.may_act
        return failure, Scope.DOMAIN if of_domain else Scope.ADDRESS

    def is_delivery(self, case: Case, now: datetime) -> bool:
        """Tell whether an event is a delivery to record: believed, to whom we mailed, and not only passed on."""
        verdict, standing = case.event.verdict, case.standing
        said = case.event.kind is Kind.DELIVERY and verdict.reason is Reason.DELIVERED and not standing.forwarded
        return said and case.may_act and case.recipient is not None and not self._is_old(case, now)

    def domain_to_ask(self, case: Case, now: datetime) -> str | None:
        """Return the domain that DNS is to be asked about before `decide`; None where the answer would change nothing."""
        rule = self._domain_rule(case)
        if rule is None or case.domain is not None or self._is_old(case, now):
            return None
        return case.domain_name if self._is_sure(case) or self._domain_reaches(case, rule) else None

    def healed(self, history: History, now: datetime) -> tuple[Decision, ...]:
        """Return a release for each entry of the policy that a confirmed delivery lifts; its failures are to be healed with it."""
        found = []
        for entry in history.active:
            at = confirmed(history, now, self.settings.heal_days, entry.scope)
            if at is not None and entry.by == BY and entry.reason not in _KEPT and entry.since < at:
                because = f"delivered on {at:%Y-%m-%d}, and nothing of that mailing has failed since"
                found.append(Decision(action=Action.RELEASE, because=because, suppression=entry))
        return tuple(found)

    def _is_old(self, case: Case, now: datetime) -> bool:
        return now - case.received_at > timedelta(days=self.settings.max_age_days)

    def _is_our_fault(self, event: Event) -> bool:
        """Tell whether a server of ours speaks of itself: no other host has replied."""
        hosts = (event.remote_mta, event.reporting_mta)
        return event.verdict.reason in _OUR_FAULT and event.reply_code is None and any(host_is_ours(host, self._own_hosts) for host in hosts)

    def _of_delivery(self, case: Case, now: datetime) -> Decision:
        healed = self.healed(case.history, now) if self.is_delivery(case, now) else ()
        return next(iter(healed), _nothing(f"{case.event.verdict.reason}: it heals when nothing of the mailing has failed for {self.settings.heal_days} days"))

    def _of_auto_reply(self, case: Case, now: datetime) -> Decision:
        if case.event.verdict.reason is not Reason.ADDRESS_CHANGE:
            return _nothing("an answer by a machine is no failure")
        return self._held(f"{case.recipient or 'somebody'} tells of a new address: ask before you mail it", None, now)

    def _of_answer(self, case: Case, now: datetime) -> Decision:
        """Honour a complaint or an unsubscribe: trust has asked for more before it gave a grade, so forwarding takes nothing away."""
        kind = case.event.kind
        if case.event.verdict.advice is not Advice.SUPPRESS or case.recipient is None:
            return self._held(f"{kind}: whose it is isn't certain", None, now)
        by_mail = kind is Kind.UNSUBSCRIBE and case.standing.account is None  # what an ESP's post tells, the ESP has seen to
        if not case.may_act or (by_mail and case.standing.grade is not Trust.SIGNED):
            return self._held(f"{kind} of grade {case.standing.grade}: it silences people, and anybody could write it", None, now)
        return _suppress(self._entry(case, now, None, case.standing.stream), f"{kind}: {case.standing.because}")

    def _of_bounce(self, case: Case, now: datetime) -> Decision:
        verdict = case.event.verdict
        row = self._rows.get(verdict.reason)
        if not case.blames or (row is None and verdict.reason is not Reason.SUPPRESSED):
            return _nothing(f"{verdict.reason} is not the recipient's fault")
        if self._is_our_fault(case.event):
            return _nothing(f"{verdict.reason}, said by a server of ours")
        if case.recipient is None:
            return self._held("who was mailed isn't known", None, now) if case.may_act else _nothing("nobody is named")
        if row is None:
            return self._mirrored(case, now)
        if case.standing.grade is Trust.PLAUSIBLE:
            return _count(f"{verdict.reason}: counts half, for anybody could have written it")
        return self._of_domain(case, now) or self._of_address(case, row, now)

    def _mirrored(self, case: Case, now: datetime) -> Decision:
        """Copy what an ESP's own list did: no new fact, so it holds for that account alone."""
        account = case.event.verdict.details.list or case.standing.account
        if account is None or not self._is_sure(case):
            return _nothing("an ESP's list stopped the mail, and which account's isn't said")
        return _suppress(self._entry(case, now, None, account), f"suppressed by the ESP, on the list of {account}")

    def _is_sure(self, case: Case) -> bool:
        """Tell whether this event may be enough by itself."""
        verdict = case.event.verdict
        return verdict.advice is Advice.SUPPRESS and self._is_believed(case)

    def _is_believed(self, case: Case) -> bool:
        may_act = case.may_act or (case.standing.grade is Trust.DKIM and self.settings.dkim_acts)
        return may_act and not case.standing.forwarded and case.event.verdict.confidence >= advice_table().sure

    def _of_address(self, case: Case, row: Row, now: datetime) -> Decision:
        verdict, stream = case.event.verdict, case.standing.stream
        sure = self._is_sure(case) and row.suppress is not None
        rule = row.suppress if sure else row.count
        if rule is None:
            return _count(f"{verdict.reason}: repetition suppresses nobody under this preset")
        if self._waits_for_domain(case, row):
            return _count(f"{verdict.reason}: {case.domain_name} as a whole has not failed often enough, or our own look-up sees no fault")
        if row.per_stream and stream is None:
            return _count(f"{verdict.reason}: it holds for one list only, and which isn't known")
        if self._is_believed(case) and any(one.rule in row.once for one in verdict.evidence[:1]):
            rule = msgspec.structs.replace(rule, n=1, span_days=0)
        run = self._run(case, row, rule, now)
        if run is None or not run.reaches(rule):
            return _count(f"{verdict.reason}: {_told(run)} in a row; {rule.n} over {rule.span_days} days suppress")
        because = f"{verdict.reason} ({verdict.confidence:.2f}): {case.standing.because}" if rule.n == 1 else f"{verdict.reason}: {_told(run)} in a row"
        return _suppress(self._entry(case, now, rule.until(now, case.history.lapsed), stream if row.per_stream else None), because)

    def _waits_for_domain(self, case: Case, row: Row) -> bool:
        """Tell whether a fault of the domain says nothing about the address: it isn't sure, or our own look-up contradicts."""
        if row.domain is None or case.event.verdict.scope is not Scope.DOMAIN or case.standing.forwarded:
            return False
        return not self._is_sure(case) or _contradicts(case.domain, row.domain)

    def _run(self, case: Case, row: Row, rule: Rule, now: datetime) -> Run | None:
        reason, stream = case.event.verdict.reason, case.standing.stream
        healed_at = confirmed(case.history, now, self.settings.heal_days, stream if row.per_stream else None)
        counted = [
            one
            for one in case.history.failures
            if (one.reason is reason or (rule.any_reason and self._blames_address(one.reason)))
            and (not row.per_stream or one.stream == stream)
            and (healed_at is None or one.at > healed_at)
        ]
        return in_a_row(self._with_this(case, counted, now), rule.max_gap_days)

    def _blames_address(self, reason: Reason) -> bool:
        row = self._rows.get(reason)
        return row is not None and row.is_of_address

    def _with_this(self, case: Case, failures: Iterable[FailedMailing], now: datetime) -> list[FailedMailing]:
        """Return failures with this one among them once; what history has of it may be less believed."""
        found = self.failure_of(case, now)
        return [one for one in failures if one.mailing != case.mailing] + ([found[0]] if found else [])

    def _domain_rule(self, case: Case) -> DomainRule | None:
        """Return the rule for a fault that is the domain's, where the report is believed enough to blame one."""
        row = self._rows.get(case.event.verdict.reason)
        blames = case.blames and case.event.verdict.scope is Scope.DOMAIN and not self._is_our_fault(case.event)
        believed = case.may_act and not case.standing.forwarded and case.recipient is not None
        return row.domain if row is not None and blames and believed else None

    def _of_domain(self, case: Case, now: datetime) -> Decision | None:
        """Suppress a domain that has failed often enough, if our own look-up agrees; None leaves it to the address."""
        rule = self._domain_rule(case)
        if rule is None or not _agrees(case, rule) or not self._domain_reaches(case, rule):
            return None
        name, past, reason = case.domain_name, case.domain_history, case.event.verdict.reason
        until = rule.until(now, past.lapsed)
        entry = Suppression(domain=name, reason=reason, since=now, until=until, cause=(case.key,), by=BY)
        because = f"{reason} at {name}, {_told(self._domain_run(case, rule))} in a row; our own look-up finds {case.domain and case.domain.state}"
        doubt = self._doubt_about(name, past, now)
        return self._held(f"{because}; but {doubt}", entry, now) if doubt else _suppress(entry, because)

    def _domain_run(self, case: Case, rule: DomainRule) -> Run | None:
        reasons = {case.event.verdict.reason, *rule.alike}
        failures = [one for one in case.domain_history.failures if one.reason in reasons]
        this = self.failure_of(case, case.received_at)
        return in_a_row([*failures, *([this[0]] if this else [])], rule.max_gap_days)

    def _domain_reaches(self, case: Case, rule: DomainRule) -> bool:
        past = case.domain_history
        addresses = max(1, past.addresses + (bool(past.failures) and not case.history.failures))
        if rule.or_addresses is not None and addresses >= rule.or_addresses:
            return True
        run = self._domain_run(case, rule)
        return run is not None and run.reaches(rule) and addresses >= rule.addresses

    def _doubt_about(self, name: str, past: DomainHistory, now: datetime) -> str | None:
        """Return why a domain isn't suppressed without the operator."""
        quiet = self.settings.domain_quiet_days
        doubts = (
            (past.delivered_at is not None and now - past.delivered_at <= timedelta(days=quiet), f"it took mail within {quiet} days"),
            (past.known_addresses > self.settings.domain_addresses, f"{past.known_addresses} addresses of it are known"),
            (provider_of((), name) is not None, "it is a large provider's"),
            (self._protection.covers_domain(name), "addresses of it are protected"),
        )
        return next((doubt for holds, doubt in doubts if holds), None)

    def _guarded(self, case: Case, decision: Decision, now: datetime) -> Decision:
        """Hold what is protected, and leave what is suppressed already."""
        entry = decision.suppression
        if decision.action is not Action.SUPPRESS or entry is None:
            return decision
        active = case.history.active if entry.address else case.domain_history.active
        if any(one.by == BY and (one.reason, one.scope) == (entry.reason, entry.scope) for one in active):
            return _nothing(f"suppressed already: {entry.reason}")
        if entry.address and self._protection.covers(entry.address):
            return self._held(f"{decision.because}; but {entry.address} is protected", entry, now)
        return decision

    def _entry(self, case: Case, now: datetime, until: datetime | None, scope: str | None) -> Suppression:
        reason = case.event.verdict.reason
        return Suppression(address=case.recipient, scope=scope, reason=reason, since=now, until=until, cause=(case.key,), by=BY)

    def _held(self, because: str, entry: Suppression | None, now: datetime) -> Decision:
        return Decision(action=Action.HOLD, because=because, until=now + timedelta(days=self.settings.held_days), suppression=entry)


def at_their_word(event: Event, key: str, now: datetime, by: str) -> Suppression | None:
    """Return the suppression that an event's advice calls for, None where it calls for none or names no address.

    That is for mail that its owner believes, such as a folder read by hand. `now` is when it begins; `by`
    names who decided, in the entry. Never a domain: one report is too little.
    """
    verdict = event.verdict
    if verdict.advice is not Advice.SUPPRESS or event.recipient is None or "@" not in event.recipient:
        return None
    until = now + DOMAIN_TERM if verdict.scope is Scope.DOMAIN else None
    return Suppression(address=event.recipient, reason=verdict.reason, since=now, until=until, cause=(key,), by=by)


def _agrees(case: Case, rule: DomainRule) -> bool:
    """Tell whether our own look-up bears a domain's fault out: by what it finds, or because the host that spoke is the only one."""
    facts = case.domain
    if facts is None:
        return False
    host = (case.event.remote_mta or "").lower().rstrip(".")
    return facts.state in rule.agrees or (rule.host_agrees and facts.state is DomainState.MAIL and facts.hosts == (host,))


def _contradicts(facts: DomainFacts | None, rule: DomainRule) -> bool:
    return facts is not None and facts.state is DomainState.MAIL and DomainState.MAIL not in rule.agrees and not rule.host_agrees


def _suppress(entry: Suppression, because: str) -> Decision:
    return Decision(action=Action.SUPPRESS, because=because, until=entry.until, suppression=entry)


def _count(because: str) -> Decision:
    return Decision(action=Action.COUNT, because=because)


def _nothing(because: str) -> Decision:
    return Decision(action=Action.NONE, because=because)


def _told(run: Run | None) -> str:
    return "nothing" if run is None else f"{run.points:g} failed between {run.first:%Y-%m-%d} and {run.last:%Y-%m-%d}"
