"""Plugins that are told of events, and that act; and those that hang."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bounceclass import hookspecs
from bounceclass.engine import Engine
from bounceclass.errors import Refused, Retry
from bounceclass.model import Event, Kind, Report, Suppression
from bounceclass.plugins import Plugins
from bounceclass.protocols import Failure
from bounceclass.settings import Settings
from tests.tellers import ENTRY, QUICK, SAMPLE, Teller


def test_each_event_is_told_to_the_hook_of_its_kind_in_order(engine: Engine) -> None:
    log: list[tuple[str, str, str | None]] = []
    engine = Engine(plugins=[Teller("one", log), Teller("two", log)])
    report = engine.classify(SAMPLE)
    assert engine.dispatch(report) == []
    assert log == [(who, "bounce", event.recipient) for event in report.events for who in ("one", "two")]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.OTHER])
def test_every_kind_has_its_hook(kind: Kind) -> None:
    told = []

    class Hears:
        pass

    setattr(Hears, f"bounceclass_{kind.replace('-', '_')}", lambda self, event, report, key: told.append((event, report, key)))  # noqa: ARG005  the hook's
    engine = Engine(plugins=[Hears()])
    event = Event(kind=kind, recipient="user@example.org")
    report = Report(kind=kind, events=(event,))
    assert engine.dispatch(report) == []
    assert [(one, two) for one, two, _ in told] == [(event, report)]
    assert kind.replace("-", "_") in hookspecs.TOLD


def test_mail_that_reports_nothing_is_told_to_nobody() -> None:
    assert Engine(plugins=[Teller()]).dispatch(Report(kind=Kind.OTHER, events=(Event(kind=Kind.OTHER),))) == []


def test_a_plugin_that_raises_is_noted_and_the_others_are_told() -> None:
    class Raises:
        def bounceclass_bounce(self) -> None:
            msg = "disk full"
            raise OSError(msg)

    teller = Teller("two")
    engine = Engine(plugins=[Raises(), teller])
    failures = engine.dispatch(engine.classify(SAMPLE))
    assert failures == [Failure(plugin="Raises", hook="bounce", fault="OSError: disk full")] * 3
    assert len(teller.log) == 3
    assert engine.plugins.failures == {("Raises", "bounce"): 3}


def test_a_plugin_that_hangs_is_given_up_and_the_run_goes_on() -> None:
    hang = threading.Event()

    class Hangs:
        calls = 0

        def bounceclass_bounce(self) -> None:
            self.calls += 1
            hang.wait(30)

    hanging, teller = Hangs(), Teller("two")
    engine = Engine(QUICK, plugins=[hanging, teller])
    started = time.monotonic()
    failures = engine.dispatch(engine.classify(SAMPLE))
    assert time.monotonic() - started < 5
    assert [failure.fault for failure in failures] == ["given up: bounce did not return within 0.3 s"] + ["not called: given up: bounce did not return within 0.3 s"] * 2
    assert (hanging.calls, len(teller.log)) == (1, 3)
    assert engine.plugins.given_up("Hangs") == "given up: bounce did not return within 0.3 s"
    assert engine.plugins.given_up("Teller") is None
    hang.set()


def test_a_slow_hook_of_one_thread_does_not_count_as_hanging_for_another() -> None:
    class Slow:
        def bounceclass_bounce(self) -> None:
            time.sleep(0.2)

    engine = Engine(QUICK, plugins=[Slow()])
    report = Report(kind=Kind.BOUNCE, events=(Event(kind=Kind.BOUNCE),))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(engine.dispatch, [report] * 4)) == [[]] * 4


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (Retry(60), Failure(plugin="Acts", hook="suppress", fault="Retry: asks to be called again in 60 s", after=60)),
        (Retry(5, "429"), Failure(plugin="Acts", hook="suppress", fault="Retry: 429", after=5)),
        (Refused("no such account"), Failure(plugin="Acts", hook="suppress", fault="Refused: no such account", final=True)),
        (SystemExit(2), Failure(plugin="Acts", hook="suppress", fault="SystemExit: 2")),
        (ValueError("a\nb\x1b[31m"), Failure(plugin="Acts", hook="suppress", fault="ValueError: a b\x1b[31m")),
    ],
)
def test_an_acting_plugin_says_whether_to_ask_again(error: BaseException, failure: Failure) -> None:
    class Acts:
        def bounceclass_suppress(self, suppression: Suppression, key: str) -> None:
            assert (suppression, key) == (ENTRY, "key")
            raise error

    assert Plugins(Settings(), [Acts()]).tell("suppress", suppression=ENTRY, key="key") == [failure]


def test_an_acting_plugin_that_does_its_work_fails_in_nothing() -> None:
    done = []

    class Acts:
        def bounceclass_release(self, suppression: Suppression) -> None:
            done.append(suppression)

    plugins = Plugins(Settings(), [Acts()])
    assert plugins.tell("release", suppression=ENTRY, key="key") == []
    assert plugins.tell("release", only=("other",), suppression=ENTRY, key="key") == []
    assert done == [ENTRY]
