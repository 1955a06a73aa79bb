"""Which members a bounce counts against: our reader, judge and trust on one mail to a list's bounce address. Pure; knows nothing of Mailman.

    a tag of ours          counts against whom it names, whatever the report says
    Mailman's own VERP     counts against whom it names, where the report names the same: anybody can write such an address
    neither                counts against whom the report names, where the mail that came back is ours

What the policy may suppress for at once (a dead address) counts. What may pass (a full mailbox) counts from when it has failed as often
and as long as the policy asks for. A fault of the sender never does. How many of them disable a member is left to Mailman.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.case import ACTING, Case
from bounceclass.engine import Engine
from bounceclass.eventkey import event_key, mailing_of
from bounceclass.model import Advice, Event, Kind, Reason, Trust
from bounceclass.policy import Policy
from bounceclass.presets import rows_for
from bounceclass.protocols import Item
from bounceclass.repetition import in_a_row
from bounceclass.tags import read_keys
from bounceclass.trust import Assessor, Lookups, Standing
from bounceclass.wrapping import addresses_in, same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from bounceclass.config import Configuration
    from bounceclass.history import FailedMailing
    from bounceclass.model import Report
    from bounceclass.tags import Lookup

__all__ = ["Counting", "Finding", "Reading", "To"]

_DOUBTS: Final = frozenset({"tag-forged", "tag-expired", "tag-from-the-future", "verp-differs", "own-mta-from-outside"})
"""Alarms with which nothing that anybody could have written counts."""
_SILENT: Final = frozenset({Kind.DELAY, Kind.DELIVERY, Kind.RECEIPT, Kind.AUTO_REPLY})


class To(msgspec.Struct, frozen=True, kw_only=True):
    """Where a bounce was sent to: the list's names, its mail host, and whom the VERP addresses name that Mailman found."""

    names: tuple[str, ...]
    host: str
    verp: frozenset[str] = frozenset()
    addressee: Lookup | None = None
    """Whose a fingerprint in a tag is."""
    past: Callable[[str], tuple[FailedMailing, ...]] = lambda _member: ()
    """What is remembered to have failed to a member of this list."""


class Finding(msgspec.Struct, frozen=True):
    """One event of a bounce: whom it counts against, null where nobody, and why.

    `blames`: the verdict alone would count, were it believed; `noted`: whom of a failure that may pass, and what to remember of it.
    """

    event: Event
    member: str | None
    because: str
    blames: bool = False
    noted: tuple[str, FailedMailing] | None = None


class Reading(msgspec.Struct, frozen=True):
    """What one mail says: its findings, and whether it is for people to look at."""

    findings: tuple[Finding, ...]
    is_open: bool

    @property
    def members(self) -> tuple[str, ...]:
        """Whom it counts against, each once."""
        return tuple(dict.fromkeys(one.member for one in self.findings if one.member is not None))

    @property
    def noted(self) -> tuple[tuple[str, FailedMailing], ...]:
        """What of it may pass and is to be remembered: of whom, and what."""
        return tuple(one.noted for one in self.findings if one.noted is not None)

    @property
    def blames(self) -> bool:
        """Whether it would count if all of it were believed."""
        return any(one.blames for one in self.findings)


class Counting:
    """A configuration made ready, once."""

    def __init__(self, configuration: Configuration) -> None:
        """Build the engine; raises SettingsError and KnowledgeError as that does."""
        self._configuration = configuration
        self._engine = Engine(configuration)
        self._policy = Policy(configuration, configuration.trust, configuration.policy)
        self._rows = rows_for(configuration.policy)
        self.keys: Final = read_keys(configuration.trust.keys, os.environ)
        self._assessors: dict[str, Assessor] = {}

    def read(self, raw: bytes, to: To, now: datetime, source: str | None = None) -> Reading:
        """Return what a mail to a list's bounce address says, and whom it counts against."""
        report = self._engine.classify(raw, source)
        standings = self._assessor(to.host).assess(report, Item(raw=raw, source=source or ""), now.date(), Lookups(addressee=to.addressee))
        findings = tuple(self._findings(report, standings, to, now))
        return Reading(findings, is_open=report.kind not in _SILENT and not any(_is_understood(event) for event in report.events))

    def _assessor(self, host: str) -> Assessor:
        if host not in self._assessors:
            trust = self._configuration.trust
            ours = msgspec.structs.replace(trust, domains=(*trust.domains, host))
            self._assessors[host] = Assessor(self._configuration, ours, self.keys)
        return self._assessors[host]

    def _findings(self, report: Report, standings: tuple[Standing, ...], to: To, now: datetime) -> Iterator[Finding]:
        for event, standing in zip(report.events, standings, strict=True):
            failure = self._failure(report, event, standing, now)
            if failure is None:
                said = f"{event.verdict.reason} is not the recipient's fault" if event.kind is Kind.BOUNCE else f"{event.kind} is no failure"
                yield Finding(event, None, said)
                continue
            member, because = self._member(report, event, standing, to)
            at_once = self._rows[failure.reason].suppress is not None
            if at_once or member is None:
                yield Finding(event, member, because, blames=at_once)
            else:
                reached, told = self._repeated(failure, to.past(member))
                yield Finding(event, member if reached else None, told, noted=(member, failure))

    def _failure(self, report: Report, event: Event, standing: Standing, now: datetime) -> FailedMailing | None:
        """Return the failed mailing that an event tells of, whoever is meant; None where nobody is to blame for it."""
        proved = Standing(grade=Trust.SIGNED, recipient="somebody@example.com", because="")
        case = Case(event=event, standing=proved, key=event_key(report, event), mailing=mailing_of(report, standing.tag), received_at=now)
        found = self._policy.failure_of(case, now)
        return found[0] if found else None

    def _repeated(self, failure: FailedMailing, past: tuple[FailedMailing, ...]) -> tuple[bool, str]:
        """Tell whether what may pass has failed as often as the policy asks for, and say how often that is."""
        row = self._rows[failure.reason]
        rule = row.count
        if rule is None:
            return False, f"{failure.reason} may pass"
        alike = {failure.reason, *(row.domain.alike if row.domain else ())}
        before = [one for one in past if one.mailing != failure.mailing and (rule.any_reason or one.reason in alike)]
        run = in_a_row([*before, failure], rule.max_gap_days)
        points = run.points if run else 0
        said = f"{failure.reason} may pass: {points:g} in a row; {rule.n} over {rule.span_days} days count"
        return run is not None and run.reaches(rule), said

    def _member(self, report: Report, event: Event, standing: Standing, to: To) -> tuple[str | None, str]:
        """Return whom a failure is about, as far as it is believed, and why."""
        if standing.grade is Trust.SIGNED:
            ours = standing.stream is None or standing.stream in to.names
            return (standing.recipient, standing.because) if ours else (None, f"the tag is of the list {standing.stream}")
        member = next((one for one in to.verp if _names(report, event, one)), None)
        if to.verp and member is None:
            return None, "the return path names another than the report"
        # That the VERP differs was told of the recipient that the report names; the mail that came back may name the member.
        alarms = {alarm for alarm in standing.alarms if alarm in _DOUBTS and not (member and alarm == "verp-differs")}
        if standing.grade not in ACTING and (alarms or self.keys):
            return None, ", ".join(sorted(alarms)) or "it has no tag of ours, and keys are configured"
        if member is not None:
            return member, "the return path and the report name the same"
        return (None if standing.grade is Trust.NONE else standing.recipient), standing.because


def _names(report: Report, event: Event, member: str) -> bool:
    """Tell whether a report names a member, or the returned mail is to nobody else."""
    if same(event.recipient, member) or same(event.original_recipient, member):
        return True
    returned = addresses_in(report.original.to or "") if report.original else []
    return len(returned) == 1 and same(returned[0], member)


def _is_understood(event: Event) -> bool:
    """Tell whether nobody needs to look at an event."""
    verdict = event.verdict
    failed = event.kind is Kind.BOUNCE and verdict.reason is not Reason.UNDETERMINED and verdict.advice is not Advice.REVIEW
    return failed or event.kind in _SILENT
