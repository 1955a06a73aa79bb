"""What a run counts, as Prometheus reads it. Labels have closed vocabularies: no metric grows with who is mailed, or by whom.

Counters follow what was committed; what waits is looked up when somebody asks.
"""

from __future__ import annotations

import platform
from collections import Counter as Tally
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

import bounceclass
from bounceclass.domains import known_providers
from bounceclass.model import Action
from bounceclass.observation import STORE, Batch, Quarantined, Trouble
from bounceclass.service.places import kind_of, label_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from bounceclass.assembly import Parts
    from bounceclass.observation import Observation
    from bounceclass.service.health import Health

__all__ = ["Metrics"]

OTHER: Final = "other"
"""The provider that is none of the known ones."""
_BUCKETS: Final = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)


class Metrics:
    """Counts what the runner tells, and answers a scrape."""

    def __init__(self, health: Health) -> None:
        """Take what knows the state of things."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # theirs has no annotations
        self._health = health
        self._failures: Tally[tuple[str, str]] = Tally()
        self._parts: Parts | None = None
        registry = self._registry = CollectorRegistry()
        self._inputs = Counter("bounceclass_inputs", "Inputs processed, by kind of source.", ["source"], registry=registry)
        self._events = Counter("bounceclass_events", "Events read, known ones too.", ["kind", "reason", "provider"], registry=registry)
        self._duplicates = Counter("bounceclass_duplicates", "Events that were known already.", registry=registry)
        self._decisions = Counter("bounceclass_decisions", "What was decided.", ["action"], registry=registry)
        self._quarantined = Counter("bounceclass_quarantined", "Inputs put into quarantine, by kind of source.", ["source"], registry=registry)
        self._waits = Counter("bounceclass_store_waits", "Attempts at the store that have to be repeated.", registry=registry)
        self._reloads = Counter("bounceclass_reloads", "Configurations read again.", ["outcome"], registry=registry)
        self._seconds = Histogram("bounceclass_batch_seconds", "Seconds from a batch's first byte to its commit.", buckets=_BUCKETS, registry=registry)
        build = Gauge("bounceclass_build_info", "What runs.", ["version", "python"], registry=registry)
        build.labels(bounceclass.__version__, platform.python_version()).set(1)
        for action in Action:
            self._decisions.labels(action.value)
        for outcome in ("used", "refused"):
            self._reloads.labels(outcome)
        ProcessCollector(registry=registry)
        registry.register(_States(self))

    def use(self, parts: Parts) -> None:
        """Count for these parts from now on; what the plugins before them failed at stays counted."""
        if self._parts is not None:
            self._failures += self._parts.engine.plugins.failures
        self._parts = parts
        for source in parts.sources:
            self._inputs.labels(kind_of(source.url))
            self._quarantined.labels(kind_of(source.url))

    def observe(self, observation: Observation) -> None:
        """Count what the runner tells."""
        if isinstance(observation, Batch):
            self._count(observation)
        elif isinstance(observation, Quarantined):
            self._quarantined.labels(kind_of(observation.place)).inc()
        elif isinstance(observation, Trouble) and observation.place == STORE:
            self._waits.inc()

    def _count(self, batch: Batch) -> None:
        known = known_providers()
        self._inputs.labels(kind_of(batch.place)).inc(batch.inputs)
        self._seconds.observe(batch.seconds)
        cases = [case for account in batch.accounts for case in account.cases]
        for case in cases:
            provider = batch.provider(case)
            self._events.labels(case.event.kind.value, case.event.verdict.reason.value, provider if provider in known else OTHER).inc()
        self._duplicates.inc(len(cases) - len(batch.entered))
        for entered in batch.entered:
            self._decisions.labels(entered.decision.action.value).inc()

    def reloaded(self, *, ok: bool) -> None:
        """Count a configuration that was read again."""
        self._reloads.labels("used" if ok else "refused").inc()

    def failures(self) -> Tally[tuple[str, str]]:
        """Return how often which hook of which plugin failed, since the start."""
        return self._failures + Tally(self._parts.engine.plugins.failures) if self._parts else self._failures

    def text(self) -> bytes:
        """Return all of it in the text format."""
        return generate_latest(self._registry)

    def families(self) -> Iterator[Metric]:
        """Yield what is looked up: plugins, sources, and what waits."""
        failures = CounterMetricFamily("bounceclass_plugin_failures", "Calls that did not do their work.", labels=["plugin", "hook"])
        for (plugin, hook), number in self.failures().items():
            failures.add_metric([plugin, hook], number)
        yield failures
        plugins = {name: float(why is None) for name, why in self._health.plugins().items()}
        yield _gauges("bounceclass_plugin_up", "Whether a plugin is called.", "plugin", plugins)
        paused = {name: float(until is not None) for name, until in self._health.paused().items()}
        yield _gauges("bounceclass_plugin_paused", "Whether its calls wait, because others failed one after the other.", "plugin", paused)
        states = self._health.states()
        store = states.pop(STORE)
        yield GaugeMetricFamily("bounceclass_store_up", "Whether the store can be used.", float(store.fault is None))
        sources = {label_of(url): float(one.fault is None) for url, one in states.items()}
        yield _gauges("bounceclass_source_up", "Whether a source can be read.", "source", sources)
        last = {label_of(url): one.last_success.timestamp() for url, one in states.items() if one.last_success}
        yield _gauges("bounceclass_source_last_success_timestamp_seconds", "When a source was last read to its end.", "source", last)
        yield from self._backlog()

    def _backlog(self) -> Iterator[Metric]:
        backlog, now = self._health.backlog(), datetime.now(UTC)
        if backlog is None:
            return
        ages = {name: (now - one.oldest).total_seconds() if one.oldest else 0.0 for name, one in backlog.plugins.items()}
        yield _gauges("bounceclass_outbox_depth", "Calls that wait.", "plugin", {name: one.calls for name, one in backlog.plugins.items()})
        yield _gauges("bounceclass_outbox_oldest_seconds", "How long the oldest waits.", "plugin", ages)
        yield _gauges("bounceclass_outbox_dead", "Calls that were given up.", "plugin", {name: one.dead for name, one in backlog.plugins.items()})
        yield GaugeMetricFamily("bounceclass_held", "Decisions that wait for somebody.", backlog.held)


class _States:
    """The collector of what is looked up."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return self._metrics.families()

    def describe(self) -> Iterator[Metric]:
        return iter(())


def _gauges(name: str, text: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
