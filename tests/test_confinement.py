"""`isolate = "process"`: what hangs is killed, what dies is given up, and the event goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bounceclass.engine import Engine
from bounceclass.model import Advice, Event, Verdict
from bounceclass.settings import Limits, Settings

Install = Callable[..., None]
DEAD = "550 5.1.1 user unknown"
REVIEWS = """
import msgspec
from bounceclass.model import Advice
def bounceclass_refine(event, verdict):
    print("standard output is not the pipe")
    return msgspec.structs.replace(verdict, advice=Advice.REVIEW)
"""
PASSES = "def bounceclass_refine(event, verdict): return None\n"


def confined(*plugins: str, **tables: dict[str, Any]) -> Engine:
    settings = Settings(isolate="process", limits=Limits(hook_seconds=1.0), plugins=tables)
    return Engine(settings, plugins=plugins)


def advices(engine: Engine, times: int = 1) -> list[Advice]:
    return [engine.reply(DEAD).verdict.advice for _ in range(times)]


def test_a_plugin_refines_in_a_process_as_it_does_inline(install: Install) -> None:
    install("reviews", REVIEWS)
    assert confined("reviews").reply(DEAD) == Engine(plugins=["reviews"]).reply(DEAD)
    assert advices(confined("reviews"), 3) == [Advice.REVIEW] * 3


def test_an_instance_has_its_own_settings_there(install: Install) -> None:
    module = """
import msgspec
class Settings(msgspec.Struct):
    word: str = "default"
class Made:
    def __init__(self, settings): self.word = settings.word
    def bounceclass_refine(self, verdict):
        return msgspec.structs.replace(verdict, details=msgspec.structs.replace(verdict.details, list=self.word))
def plugin(settings): return Made(settings)
"""
    install("made", module)
    install("other", "def bounceclass_refine(verdict): raise AssertionError('is off')\n")
    engine = confined(made={"eu": {"word": "europe"}}, other={"enabled": False})
    assert (engine.reply(DEAD).verdict.details.list, engine.plugins.failures) == ("europe", {})


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("import time; time.sleep(600)", "given up: refine did not return within 1 s"),
        ("import os; os._exit(3)", "given up: its process ended"),
    ],
)
def test_one_that_hangs_or_dies_is_given_up_and_the_others_go_on(install: Install, fault: str, why: str) -> None:
    install("bad", f"def bounceclass_refine(event):\n    {fault}\n")
    install("reviews", REVIEWS)
    engine = confined("bad", "reviews")
    assert advices(engine, 2) == [Advice.REVIEW] * 2
    assert (engine.plugins.given_up("bad"), engine.plugins.given_up("reviews")) == (why, None)
    assert engine.plugins.failures == {("bad", "refine"): 1}


def test_one_that_raises_is_counted_each_time(install: Install) -> None:
    install("raises", "def bounceclass_refine(event): raise OSError('no space')\n")
    engine = confined("raises")
    assert advices(engine, 2) == [Advice.SUPPRESS] * 2
    assert engine.plugins.failures == {("raises", "refine"): 2}


def test_with_nobody_left_the_event_is_as_it_was_judged(install: Install) -> None:
    install("bad", "def bounceclass_refine(event):\n    import os; os._exit(3)\n")
    engine = confined("bad")
    assert (engine.reply(DEAD), engine.reply(DEAD)) == (Engine().reply(DEAD), Engine().reply(DEAD))


def test_a_plugin_given_as_an_object_is_refused_and_named() -> None:
    class Mine:
        def bounceclass_refine(self, event: Event) -> Verdict:
            return event.verdict

    engine = Engine(Settings(isolate="process"), plugins=[Mine()])
    (fault,) = engine.plugins.faults
    assert str(fault).startswith("plugin Mine: was given as an object")
    assert engine.reply(DEAD) == Engine().reply(DEAD)
