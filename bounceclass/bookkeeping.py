"""From an input to what is kept of it: read, assessed, looked up, and entered into the ledger as one.

`prepare` reads and asks the sent log, `check_domains` asks DNS: neither writes. `enter` stands within one transaction.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from bounceclass.case import Case
from bounceclass.domains import DomainFacts  # noqa: TC001  msgspec reads the annotations at run time
from bounceclass.eventkey import event_key, mailing_of
from bounceclass.history import DomainHistory, Occurrence, Sighting
from bounceclass.model import Action, Decision, Kind, Reason, Report, Scope, Trust
from bounceclass.policy import BY
from bounceclass.store.records import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from bounceclass.engine import Engine
    from bounceclass.incident import Guard
    from bounceclass.model import Event, Suppression
    from bounceclass.outgoing import Outgoing
    from bounceclass.policy import Policy
    from bounceclass.protocols import Item
    from bounceclass.store.database import Database
    from bounceclass.store.ledger import Ledger
    from bounceclass.trust import Assessor, Standing

__all__ = ["Account", "Bookkeeper", "DomainChecker", "Entered"]

LOG: Final = logging.getLogger("bounceclass")
_GRADES: Final = tuple(Trust)
QUEUES: Final = frozenset({"postfix-log"})
"""Logs whose events are named by the queue id, which the DSN of the same failure has, too (X-Postfix-Queue-ID)."""


class DomainChecker(Protocol):
    """Asks our resolvers whether domains take mail."""

    def check(self, domains: Iterable[str], now: datetime) -> Mapping[str, DomainFacts]:
        """Return what they say of each."""


class Account(msgspec.Struct, frozen=True):
    """What one input told: its report, and each event as it is to be entered."""

    report: Report
    cases: tuple[Case, ...]


class Entered(msgspec.Struct, frozen=True):
    """An event that was entered, and what was decided about it; `incident` is what holds it."""

    report: Report
    case: Case
    decision: Decision
    incident: str | None


class Bookkeeper:
    """All that decides, made ready once; may be shared by threads."""

    def __init__(self, engine: Engine, assessor: Assessor, policy: Policy, guard: Guard, outgoing: Outgoing) -> None:
        """Take what reads, what trusts, what decides, what holds, and what passes on."""
        self._engine = engine
        self._assessor = assessor
        self._policy = policy
        self._guard = guard
        self._outgoing = outgoing

    def prepare(self, item: Item, store: Database, now: datetime) -> list[Account]:
        """Read an input and find out how far each event of it is believed; writes nothing. There is one account for each report."""
        if item.reader is not None:
            item = msgspec.structs.replace(item, reports=item.reader(), reader=None)
        if item.reports is None:
            return [self._account(self._engine.classify(item.raw, item.source, cut=item.cut), item, store, now)]
        return [self._account(self._engine.judge(report), item, store, now) for report in item.reports]

    def _account(self, report: Report, item: Item, store: Database, now: datetime) -> Account:
        standings = self._assessor.assess(report, item, now.date(), store.lookups())
        plugins = self._engine.plugins.trust(report, item)
        received_at = min(item.received_at or now, now)
        cases = (_case(report, event, _raised(one, plugins, event), received_at) for event, one in zip(report.events, standings, strict=True))
        return Account(report, tuple(cases))

    def contradictions(self, account: Account) -> int:
        """Count the events of which an ESP says something else than our verdict."""
        return self._engine.contradictions(account.report)

    def check_domains(self, accounts: Iterable[Account], store: Database, checker: DomainChecker, now: datetime) -> list[Account]:
        """Ask DNS about the domains that something depends on; return the accounts with what it says."""
        accounts = list(accounts)
        wanted = {id(case): domain for account in accounts for case in account.cases if (domain := self._domain_to_ask(case, store, now))}
        if not wanted:
            return accounts
        facts = checker.check(set(wanted.values()), now)
        return [
            msgspec.structs.replace(
                account,
                cases=tuple(msgspec.structs.replace(case, domain=facts[wanted[id(case)]]) if id(case) in wanted else case for case in account.cases),
            )
            for account in accounts
        ]

    def _domain_to_ask(self, case: Case, store: Database, now: datetime) -> str | None:
        if case.event.verdict.scope is not Scope.DOMAIN or case.recipient is None:
            return None
        past = msgspec.structs.replace(
            case, history=store.history(case.recipient, case.standing.stream, now), domain_history=store.domain_history(case.domain_name, now)
        )
        return self._policy.domain_to_ask(past, now)

    def enter(
        self, ledger: Ledger, accounts: Iterable[Account], now: datetime, note: Callable[[Entered], None] = lambda _entered: None
    ) -> Iterator[Decision]:
        """Enter accounts into the ledger; yield the decision about each event that is new, or that is told anew and graver. `note` is told the same in full."""
        incidents = {one.name for one in ledger.brake.incidents()}
        for account in accounts:
            for case in account.cases:
                occurrence = _occurrence(account.report, case)
                sighting = ledger.seen(occurrence)
                if sighting is not Sighting.AGAIN:
                    entered = self._decide(ledger, occurrence, case, incidents, now)
                    note(entered)
                    yield entered.decision

    def _decide(self, ledger: Ledger, occurrence: Occurrence, case: Case, incidents: set[str], now: datetime) -> Entered:
        for alarm in case.standing.alarms:
            ledger.log(_entry(case, now, "alarm", alarm))
        if case.standing.tag is not None and case.event.recipient is not None:
            ledger.record_named(case.standing.tag, case.event.recipient)
        if case.event.kind is Kind.BOUNCE and case.event.id is not None and case.recipient is not None and occurrence.report.format in QUEUES:
            ledger.record_queue(case.event.id, case.recipient, case.received_at)
        case = self._with_history(ledger, case, now) if self._needs_history(ledger, case, now) else case
        failure = self._policy.failure_of(case, now)
        if failure is not None and case.recipient is not None:
            ledger.record_failure(case.recipient, *failure)
        checked = self._guard.check(self._policy.decide(case, now), case, now, ledger.brake, incidents)
        if checked.incident is not None and checked.incident not in incidents:
            incidents.add(checked.incident)
            ledger.brake.open(checked.incident, now, checked.decision.because)
            ledger.log(Entry(at=now, by=BY, what="incident", why=checked.incident))
            LOG.warning("incident: %s: further decisions of its kind are held", checked.incident, extra={"incident": checked.incident})
        self._carry_out(ledger, case, checked.decision, checked.incident, now)
        ledger.record_decision(case.key, checked.decision)
        self._outgoing.tell(ledger, occurrence)
        return Entered(occurrence.report, case, checked.decision, checked.incident)

    def _needs_history(self, ledger: Ledger, case: Case, now: datetime) -> bool:
        """Record a delivery; tell whether what is known of the address can change what follows. Most deliveries are of people about whom nothing is known."""
        if case.recipient is None or not self._policy.is_delivery(case, now):
            return True
        return ledger.record_delivery(case.recipient, case.mailing, case.received_at, case.standing.stream)

    def _with_history(self, ledger: Ledger, case: Case, now: datetime) -> Case:
        if case.recipient is None:
            return case
        past = ledger.history(case.recipient, case.standing.stream, now)
        of_domain = ledger.domain_history(case.domain_name, now) if case.event.verdict.scope is Scope.DOMAIN else DomainHistory()
        return msgspec.structs.replace(case, history=past, domain_history=of_domain, mailing=ledger.mailing(case.mailing))

    def _carry_out(self, ledger: Ledger, case: Case, decision: Decision, incident: str | None, now: datetime) -> None:
        entry = decision.suppression
        if decision.action is Action.HOLD:
            ledger.brake.hold(case.key, decision, now, incident)
        elif decision.action is Action.SUPPRESS and entry is not None:
            self.suppress(ledger, entry, decision.because, case.key, provider=self._guard.provider(case))
        elif decision.action is Action.RELEASE and case.recipient is not None:
            self.heal(ledger, case.recipient, {case.standing.stream}, now)

    def suppress(self, ledger: Ledger, entry: Suppression, because: str, key: str, *, provider: str | None = None) -> None:
        """Enter a suppression and tell the plugins; what an ESP's own list did is copied, and told to nobody."""
        mirrored = entry.reason is Reason.SUPPRESSED
        ledger.suppress(entry, account=entry.scope if mirrored else None, provider=provider)
        ledger.log(Entry(at=entry.since, by=entry.by, what="suppress", why=because, address=entry.address, domain=entry.domain, event=key))
        if not mirrored:
            self._outgoing.suppress(ledger, entry, key)

    def lapse(self, ledger: Ledger, now: datetime) -> int:
        """Tell the plugins of entries that have run out; return how many. Those of ESPs' own lists are theirs to end."""
        number = 0
        while over := ledger.lapse(now):
            number += len(over)
            for entry in over:
                if entry.reason is not Reason.SUPPRESSED:
                    self._outgoing.release(ledger, entry, now)
        return number

    def heal(self, ledger: Ledger, address: str, streams: Iterable[str | None], now: datetime) -> int:
        """Lift what a confirmed delivery to an address lifts on some streams, and tell the plugins; return how many entries that were."""
        found = [decision for stream in streams for decision in self._policy.healed(ledger.history(address, stream, now), now)]
        decisions = [decision for at, decision in enumerate(found) if decision not in found[:at]]  # what holds for all streams is in the history of each
        for decision in decisions:
            if (entry := decision.suppression) is not None:
                ledger.release(entry, at=now, by=BY)
                ledger.log(Entry(at=now, by=BY, what="release", why=decision.because, address=address))
                self._outgoing.release(ledger, entry, now)
        if decisions:
            ledger.heal(address, now)
        return len(decisions)


def _case(report: Report, event: Event, standing: Standing, received_at: datetime) -> Case:
    key = event_key(report, event, standing.recipient, standing.tag)
    return Case(event=event, standing=standing, key=key, mailing=mailing_of(report, standing.tag), received_at=received_at)


def _raised(standing: Standing, grade: Trust, event: Event) -> Standing:
    """Take the grade of a plugin where it is higher than ours; then who is named was mailed, unless we know better."""
    if _GRADES.index(grade) >= _GRADES.index(standing.grade):
        return standing
    named = standing.recipient or event.original_recipient or event.recipient
    return msgspec.structs.replace(standing, grade=grade, recipient=named, because=f"a plugin says {grade}")


def _occurrence(report: Report, case: Case) -> Occurrence:
    return Occurrence(
        key=case.key,
        report=report,
        event=case.event,
        addressed=case.recipient or case.event.original_recipient or case.event.recipient,
        stream=case.standing.stream,
        mailing=case.mailing,
        grade=case.standing.grade,
        at=case.received_at,
    )


def _entry(case: Case, now: datetime, what: str, why: str, **more: Any) -> Entry:  # noqa: ANN401  fields of Entry
    return Entry(at=now, by=BY, what=what, why=why, address=case.recipient, event=case.key, **more)
