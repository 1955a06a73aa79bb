"""What passes and what stays, and what is written into the mail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass.filtering import Pass, Ruling, is_loop, mark, probe_of, rule_on
from bounceclass.model import Kind, Report

if TYPE_CHECKING:
    from bounceclass.engine import Engine

SAMPLES = Path(__file__).parents[2] / "samples"
HOST = "lists.example.com"
HEX = 40 * "a"
PASSES, STAYS = Ruling(passes=True, because="x"), Ruling(passes=False, because="x")
EMPTY = Report(kind=Kind.OTHER)


@pytest.mark.parametrize(
    ("sample", "passing", "ruling"),
    [
        ("postfix/01-default-user-unknown", Pass.SUPPRESS, Ruling(passes=True, because="user-unknown: suppress")),
        ("postfix/07-default-mailbox-full", Pass.SUPPRESS, Ruling(passes=False, because="mailbox-full: count")),
        ("postfix/07-default-mailbox-full", Pass.COUNT, Ruling(passes=True, because="mailbox-full: count")),
        ("postfix/18-default-ip-blocked", Pass.COUNT, Ruling(passes=False, because="ip-blocked: fix")),
        ("postfix/20-default-spam", Pass.COUNT, Ruling(passes=False, because="spam: fix")),
        ("postfix/25-default-several", Pass.SUPPRESS, Ruling(passes=True, because="user-unknown: suppress")),
        ("exim/42-delayed-unreachable", Pass.COUNT, Ruling(passes=False, because="undetermined: review")),
        ("rfc3834/01-vacation", Pass.SUPPRESS, Ruling(passes=True, because="no bounce: auto-reply")),
        ("rfc5965/01-abuse", Pass.SUPPRESS, Ruling(passes=True, because="no bounce: complaint")),
    ],
)
def test_a_bounce_passes_by_what_it_advises_and_all_else_as_it_is(sample: str, passing: Pass, ruling: Ruling, engine: Engine) -> None:
    (path,) = sorted(SAMPLES.glob(f"{sample}*.eml"))[:1]
    assert rule_on(engine.classify(path.read_bytes()), passing, path.read_bytes(), None) == ruling


def test_no_sample_of_a_reason_that_blames_the_sender_passes_and_each_that_is_not_understood_does(engine: Engine) -> None:
    for path in sorted(SAMPLES.glob("*/*.eml")):
        raw = path.read_bytes()
        report = engine.classify(raw)
        ruling = rule_on(report, Pass.COUNT, raw, None)
        advice = {str(event.verdict.advice) for event in report.events if event.kind == "bounce"}
        if report.kind in {"bounce", "delay"} and advice and advice <= {"fix", "retry", "ignore"}:
            assert (path.name, ruling.passes) == (path.name, ruling.because.startswith("not understood"))
        if report.kind not in {"bounce", "delay"} or "review" in advice or not report.events:
            assert (path.name, ruling.passes) == (path.name, True)


def test_with_our_policy_what_passes_is_about_somebody_suppressed(engine: Engine) -> None:
    raw = (SAMPLES / "postfix/01-default-user-unknown.eml").read_bytes()
    report = engine.classify(raw)
    assert rule_on(report, Pass.POLICY, raw, None) == Ruling(passes=False, because="user-unknown: suppress")
    assert rule_on(report, Pass.POLICY, raw, None, ["nobody@example.org"]) == Ruling(passes=True, because="suppressed: nobody@example.org")


@pytest.mark.parametrize(
    ("address", "probe"),
    [
        (f"news-bounces+{HEX}@lists.example.com", "mailman-probe"),
        (f"news-confirm+{HEX}@lists.example.com", "mailman-confirm"),
        (f"confirm+{HEX}@lists.example.com", "mailman-confirm"),
        ("news+probe+ruth=example.net@lists.example.com", "probe"),
        ("verify-token@lists.example.com", "verify"),
        ("news-bounces+ruth=example.net@lists.example.com", None),
        ("news-bounces+aaaa@lists.example.com", None),
        ("probes@lists.example.com", None),
        ("", None),
    ],
)
def test_what_comes_to_an_address_of_a_probe_always_passes(address: str, probe: str | None) -> None:
    for raw in (f"To: <{address}>\n\n", f"Delivered-To: {address}\nTo: other@example.com\n\n", f"Subject: x\nX-Original-To:\n {address}\n\n"):
        assert probe_of(raw.encode(), None) == probe
    assert probe_of(b"Subject: x\n\nTo: confirm+" + HEX.encode() + b"@lists.example.com\n", address) == probe


FORGED = b"X-Bounceclass-Verdict: suppress; user-unknown;\r\n permanent; victim@example.net\r\n"
OTHERS = b"X-Bounceclass-Filter: pass; by=elsewhere.example; x\r\n"
OWN = b"X-Bounceclass-Filter: pass; by=lists.example.com; x\r\n"
REST = b"Return-Path: <>\r\nX-Bounceclassic: kept\r\nSubject: a\r\n folded\r\n\r\nX-Bounceclass-Verdict: body\r\n"


@pytest.mark.parametrize(
    ("raw", "rest"),
    [
        (REST, REST),
        (FORGED + REST, REST),
        (b"Return-Path: <>\r\n" + FORGED + OTHERS + REST, b"Return-Path: <>\r\n" + REST),
        (OWN + REST, OWN + REST),
        (b"From MAILER-DAEMON Mon Mar  9 12:00:00 2026\r\n" + FORGED + REST, None),
        (b"", b""),
        (b"\r\nno header", b"\r\nno header"),
        (b"no header", b"no header"),
    ],
)
def test_forged_fields_are_taken_out_and_everything_else_stays(raw: bytes, rest: bytes | None) -> None:
    end = b"\r\n" if b"\r\n" in raw else b"\n"
    ours = b"X-Bounceclass-Filter: stay; by=lists.example.com; x" + end
    if rest is None:
        assert mark(raw, EMPTY, STAYS, HOST) == raw.split(end)[0] + end + ours + REST
    else:
        assert mark(raw, EMPTY, STAYS, HOST) == ours + rest


def test_what_we_say_of_each_event_is_written_below(engine: Engine) -> None:
    raw = (SAMPLES / "postfix/25-default-several.eml").read_bytes()
    told = [line for line in mark(raw, engine.classify(raw), PASSES, HOST).splitlines() if line.startswith(b"X-Bounceclass-Verdict")]
    assert told[0] == b"X-Bounceclass-Verdict: suppress; user-unknown; permanent; one@example.org"
    assert len(told) == 3


def test_a_loop_is_cut_the_third_time_and_none_is_made_of_others_fields() -> None:
    raw = OTHERS + OTHERS + OTHERS + REST
    seen = []
    for _ in range(3):
        seen.append(is_loop(raw, HOST))
        raw = mark(raw, EMPTY, PASSES, HOST)
    assert seen == [False, False, True]


@given(st.binary(max_size=300), st.sampled_from([b"", b"\n\n", b"\r\n\r\n", b"X-Bounceclass-Filter: x\n", b"To: "]))
def test_any_octets_are_marked_and_the_body_stays(body: bytes, head: bytes) -> None:
    raw = head + body
    marked = mark(raw, EMPTY, PASSES, HOST)
    assert probe_of(raw, None) in {None, "probe", "verify", "mailman-probe", "mailman-confirm"}
    assert is_loop(raw, HOST) is False
    if b"X-Bounceclass" not in raw and not raw.startswith(b"From "):
        assert marked.endswith(raw)
