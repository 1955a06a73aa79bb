"""From the store to the summary: one reading of one state of things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.model import Kind, Reason
from bounceclass.summary import charts
from bounceclass.summary.contents import Held, Open, Rates, Rule, Summary, Suppressed, Unknowns
from bounceclass.summary.fixes import MOST, Providers, fixes
from bounceclass.summary.unknowns import MOST_READ, unknowns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bounceclass.settings import Settings
    from bounceclass.store.database import Database
    from bounceclass.store.figures import Entered, Tally
    from bounceclass.store.survey import Survey
    from bounceclass.summary.contents import Quarantined

__all__ = ["compile_summary"]

_MOST_RULES: Final = 3
_LONGEST: Final = 200


def compile_summary(store: Database, settings: Settings, since: datetime, until: datetime, quarantine: Sequence[Quarantined] | None = None) -> Summary:
    """Return what happened from `since` on, `until` left out. `quarantine` is what the sources have there, None where that isn't known."""
    with store.survey(since, until) as survey:
        tallies = survey.tallies()
        ours = charts.believable(tallies)
        failed = charts.failures(ours)
        provider = Providers(settings.own_hosts)
        to_fix = fixes(survey.faults(), provider, survey.examples)
        incidents, held = _held(survey, since)
        return Summary(
            since=since,
            until=until,
            kinds=charts.kinds(ours),
            fix=tuple(to_fix[:MOST]),
            fix_omitted=max(0, len(to_fix) - MOST),
            incidents=incidents,
            held=held,
            suppressions=_suppressions(survey),
            unknowns=_unknowns(survey, failed, settings.limits.rule_text, hashed=store.hashed),
            backscatter=charts.backscatter(tallies, survey.senders()),
            duplicates=charts.duplicates(ours),
            quarantine=None if quarantine is None else tuple(quarantine),
            rates=_rates(survey, ours),
            days=charts.days(ours, since, until),
            reasons=charts.reasons(failed),
            providers=charts.providers(survey.origins(), provider, sum(one.count for one in failed)),
            scopes=charts.scopes(failed),
        )


def _held(survey: Survey, since: datetime) -> tuple[tuple[Open, ...], tuple[Held, ...]]:
    """Return incidents and what waits without one. What incidents of one name hold is told at the last of them."""
    waiting = survey.waiting()
    counts = {one.incident: one.count for one in waiting if one.incident is not None}
    found = [
        Open(name=one.name, because=one.because, since=one.opened_at, until=one.closed_at, held=counts.pop(one.name, 0))
        for one in reversed(survey.incidents())
    ]
    shown = (one for one in reversed(found) if one.held or one.until is None or one.until >= since)
    others = (Held(because=one.because or "", count=one.count, since=one.since, until=one.until) for one in waiting if one.incident is None)
    return tuple(shown), tuple(others)


def _suppressions(survey: Survey) -> tuple[Suppressed, ...]:
    by_reason: dict[str, list[Entered]] = {}
    for one in survey.entered():
        by_reason.setdefault(one.reason, []).append(one)
    shown = [one for rows in by_reason.values() for one in _by_rule(rows)[:_MOST_RULES]]
    texts = {
        key: event.verdict.evidence[0].text
        for key, report in survey.examples([one.key for one in shown if one.key]).items()
        for event in report.events[:1]
        if event.verdict.evidence
    }
    found = [_suppressed(reason, rows, texts) for reason, rows in by_reason.items()]
    return tuple(sorted(found, key=lambda one: (-one.count, one.reason)))


def _by_rule(rows: Sequence[Entered]) -> list[Entered]:
    return sorted((one for one in rows if one.rule), key=lambda one: (-one.count, one.rule))


def _suppressed(reason: str, rows: Sequence[Entered], texts: dict[str, str]) -> Suppressed:
    rules = _by_rule(rows)[:_MOST_RULES]
    return Suppressed(
        reason=reason,
        count=sum(one.count for one in rows),
        domains=sum(one.domains for one in rows),
        by_hand=sum(one.count for one in rows if one.key is None),
        lifted=sum(one.lifted for one in rows),
        rules=tuple(Rule(rule=one.rule or "", pack=one.pack or "", count=one.count, text=texts.get(one.key or "", "")[:_LONGEST] or None) for one in rules),
    )


def _unknowns(survey: Survey, failed: Sequence[Tally], limit: int, *, hashed: bool) -> Unknowns:
    count = sum(one.count for one in failed if one.reason == Reason.UNDETERMINED)
    if hashed:
        return Unknowns(count=count, read=0, by=None, groups=())
    return unknowns(survey.unknown(MOST_READ), count, limit)


def _rates(survey: Survey, ours: Sequence[Tally]) -> Rates:
    """Return shares of what was sent, by the sent log where there is one, else of what was reported if deliveries plainly are."""
    sent = survey.sent()
    if sent.since is not None and sent.count:
        bounces, complaints = survey.failed_since(sent.since)
        return _shares("sent", sent.since, sent.count, bounces, complaints)
    counts = charts.kinds(ours)
    delivered = sum(one.count for one in ours if one.kind == Kind.DELIVERY and one.reason == Reason.DELIVERED)
    if delivered > counts[Kind.BOUNCE]:  # fewer are the few that somebody asked a receipt for
        return _shares("deliveries", None, delivered + counts[Kind.BOUNCE], counts[Kind.BOUNCE], counts[Kind.COMPLAINT])
    return Rates()


def _shares(basis: str, since: datetime | None, of: int, bounces: int, complaints: int) -> Rates:
    rates = {"bounce_rate": round(bounces / of, 5), "complaint_rate": round(complaints / of, 5)}
    return Rates(basis=basis, since=since, of=of, bounces=bounces, complaints=complaints, **rates)
