"""The incident guard: a jump in decisions holds them, for then it is rather the provider that is ill, or we are.

Decisions to suppress are counted by reason and hour, at four places: the provider whose servers
spoke (the organisation of the MX host, for its tenants fail together), the domain, the stream, and
everywhere. It trips where within an hour or a day there are `incident_least` and more than
`incident_times` what 28 days have led to expect. Only believed events count: else a forger could
freeze the list, or hide in it. Complaints and unsubscribes are never held.

Pure: the counts are the caller's, a store's `brake` or `Counts`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from bounceclass.domains import organisation, provider_of
from bounceclass.judge import host_is_ours
from bounceclass.model import Action, Decision, Reason, Suppression

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bounceclass.case import Case
    from bounceclass.presets import PolicySettings

__all__ = ["MEMORY", "Checked", "Counters", "Counts", "Guard", "dropped", "released"]

MEMORY: Final = timedelta(days=28)
"""How long counts are of use, before the day that is looked at."""
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

_NEVER_HELD: Final = frozenset({Reason.COMPLAINT, Reason.UNSUBSCRIBE})
_HELD: Final = "held: "


class Counters(Protocol):
    """Counts by name and hour; `ledger.brake` of the store is one."""

    def tally(self, counter: str, at: datetime, number: int = 1) -> None:
        """Add to what a counter has for the hour of `at`."""
        ...

    def tallied(self, counter: str, since: datetime, until: datetime) -> int:
        """Return what a counter has for the hours that begin within a span, its end left out."""
        ...


class Counts(msgspec.Struct):
    """Counters in memory: what a dry run and a replay use."""

    counts: dict[str, dict[datetime, int]] = {}

    def tally(self, counter: str, at: datetime, number: int = 1) -> None:
        """Add to what a counter has for the hour of `at`."""
        hours = self.counts.setdefault(counter, {})
        hours[_hour(at)] = hours.get(_hour(at), 0) + number

    def tallied(self, counter: str, since: datetime, until: datetime) -> int:
        """Return what a counter has for the hours that begin within a span, its end left out."""
        return sum(number for hour, number in self.counts.get(counter, {}).items() if since <= hour < until)


class Checked(msgspec.Struct, frozen=True):
    """A decision, held or as it was; `incident` names what holds it, as a store opens it."""

    decision: Decision
    incident: str | None = None


class Guard:
    """The numbers of the settings made ready; it remembers nothing itself."""

    def __init__(self, settings: PolicySettings, own_hosts: Sequence[str] = ()) -> None:
        """Take how much is an incident. `own_hosts` are our mail servers: what they say of others is not theirs."""
        self._settings = settings
        self._own_hosts = own_hosts

    def check(self, decision: Decision, case: Case, now: datetime, counters: Counters, incidents: Collection[str] = ()) -> Checked:
        """Count a decision and hold it where it is one too many, or where one of the `incidents` that are open covers it."""
        entry = decision.suppression
        watched = decision.action is Action.SUPPRESS and entry is not None and entry.reason not in _NEVER_HELD
        if not watched or entry is None or not case.may_act:
            return Checked(decision)
        names = self.names(case, entry.reason)
        tripped = next((name for name in names if name in incidents), None) or self._tripped(names, now, counters)
        if tripped is None:
            for name in names:
                counters.tally(name, now)
            return Checked(decision)
        self._take_out(tripped, names, now, counters)
        counters.tally(_HELD + tripped, now)
        because = f"{decision.because}; but held, for there are too many: {tripped}"
        until = now + timedelta(days=self._settings.held_days)
        return Checked(Decision(action=Action.HOLD, because=because, until=until, suppression=entry), tripped)

    def has_calmed(self, incident: str, now: datetime, counters: Counters) -> bool:
        """Tell whether an incident may be closed: what it holds included, no hour and no day up to now would trip."""
        return self._window(incident, now, counters, 0) is None

    def names(self, case: Case, reason: Reason) -> tuple[str, ...]:
        """Return the names of the incidents that a decision may be part of, the provider's first and the widest last."""
        places = [f"provider {self.provider(case)}", f"domain {case.domain_name}"]
        if case.standing.stream is not None:
            places.append(f"stream {case.standing.stream}")
        return tuple(f"{reason}, {place}" for place in (*places, "everywhere"))

    def provider(self, case: Case) -> str:
        """Name the organisation whose servers spoke: a provider that we know, else who has the MX host, else the domain's."""
        told = (case.event.remote_mta, *(case.domain.hosts if case.domain else ()))
        hosts = [host for host in told if host and host.rstrip(".").rpartition(".")[2].isalpha() and not host_is_ours(host, self._own_hosts)]
        return provider_of(hosts, case.domain_name) or organisation(hosts[0] if hosts else case.domain_name)

    def _tripped(self, names: Sequence[str], now: datetime, counters: Counters) -> str | None:
        """Return where there is one too many: at the first place that trips, or at one before it that has half of it, for then the storm is there."""
        for place, name in enumerate(names):
            since = self._window(name, now, counters, 1)
            if since is not None:
                span = since, _hour(now) + HOUR
                count = counters.tallied(name, *span)
                return next(one for one in names[: place + 1] if 2 * counters.tallied(one, *span) >= count)
        return None

    def _take_out(self, tripped: str, names: Sequence[str], now: datetime, counters: Counters) -> None:
        """Take what led to an incident out of the other places, once: it is no storm of theirs."""
        if counters.tallied(_HELD + tripped, *_last_day(now)):
            return
        led = counters.tallied(tripped, *_last_day(now))
        for name in names:
            if name != tripped and led:
                counters.tally(name, now, -min(led, counters.tallied(name, *_last_day(now))))

    def _window(self, name: str, now: datetime, counters: Counters, more: int) -> datetime | None:
        """Return when the last day began, or the hour before this one, if there were too many since, with so many `more`; else None."""
        until = _hour(now) + HOUR
        for length in (DAY, HOUR):
            since = _hour(now) - length
            count = more + counters.tallied(name, since, until) + counters.tallied(_HELD + name, since, until)
            if count < self._settings.incident_least:
                return None
            usual = counters.tallied(name, since - MEMORY, since) * ((now - since) / MEMORY)
            if count > self._settings.incident_times * usual:
                return since
        return None


def released(held: Suppression, now: datetime) -> Decision:
    """Return what a held entry becomes when the operator lets it go: it begins now, and holds as long as it would have."""
    until = now + (held.until - held.since) if held.until is not None else None
    entry = msgspec.structs.replace(held, since=now, until=until)
    return Decision(action=Action.SUPPRESS, because="held, and released", until=until, suppression=entry)


def dropped(because: str = "nobody released it in time") -> Decision:
    """Return what a held decision becomes otherwise."""
    return Decision(action=Action.NONE, because=f"held, and dropped: {because}")


def _last_day(now: datetime) -> tuple[datetime, datetime]:
    return _hour(now) - DAY, _hour(now) + HOUR


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
