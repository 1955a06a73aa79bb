"""A run left alone: read anew on SIGHUP, ended in good order, and systemd told of it; each a process of its own."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from bounceclass.assembly import open_configured_store
from bounceclass.config import read
from bounceclass.service.notify import Notifier
from tests.runner.conftest import Place, Sink, bounce
from tests.service.conftest import Running, free_port, until

if TYPE_CHECKING:
    from pathlib import Path


def suppressed(running: Running) -> list[str]:
    store = open_configured_store(read(str(running.config)).store)
    try:
        return sorted(entry.address or "" for entry in store.suppressions())
    finally:
        store.close()


def test_a_new_source_is_picked_up_on_sighup_and_an_old_one_let_go(running: Running, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Place("maildir", tmp_path / "other")
    running.place.put(bounce(1, "ruth@example.org"))
    other.put(bounce(2, "paul@example.org"))
    running.start()
    until(lambda: running.processed() == 1, "the first")
    running.write(sources=[running.place.url, other.url])
    running.reload()
    until(lambda: running.processed() == 2, "the other source's")
    running.place.put(bounce(3, "eve@example.org"))
    until(lambda: running.processed() == 3, "the first source's, still")
    running.write(sources=[other.url])
    running.reload()
    running.place.put(bounce(4, "adam@example.org"))
    other.put(bounce(5, "anna@example.org"))
    until(lambda: running.processed() == 4, "the other source's, still")
    assert running.end() == 0
    assert (tmp_path / "out").read_text() == "4 processed: 4 suppress\n"  # counted over all of them
    assert (running.place.left(), other.left()) == (1, 0)
    assert suppressed(running) == ["anna@example.org", "eve@example.org", "paul@example.org", "ruth@example.org"]


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"more": "[rnu]"}, r"bounceclass\.toml:13: Object contains unknown field `rnu`"),
    ({"run": "batch = 'ten'"}, r"bounceclass\.toml:12: Expected `int`, got `str` - at `run.batch`"),
    ({"sources": ["moon:x"]}, r"source moon:x: nobody knows what that is"),
    ({"sources": []}, r"no source is named"),
    ({"run": "resolvers = ['x']"}, r"resolvers"),
    ({"store": "sqlite:///:memory:"}, r"names no file"),
    ({"more": "[plugins.nobody]"}, r"plugin nobody: is not installed"),
    ({"more": "[plugins.file]\npaht = 1"}, r"plugin file: .*paht"),
]


def test_a_configuration_that_can_t_be_used_is_named_and_the_old_one_stays(running: Running) -> None:
    """One process is given all of them in turn, for each start of one takes a while. Nothing of them stays open."""
    running.start()
    held = 0
    for number, (change, fault) in enumerate(BROKEN, start=1):
        running.write(**change)
        running.reload()
        told = [line["message"] for line in running.lines() if line["message"].startswith("the configuration was read again and is not used")]
        assert (len(told), bool(re.search(fault, told[-1]))) == (number, True), (fault, told[-1])
        running.place.put(bounce(number, f"reader{number}@example.org"))
        until(lambda: running.processed() == number, "what came since, under the old configuration")  # noqa: B023  called at once
        held = held or running.held()
    assert {name: value for name, value in running.metrics().items() if name.startswith("reloads")} == {
        "reloads_total{outcome=used}": 0,
        "reloads_total{outcome=refused}": len(BROKEN),
    }
    running.write()
    running.reload()
    assert running.metrics()["reloads_total{outcome=used}"] == 1
    until(lambda: running.held() <= held + len(BROKEN), "an end of what was opened for them")
    assert running.end() == 0


def test_rules_policy_plugins_log_and_port_are_read_anew(running: Running, sink: Sink, tmp_path: Path) -> None:
    odd = "550 5.0.0 the moon is full"
    running.place.put(bounce(1, "ruth@example.org", odd))
    running.start()
    until(lambda: running.processed() == 1, "the first")
    assert running.metrics()["events_total{kind=bounce,provider=other,reason=undetermined}"] == 1
    (tmp_path / "mine.toml").write_text('[rules.moon]\nreason = "user-unknown"\nany = ["moon is full"]\nmatches = ["550 5.0.0 the moon is full"]\n')
    old = running.port
    running.port = free_port()
    running.write(form="text", more=f'[plugins.exec]\nurl = "{sink.url}"\nhooks = ["suppress"]')
    running.config.write_text('packs = ["mine.toml"]\n' + running.config.read_text().replace("max_age_days = 3650", 'max_age_days = 3650, protect = ["*@protected.test"]'))
    running.reload()
    running.place.put(bounce(2, "paul@example.org", odd))
    running.place.put(bounce(3, "eve@protected.test", odd))
    until(lambda: running.processed() == 3, "what came after it, at the new port")
    until(lambda: sink.recipients, "a call of the plugin")
    assert sink.recipients == {"suppress": {"paul@example.org"}}
    counted = running.metrics()
    assert {name: value for name, value in counted.items() if name.startswith(("decisions", "events")) and value} == {
        "events_total{kind=bounce,provider=other,reason=undetermined}": 1,
        "events_total{kind=bounce,provider=other,reason=user-unknown}": 2,
        "decisions_total{action=suppress}": 1,
        "decisions_total{action=count}": 1,
        "decisions_total{action=hold}": 1,
    }
    assert re.search(r"^\S+Z INFO the configuration was read again: 1 sources$", running.log.read_text(), re.MULTILINE)
    running.port = old
    with pytest.raises(OSError, match="refused"):
        running.get("/health")
    assert running.end() == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_in_the_middle_loses_nothing_and_doubles_nothing(number: int, running: Running) -> None:
    names = [f"reader{number}@mail{number}.example" for number in range(200)]
    for at, name in enumerate(names):
        running.place.put(bounce(at, name))
    running.write(run="batch = 5")
    running.start()
    until(lambda: running.place.left() <= 190, "some")
    if number == signal.SIGHUP:
        for _ in range(5):
            running.reload()
        until(lambda: running.place.left() == 0, "the rest")
        assert running.end() == 0
    else:
        assert running.end() == 0
        assert running.place.left() > 0
        done = int((running.folder / "out").read_text().partition(" ")[0])
        assert (done, done % 5) == (200 - running.place.left(), 0)
        assert len(suppressed(running)) == done
        running.start()
        until(lambda: running.place.left() == 0, "the rest")
        assert running.end() == 0
    assert suppressed(running) == sorted(names)
    assert (running.place.processed(), running.place.quarantined()) == (200, 0)


def test_systemd_is_told_of_start_reload_signs_of_life_and_end(running: Running) -> None:
    running.start(environ={"WATCHDOG_USEC": "400000"})
    running.hear("WATCHDOG")
    running.hear("WATCHDOG")
    before = time.monotonic_ns() // 1000
    running.reload()
    running.end()
    running.hear("STOPPING")
    told = [one for one in running.told if "WATCHDOG" not in one]
    stamp = int(told[1].pop("MONOTONIC_USEC"))
    assert before <= stamp <= time.monotonic_ns() // 1000
    assert told == [{"READY": "1", "STATUS": "1 sources"}, {"RELOADING": "1"}, {"READY": "1", "STATUS": "1 sources"}, {"STOPPING": "1"}]


def test_a_store_that_is_away_at_the_start_is_waited_for_and_health_says_so(running: Running, tmp_path: Path) -> None:
    (tmp_path / "away").write_text("no folder")
    running.place.put(bounce(1, "ruth@example.org"))
    running.write(store=f"sqlite:///{tmp_path}/away/b.db")
    running.start(environ={"WATCHDOG_USEC": "400000"})
    assert running.told[0]["STATUS"] == "waiting for the store"
    code, told = running.health()
    assert (code, told["ok"], told["store"]["ok"], told["sources"]) == (503, False, False, [])
    running.hear("WATCHDOG")
    running.hear("WATCHDOG")
    (tmp_path / "away").unlink()
    (tmp_path / "away").mkdir()
    until(lambda: running.processed() == 1, "the first")
    assert running.health()[0] == 200
    assert running.end() == 0


def test_who_waits_for_a_store_reads_another_one_s_name_on_sighup_and_ends_on_sigterm(running: Running, tmp_path: Path) -> None:
    (tmp_path / "away").write_text("no folder")
    running.write(store=f"sqlite:///{tmp_path}/away/b.db")
    running.start()
    running.write()
    running.send(signal.SIGHUP)
    until(lambda: running.health()[0] == 200, "the store")
    assert running.end() == 0
    running.write(store=f"sqlite:///{tmp_path}/away/b.db")
    running.start()
    assert running.end() == 75


def test_without_a_socket_or_a_watchdog_nobody_is_told(tmp_path: Path) -> None:
    environ = {"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}
    notifier = Notifier(environ)
    assert environ == {}  # for a plugin's command is nobody's service
    notifier.ready()
    notifier.alive()
    notifier.stopping()
