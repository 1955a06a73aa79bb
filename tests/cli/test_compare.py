from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "FORCE_COLOR": ""}
KEYS = ["codes", "summary", "table", "differences", "which_when", "timeline", "address", "explanations"]


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bounceclass", "compare", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=ENVIRONMENT)  # noqa: S603  our own command


def compared(*arguments: str) -> dict[str, Any]:
    done = run("--format", "json", *arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def without_blanks(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_pair_that_people_ask_about_has_every_part(language: str) -> None:
    found = compared("--lang", language, "250", "521")
    assert list(found) == KEYS
    assert found["codes"] == [one["code"] for one in found["explanations"]] == ["250", "521"]
    assert [key for key in KEYS if not found[key]] == []
    assert {len(cells) for _, cells in found["table"]} == {2}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_pair_the_other_way_round_has_its_columns_turned_and_the_same_words(language: str) -> None:
    straight, turned = compared("--lang", language, "250", "521"), compared("--lang", language, "521", "250")
    for found in (turned["codes"], turned["explanations"], *(cells for _, cells in turned["table"])):
        found.reverse()
    assert turned == straight


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (("4.4.1", "5.7.1"), ["4.4.1", "5.7.1"]),
        (("550 5.1.1", "450 4.2.2"), ["550 5.1.1", "450 4.2.2"]),
        (("250", "421", "550"), ["250", "421", "550"]),
        (("299", "5.99.99"), ["299", "5.99.99"]),
        (("550", "550"), ["550", "550"]),
    ],
)
def test_codes_without_a_text_about_the_pair_are_set_side_by_side(arguments: tuple[str, ...], codes: list[str]) -> None:
    found = compared(*arguments)
    assert (found["codes"], [one["code"] for one in found["explanations"]]) == (codes, codes)
    assert (found["summary"], found["differences"], found["which_when"], found["timeline"], found["address"]) == (None, [], [], None, None)
    assert dict(found["table"])["name"] == [one["name"] for one in found["explanations"]]
    assert [key for key, cells in found["table"] if len(cells) != len(codes) or not any(cells)] == []


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("codes", [("250", "521"), ("550 5.1.1", "421", "299")])
def test_what_is_printed_for_people_says_what_the_data_says(language: str, codes: tuple[str, ...]) -> None:
    done = run("--lang", language, *codes)
    assert (done.returncode, done.stderr) == (0, b"")
    found = compared("--lang", language, *codes)
    texts = [found[key] for key in ("summary", "timeline", "address") if found[key]]
    texts += [text for row in (*found["differences"], *found["which_when"]) for text in row]
    texts += [one[key] for one in found["explanations"] for key in ("meaning", "seen_when") if one[key]]
    shown = without_blanks(done.stdout.decode())
    assert [text for text in texts if without_blanks(text) not in shown] == []
    assert [code for code in codes if f"`explain {code}`" not in done.stdout.decode()] == []
    assert "\x1b" not in shown


def test_a_cell_that_is_empty_is_told_so() -> None:
    assert [line.split() for line in run("--lang", "en", "299", "550").stdout.decode().splitlines() if line.startswith("Defined in ")] == [
        ["Defined", "in", "-", "RFC", "5321", "4.2.3"]
    ]


@pytest.mark.parametrize("codes", [("550",), ("250", "450", "521", "550")])
def test_fewer_than_two_codes_or_more_than_three_are_no_comparison(codes: tuple[str, ...]) -> None:
    done = run(*codes)
    told = f'bounceclass: compare wants two or three codes, not {len(codes)}; a code in two parts is quoted: "550 5.1.1"\n'
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", told)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "A B [C]"),
        (("250", "999"), "'999' is no SMTP code"),
        (("250", "521", "--lang", "xx"), "known are en, ko"),
        (("250", "521", "--format", "jsonl"), "'jsonl'"),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_compared(arguments: tuple[str, ...], told: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert told in done.stderr.decode()
