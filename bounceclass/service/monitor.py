"""Who watches a run from outside: health as JSON and metrics for Prometheus, on one port, where `[run] metrics` names one.

    /health     200 where all is well, else 503, and what is wrong
    /metrics    counters, in the text format of Prometheus

Neither tells who was mailed.
"""

from __future__ import annotations

import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.errors import MissingExtraError
from bounceclass.service.health import Health
from bounceclass.service.port import Page, Port, parse_address

if TYPE_CHECKING:
    from bounceclass.assembly import Parts
    from bounceclass.config import Configuration
    from bounceclass.observation import Observation
    from bounceclass.service.concealment import Concealment
    from bounceclass.service.metrics import Metrics

__all__ = ["Monitor"]

LOG: Final = logging.getLogger("bounceclass")


class Monitor:
    """Keeps what is to be shown, and shows it where that is wanted."""

    def __init__(self) -> None:
        """Begin without a port."""
        self._health = Health()
        self._metrics: Metrics | None = None
        self._port: Port | None = None
        self._address: str | None = None
        self._conceal: Concealment | None = None
        self._backlog_seconds = 0.0

    def serve(self, configuration: Configuration, conceal: Concealment) -> None:
        """Listen where a configuration says, and no longer where one before it did. Raises SettingsError where that can't be done."""
        address = configuration.run.metrics
        if address != self._address:
            port = self._listen(address) if address else None
            self.close()
            self._port, self._address = port, address
        self._conceal = conceal
        self._backlog_seconds = configuration.run.backlog_seconds

    def _listen(self, address: str) -> Port:
        if not ip_address(parse_address(address)[0]).is_loopback:
            LOG.warning("run.metrics: %s is open to others than this machine, and asks nobody who they are", address)
        if self._metrics is None:
            self._metrics = _metrics(self._health)
        metrics = self._metrics
        return Port(address, {"/health": self._report, "/metrics": lambda: ("200 OK", "text/plain; version=0.0.4; charset=utf-8", metrics.text())})

    def use(self, parts: Parts) -> None:
        """Watch these parts from now on."""
        self._health.use(parts)
        if self._metrics is not None:
            self._metrics.use(parts)

    def observe(self, observation: Observation) -> None:
        """Note what the runner tells."""
        self._health.observe(observation)
        if self._metrics is not None:
            self._metrics.observe(observation)

    def alive(self) -> None:
        """Note a sign of life."""
        self._health.alive()

    def reloaded(self, *, ok: bool) -> None:
        """Note that a configuration was read again, and whether it is used."""
        if self._metrics is not None:
            self._metrics.reloaded(ok=ok)

    def close(self) -> None:
        """Listen no longer."""
        if self._port is not None:
            self._port.close()
            self._port = self._address = None

    def _report(self) -> Page:
        report = self._health.report(self._backlog_seconds)
        body = msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"
        if self._conceal is not None:
            body = self._conceal.text(body)
        return "200 OK" if report["ok"] else "503 Service Unavailable", "application/json", body.encode()


def _metrics(health: Health) -> Metrics:
    try:
        from bounceclass.service.metrics import Metrics  # noqa: PLC0415  an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "prometheus_client", "mailbox") from error
    return Metrics(health)
