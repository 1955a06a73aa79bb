"""What a run shows of itself: counters that are exact, and health that goes and comes back."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import bounceclass
from bounceclass.errors import SettingsError, StoreError
from bounceclass.observation import STORE, Sound, Trouble
from bounceclass.service.health import Health
from bounceclass.service.places import kind_of, label_of
from bounceclass.service.port import Port, parse_address
from bounceclass.store.backlog import Backlog, Waiting
from tests.runner.conftest import ROOT, Sink, bounce
from tests.service.conftest import Running, until

MINUTE = timedelta(minutes=1)


def test_what_is_scraped_is_what_was_done(running: Running, sink: Sink) -> None:
    for number, (name, reply) in enumerate(
        [
            ("ruth@example.org", "550 5.1.1 User unknown"),
            ("paul@gmail.com", "550 5.1.1 User unknown"),
            ("eve@example.org", "550 5.7.1 Client host [192.0.2.7] blocked using list.example"),
            ("adam@example.org", "552 5.2.2 Mailbox full"),
        ]
    ):
        running.place.put(bounce(number, name, reply))
    running.place.put(bounce(0, "ruth@example.org", subject="Postmaster Copy: Undelivered Mail"))
    running.write(run="batch = 2", more=f'[plugins.exec]\nurl = "{sink.url}"\nhooks = ["bounce", "suppress"]\n[policy]\nprotect = ["*@gmail.com"]')
    running.config.write_text(running.config.read_text().replace("policy = { incident_least = 10000, max_age_days = 3650 }", "").replace("[policy]", "[policy]\nmax_age_days = 3650"))
    sink.stop()  # the plugin can reach nobody
    running.start()
    until(lambda: running.metrics().get("plugin_failures_total{hook=bounce,plugin=exec}") == 3, "the calls")
    until(lambda: running.metrics()["outbox_depth{plugin=exec}"] == 5 and running.metrics()["outbox_oldest_seconds{plugin=exec}"] > 0, "what waits")  # looked up once a second
    found = running.metrics()
    last = found.pop(f"source_last_success_timestamp_seconds{{source={running.place.url}}}")
    assert time.time() - 30 < last <= time.time()
    assert 0 < found.pop("batch_seconds_sum") < 60
    assert 0 < found.pop("outbox_oldest_seconds{plugin=exec}") < 60
    buckets = [found.pop(name) for name in [*found] if name.startswith("batch_seconds_bucket")]
    assert (sorted(buckets), buckets[-1]) == (buckets, 3)
    assert found.pop(f"build_info{{python={platform.python_version()},version={bounceclass.__version__}}}") == 1
    assert found == {
        "inputs_total{source=maildir}": 5,
        "events_total{kind=bounce,provider=other,reason=user-unknown}": 2,
        "events_total{kind=bounce,provider=google,reason=user-unknown}": 1,
        "events_total{kind=bounce,provider=other,reason=ip-blocked}": 1,
        "events_total{kind=bounce,provider=other,reason=mailbox-full}": 1,
        "duplicates_total": 1,
        "decisions_total{action=suppress}": 1,
        "decisions_total{action=release}": 0,
        "decisions_total{action=count}": 1,
        "decisions_total{action=hold}": 1,
        "decisions_total{action=none}": 1,
        "held": 1,
        "quarantined_total{source=maildir}": 0,
        "store_waits_total": 0,
        "reloads_total{outcome=used}": 0,
        "reloads_total{outcome=refused}": 0,
        "batch_seconds_count": 3,
        "plugin_failures_total{hook=bounce,plugin=exec}": 3,  # the fourth waits for what is first about its address
        "plugin_failures_total{hook=suppress,plugin=exec}": 1,
        "plugin_up{plugin=exec}": 1,
        "plugin_paused{plugin=exec}": 0,
        "outbox_depth{plugin=exec}": 5,
        "outbox_dead{plugin=exec}": 0,
        "store_up": 1,
        f"source_up{{source={running.place.url}}}": 1,
    }
    page = (ROOT / "docs/service.md").read_text(encoding="utf-8")
    counted = {name.partition("{")[0].removesuffix("_count") for name in running.metrics() if not re.search(r"_(?:bucket|sum)\b", name)}
    assert [name for name in sorted(counted) if f"`bounceclass_{name}`" not in page] == []
    assert running.end() == 0


def test_a_plugin_that_can_reach_nobody_is_paused_and_that_alone_is_no_fault(running: Running, sink: Sink) -> None:
    for number in range(8):
        running.place.put(bounce(number, f"user{number}@example.org", "550 5.1.1 User unknown"))
    running.write(more=f'[plugins.exec]\nurl = "{sink.url}"\nhooks = ["bounce"]')
    sink.stop()
    running.start()
    until(lambda: running.metrics().get("plugin_paused{plugin=exec}") == 1, "the pause")
    code, told = running.health()
    assert (code, [(one["ok"], bool(one["paused_until"])) for one in told["plugins"]]) == (200, [(True, True)])
    assert running.metrics()["plugin_failures_total{hook=bounce,plugin=exec}"] == 5
    assert running.said("plugin exec: 5 calls in a row did not come through")
    assert running.end() == 0


def test_health_goes_and_comes_back_with_a_mailbox(running: Running) -> None:
    running.start()
    until(lambda: running.health()[0] == 200 and running.health()[1]["sources"][0]["last_success"], "health")
    away = running.place.path.with_name("away")
    running.place.path.rename(away)
    until(lambda: running.health()[0] == 503, "the fault")
    first = running.health()[1]
    assert first["faults"] == [f"{running.place.url}: No such file or directory"]
    (source,) = first["sources"]
    assert (source["source"], source["ok"], source["fault"]) == (running.place.url, False, first["faults"][0])
    assert source["since"] >= source["last_success"]
    time.sleep(1.2)
    assert running.health()[1]["sources"][0]["since"] == source["since"]  # since it began
    assert running.metrics()[f"source_up{{source={running.place.url}}}"] == 0
    away.rename(running.place.path)
    until(lambda: running.health()[0] == 200, "health")
    assert running.health()[1]["faults"] == []
    assert running.end() == 0


def test_a_plugin_that_is_off_is_a_fault(running: Running) -> None:
    running.write(more="[plugins.nobody]")
    running.start()
    code, told = running.health()
    assert (code, [one["ok"] for one in told["plugins"]]) == (503, [False])
    assert told["faults"][0].startswith("plugin nobody: is not installed")
    assert running.end() == 0


def test_the_port_has_two_pages_that_are_only_read(running: Running) -> None:
    running.start()
    assert running.get("/nothing") == (404, "/health /metrics\n")
    assert running.get("/health", "POST") == (405, "GET or HEAD\n")
    assert running.get("/metrics", "HEAD") == (200, "")
    assert running.end() == 0


@pytest.mark.parametrize("form", ["127.0.0.1", "localhost:9464", "127.0.0.1:99999", "::1:9464", "[::1]", "999.0.0.1:80", ""])
def test_an_address_that_is_none_is_named(form: str) -> None:
    with pytest.raises(SettingsError, match="is no IP address with a port"):
        parse_address(form)


def test_a_port_that_is_taken_is_named_and_both_families_are_served() -> None:
    assert (parse_address("127.0.0.1:80"), parse_address("[::1]:9464")) == (("127.0.0.1", 80), ("::1", 9464))
    port = Port("127.0.0.1:0", {})
    with pytest.raises(SettingsError, match=f"run.metrics: 127.0.0.1:{port.number}: Address already in use"):
        Port(f"127.0.0.1:{port.number}", {})
    port.close()
    six = Port("[::1]:0", {})
    assert six.number
    six.close()


def test_a_port_that_is_taken_ends_the_run_with_a_word(running: Running) -> None:
    port = Port(f"127.0.0.1:{running.port}", {})
    command = [sys.executable, "-m", "bounceclass", "--config", str(running.config), "run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  our own command
    port.close()
    assert (done.returncode, "Address already in use" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("url", "label", "kind"),
    [
        ("maildir:/var/mail/box?processed=.Done", "maildir:/var/mail/box", "maildir"),
        ("imaps://news@example.com:secret@imap.example.com/INBOX?x=1", "imaps://imap.example.com/INBOX", "imaps"),
        ("pop3://imap.example.com/", "pop3://imap.example.com/", "pop3"),
    ],
)
def test_a_label_names_a_place_and_nobody(url: str, label: str, kind: str) -> None:
    assert (label_of(url), kind_of(url)) == (label, kind)


class _Plugins:
    names = ("a", "b")
    faults = ()

    def __init__(self, off: str | None) -> None:
        self._off = off

    def given_up(self, name: str) -> str | None:
        return self._off if name == "b" else None


class _Parts:
    """As much of Parts as health looks at."""

    sources = ()

    def __init__(self, now: datetime, oldest: timedelta | None, off: str | None = None, away: str | None = None) -> None:
        self.engine = self
        self.store = self
        self.runner = self
        self.plugins = _Plugins(off)
        self._backlog = Backlog({"a": Waiting(2, now - oldest if oldest else None, 1), "b": Waiting(0, None, 0)}, 7)
        self._away = away
        self.asked = 0

    def paused(self) -> dict[str, datetime | None]:
        return {"a": NOW + MINUTE, "b": None}

    def backlog(self, _names: object) -> Backlog:
        self.asked += 1
        if self._away:
            raise StoreError(self._away, "no such file", transient=True)
        return self._backlog


NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"oldest": 59 * MINUTE}, []),
        ({"oldest": 61 * MINUTE}, ["outbox: a call waits since 2026-03-09T10:59:00Z"]),
        ({"oldest": None, "off": "given up: bounce did not return within 2 s"}, ["plugin b: given up: bounce did not return within 2 s"]),
        ({"oldest": None, "away": "gone"}, ["store: does not answer"]),
    ],
)
def test_what_waits_too_long_and_who_is_off_are_faults(given: dict[str, Any], faults: list[str]) -> None:
    health, parts = Health(lambda: NOW), _Parts(NOW, **given)
    health.use(parts)  # type: ignore[arg-type]
    report = health.report(3600)
    assert (report["faults"], report["ok"]) == (faults, not faults)
    health.report(3600)
    assert [(one["plugin"], one["paused_until"]) for one in report["plugins"]] == [("a", "2026-03-09T12:01:00Z"), ("b", None)]  # and that is no fault
    assert parts.asked == 1  # who asks often asks the store once
    assert json.dumps(report)


def test_what_is_wrong_keeps_the_time_at_which_it_began() -> None:
    now = NOW
    health = Health(lambda: now)
    health.use(_Parts(NOW, None))  # type: ignore[arg-type]
    for fault in ("locked", "gone"):
        now += MINUTE
        health.observe(Trouble(STORE, fault))
    report = health.report(3600)
    assert (report["faults"], report["store"]) == (
        ["store: gone"],
        {"ok": False, "fault": "gone", "since": "2026-03-09T12:01:00Z", "last_success": "2026-03-09T12:00:00Z"},
    )
    health.observe(Sound(STORE))
    assert health.report(3600)["ok"]


def test_a_run_that_gives_no_sign_of_life_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    health = Health(lambda: NOW)
    health.use(_Parts(NOW, None))  # type: ignore[arg-type]
    later = time.monotonic() + 301
    monkeypatch.setattr("bounceclass.service.health.time.monotonic", lambda: later)
    assert health.report(3600)["faults"] == ["no sign of life for 301 s"]
    health.alive()
    assert health.report(3600)["ok"]
