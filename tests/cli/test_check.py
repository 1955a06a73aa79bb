from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "FORCE_COLOR": ""}
GOOD = """
title = "Pigeons"

[rules.full-loft]
reason = "mailbox-full"
any = ["pigeon loft"]
matches = ["550 5.2.2 the pigeon loft is full"]
misses = ["550 5.1.1 no pigeon"]
"""


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bounceclass", "check", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=ENVIRONMENT)  # noqa: S603  our own command


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def faults(text: str) -> list[str]:
    """What is said of a pack, each as LINE: SPOT: the first words."""
    Path("pack.toml").write_text(text)
    done = run("pack.toml")
    assert done.stderr == b""
    assert done.returncode == 2
    return [line.removeprefix("pack.toml:") for line in done.stdout.decode().splitlines()]


def test_a_pack_without_a_fault_is_told_in_one_line_on_standard_error() -> None:
    Path("pack.toml").write_text(GOOD)
    done = run("pack.toml")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"pack.toml: 1 rules, no fault\n")


def test_a_pack_of_no_rules_has_no_fault() -> None:
    Path("pack.toml").write_text("")
    done = run("pack.toml")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"pack.toml: 0 rules, no fault\n")


@pytest.mark.parametrize(
    ("key", "spot"),
    [
        ('reason = "gone-fishing"', "4: rules.a.reason: 'gone-fishing' is no reason"),
        ('scope = "galaxy"', "4: rules.a.scope: 'galaxy' is no scope"),
        ('permanence = "eternal"', "4: rules.a.permanence: 'eternal' is no permanence"),
        ('kind = "rumour"', "4: rules.a.kind: 'rumour' is no kind"),
        ('command = ["helo"]', "4: rules.a.command: 'helo' is no phase"),
        ('provider = "pigeon-post"', "4: rules.a.provider: 'pigeon-post' is no provider"),
        ("confidence = 1.5", "4: rules.a.confidence: 1.5 is not within 0..1"),
        ('status = ["5.1"]', "4: rules.a.status: '5.1' is no status or range"),
        ('any = ["ok", "Pigeon"]', "4: rules.a.any[1]: 'Pigeon' can never match: rules see lower case"),
        ('any = ["two  blanks"]', "4: rules.a.any[0]: 'two  blanks' can never match: rules see lower case"),
        ('any = ["<user@example.org>"]', "4: rules.a.any[0]: '<user@example.org>' can never match: rules see addresses"),
        ('any = ["from 192.0.2.1"]', "4: rules.a.any[0]: 'from 192.0.2.1' can never match"),
        ('any = [""]', "4: rules.a.any[0]: '' is empty"),
        ('any = ["pigeon", "pigeon loft"]', "4: rules.a.any[1]: 'pigeon loft' is covered by an earlier phrase"),
        ('all = ["pigeon loft"]\nnone = ["pigeon"]', "5: rules.a.none: the rule can never match"),
        ("pattern = '(pigeon'", "4: rules.a.pattern: missing )"),
        ("pattern = '(?P<mood>pigeon)'", "4: rules.a.pattern: 'mood' is no detail"),
        ("pattern = '(a+)+b'", "4: rules.a.pattern: may take for ever"),
        ("pattern = '.*x.*y'", "4: rules.a.pattern: may take for ever"),
        ('any = ["crow"]', "6: rules.a.matches[0]: '550 pigeon' matches no rule"),
        ('any = ["pigeon"]\nmisses = ["551 pigeon"]', "5: rules.a.misses[0]: '551 pigeon' matches, but must not"),
    ],
)
def test_a_fault_is_named_with_file_line_and_spot(key: str, spot: str) -> None:
    name = key.partition(" ")[0]
    needed = {"reason": 'reason = "policy"', "any": 'any = ["pigeon"]', "matches": 'matches = ["550 pigeon"]'}
    rest = [text for other, text in needed.items() if other != name and not (other == "any" and ("any" in key or name in {"all", "pattern"}))]
    found = faults("\n".join(["# a pack", "", "[rules.a]", key, *rest, ""]))
    assert [line[: len(spot)] for line in found] == [spot]


def test_a_rule_without_condition_or_example_is_named_by_its_table() -> None:
    assert faults('\n\n[rules.a]\nreason = "policy"\n') == [
        "3: rules.a: has no condition: it would decide everything",
        "3: rules.a.matches: has no example",
    ]


def test_every_fault_is_found_rule_by_rule() -> None:
    text = """
[rules.first]
reason = "nope"
any = ["Pigeon"]
matches = ["550 pigeon"]

[ rules . "second" ]
  reason = "policy"
  any    = ["crow"]
  scope  = "galaxy"

[rules.third]
reason = "nope"
any = ["owl"]
matches = ["550 owl"]
"""
    assert [line.split(": ")[:2] for line in faults(text)] == [
        ["3", "rules.first.reason"],
        ["4", "rules.first.any[0]"],
        ["10", "rules.second.scope"],
        ["7", "rules.second.matches"],
        ["13", "rules.third.reason"],
    ]


def test_the_line_of_a_rule_with_a_dot_in_its_name_is_found() -> None:
    assert [line.split(": ")[0] for line in faults('# a pack\n\n[rules."a.b"]\nreason = "nope"\nany = ["owl"]\nmatches = ["550 owl"]\n')] == ["4"]


def test_an_example_that_an_earlier_rule_takes_is_a_fault() -> None:
    text = GOOD + '\n[rules.late]\nreason = "virus"\nall = ["pigeon", "loft"]\nmatches = ["550 pigeon loft"]\n'
    assert faults(text) == ["13: rules.late.matches[0]: '550 pigeon loft' is taken by rules.full-loft"]


def test_a_phrase_that_never_gets_its_turn_is_a_fault() -> None:
    text = GOOD + '\n[rules.late]\nreason = "virus"\nany = ["the pigeon loft burns"]\nmatches = ["550 the pigeon loft burns"]\n'
    assert faults(text)[0].startswith("12: rules.late.any[0]: 'the pigeon loft burns' is shadowed by 'pigeon loft' of rules.full-loft")


def test_a_provider_of_the_pack_itself_may_be_named() -> None:
    rule = '[rules.a]\nreason = "policy"\nprovider = "pigeon-post"\nany = ["owl"]\nmatches = ["host mx.pigeons.example[192.0.2.1] said: 550 owl"]\n'
    Path("pack.toml").write_text('[providers.pigeon-post]\nhosts = ["pigeons.example"]\n' + rule)
    assert run("pack.toml").returncode == 0


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"reason = ", "bad.toml: "),
        (b"[rules.a]\nany = []\n", "bad.toml: Object missing required field `reason`"),
        (b'[rules.a]\nreason = "policy"\nany = "owl"\n', "bad.toml: Expected `array`, got `str`"),
        (b'[rules.a]\nreason = "policy"\nmood = "grim"\n', "bad.toml: Object contains unknown field `mood`"),
        (b"rules = 5\n", "bad.toml: Expected `object`, got `int`"),
        (b"\xff\xfe", "bad.toml: 'utf-8' codec can't decode"),
        (b"\0", "bad.toml: "),
        (None, "bad.toml: No such file or directory"),
    ],
)
def test_a_file_that_is_no_pack_is_a_fault_and_the_rest_is_checked(data: bytes | None, told: str) -> None:
    if data is not None:
        Path("bad.toml").write_bytes(data)
    Path("good.toml").write_text(GOOD)
    Path("worse.toml").write_text('[rules.a]\nreason = "policy"\n')
    done = run("bad.toml", "good.toml", "worse.toml", ".")
    lines = done.stdout.decode().splitlines()
    assert (done.returncode, len(lines), done.stderr) == (2, 4, b"good.toml: 1 rules, no fault\n")
    assert lines[0].startswith(told)
    assert [line.split(":")[0] for line in lines[1:]] == ["worse.toml", "worse.toml", "."]


@pytest.mark.parametrize("arguments", [(), ("--nope", "pack.toml")])
def test_wrong_usage_is_told(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Usage: " in done.stderr
