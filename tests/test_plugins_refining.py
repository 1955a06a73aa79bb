"""Plugins that refine a verdict, and how far they are let."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from bounceclass.engine import Engine
from bounceclass.model import Advice, Event, Evidence, Reason, Report, Scope, Trust, Verdict
from bounceclass.plugins import Plugins
from bounceclass.protocols import Item
from bounceclass.settings import Settings
from tests.tellers import DEAD, QUICK, SAMPLE, lower


def test_each_refining_plugin_gets_what_the_one_before_left_and_evidence_tells_who_did_what() -> None:
    seen: list[str] = []

    class One:
        def bounceclass_refine(self, event: Event, verdict: Verdict) -> Verdict:
            assert event.verdict is verdict
            seen.append(verdict.reason)
            return msgspec.structs.replace(verdict, reason=Reason.MAILBOX_DISABLED)

    class Two:
        def bounceclass_refine(self, verdict: Verdict) -> Verdict:
            seen.append(verdict.reason)
            own = Evidence("asked", "somebody else", "diagnostic", 4, 9, "5.1.1")
            return msgspec.structs.replace(verdict, advice=Advice.COUNT, evidence=(own, *verdict.evidence))

    before = Engine().reply(DEAD).verdict
    after = Engine(plugins=[One(), Two()]).reply(DEAD).verdict
    assert seen == ["user-unknown", "mailbox-disabled"]
    assert (after.reason, after.advice) == ("mailbox-disabled", "count")
    change = "reason user-unknown -> mailbox-disabled"
    assert after.evidence == (
        Evidence("asked", "Two", "diagnostic", 4, 9, "5.1.1", overrode="refine"),
        Evidence("refine", "One", "verdict", 0, len(change), change, overrode=before.evidence[0].rule),
        *before.evidence,
    )


@pytest.mark.parametrize(
    "junk",
    [
        "suppress",
        7,
        Evidence("a", "b", "c", 0, 0, ""),
        {"advice": "count"},
    ],
)
def test_a_plugin_that_returns_junk_is_skipped_and_counted(junk: object) -> None:
    class Junk:
        def bounceclass_refine(self) -> object:
            return junk

    engine = Engine(plugins=[Junk()])
    assert engine.reply(DEAD) == Engine().reply(DEAD)
    assert engine.plugins.failures == {("Junk", "refine"): 1}


def forbidden(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, scope=Scope.SENDER)


def forced(verdict: Verdict) -> Verdict:
    copy = msgspec.structs.replace(verdict)
    msgspec.structs.force_setattr(copy, "scope", Scope.SENDER)
    return copy


def made_up(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, reason="because")


def no_evidence(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, advice=Advice.COUNT, evidence=("me",))


def no_number(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, confidence=float("nan"))


@pytest.mark.parametrize("change", [forbidden, forced, made_up, no_evidence, no_number], ids=lambda change: change.__name__)
def test_a_plugin_can_t_make_a_verdict_that_could_silence_somebody_without_cause(change: Any) -> None:
    class Bends:
        def bounceclass_refine(self, verdict: Verdict) -> Verdict:
            made: Verdict = change(verdict)
            return made

    class After:
        def bounceclass_refine(self, verdict: Verdict) -> Verdict:
            return lower(verdict)

    engine = Engine(plugins=[Bends(), After()])
    verdict = engine.reply(DEAD).verdict
    assert (verdict.scope, verdict.reason, verdict.advice) == ("address", "user-unknown", "review")
    assert engine.plugins.failures == {("Bends", "refine"): 1}


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), RecursionError()])
def test_a_plugin_that_raises_is_skipped_and_the_next_goes_on(error: BaseException) -> None:
    class Raises:
        def bounceclass_refine(self) -> None:
            raise error

    class After:
        def bounceclass_refine(self, verdict: Verdict) -> Verdict:
            return lower(verdict)

    engine = Engine(plugins=[Raises(), After()])
    assert [event.verdict.advice for event in engine.classify(SAMPLE).events] == ["review"] * 3
    assert engine.plugins.failures == {("Raises", "refine"): 3}


def test_ctrl_c_goes_through_a_refining_plugin() -> None:
    class Stopped:
        def bounceclass_refine(self) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Engine(plugins=[Stopped()]).reply(DEAD)


def test_a_refining_plugin_that_is_slow_again_and_again_is_switched_off_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[float] = []

    class Slow:
        def bounceclass_refine(self) -> None:
            calls.append(time.monotonic())
            time.sleep(0.05)

    engine = Engine(QUICK, plugins=[Slow()])
    for _ in range(6):
        assert engine.reply(DEAD).verdict.advice == "suppress"
    assert len(calls) == 3
    assert engine.plugins.given_up("Slow") == "switched off: refine took more than 0.02 s 3 times"
    assert "plugin Slow: switched off" in caplog.text


def test_the_highest_grade_of_trust_counts_and_a_word_that_is_none_is_passed_over() -> None:
    class Says:
        def __init__(self, grade: object) -> None:
            self.grade = grade

        def bounceclass_trust(self, report: Report, item: Item) -> object:
            assert (report.kind, item.raw) == ("other", b"")
            return self.grade

    report, item = Engine().classify(b""), Item(raw=b"", source="x")
    plugins = Plugins(Settings(), [Says("plausible"), Says(None), Says(Trust.KNOWN), Says("certain"), Says("none")])
    assert plugins.trust(report, item) is Trust.KNOWN
    assert plugins.failures == {("Says#4", "trust"): 1}
    assert Plugins(Settings()).trust(report, item) is Trust.NONE
