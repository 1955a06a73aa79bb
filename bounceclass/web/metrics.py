"""What `serve` counts, as Prometheus reads it. Labels are the configured instances and closed words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Metrics"]

_BUCKETS: Final = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)


class Metrics:
    """Counts what it is told, and answers a scrape."""

    def __init__(self, waiting: Callable[[], tuple[int, int]]) -> None:
        """Take what tells how much waits in the spool."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # theirs has no annotations
        registry = self._registry = CollectorRegistry()
        self._posts = Counter("bounceclass_web_posts", "Posts of ESPs, by what became of them.", ["instance", "outcome"], registry=registry)
        self._answers = Counter("bounceclass_web_answers", "Requests answered, by status.", ["status"], registry=registry)
        self._seconds = Histogram("bounceclass_web_seconds", "Seconds from a request's head to its answer.", buckets=_BUCKETS, registry=registry)
        self.in_flight = Gauge("bounceclass_web_in_flight", "Requests that are worked on.", registry=registry)
        Gauge("bounceclass_web_spool", "Deliveries that wait in the spool.", registry=registry).set_function(lambda: waiting()[0])
        Gauge("bounceclass_web_spool_octets", "Their octets.", registry=registry).set_function(lambda: waiting()[1])
        ProcessCollector(registry=registry)

    def posted(self, instance: str, outcome: str) -> None:
        """Count a post."""
        self._posts.labels(instance, outcome).inc()

    def answered(self, status: int, seconds: float) -> None:
        """Count an answer."""
        self._answers.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def text(self) -> bytes:
        """Return what Prometheus reads."""
        return generate_latest(self._registry)
