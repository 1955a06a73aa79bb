from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

NO_LOCALE = {key: text for key, text in os.environ.items() if not key.startswith(("LC_", "LANG"))}
ENVIRONMENT = {**NO_LOCALE, "NO_COLOR": "1", "FORCE_COLOR": "", "PYTHONUTF8": "1"}
KEYS = [
    "code", "name", "defined", "permanence", "scope", "reason", "advice", "class", "summary", "meaning", "seen_when", "look_alikes", "address",
    "sender_todo", "receiver_todo", "server_use", "brief", "line", "beside", "answers", "related", "source",
]  # fmt: skip
FACTS = ("code", "defined", "permanence", "scope", "reason", "advice")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bounceclass", "explain", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=ENVIRONMENT | environment)  # noqa: S603  our own command


def explained(*arguments: str, **environment: str) -> list[dict[str, Any]]:
    done = run("--format", "json", *arguments, **environment)
    assert (done.returncode, done.stderr) == (0, b"")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def is_korean(text: str) -> bool:
    return any("가" <= char <= "힣" for char in text)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_facts_about_codes_are_the_same_in_every_language(language: str) -> None:
    found = explained("--lang", language, "550", "5.1.1", "521", "421", "4.2.2", "250", "550 4.2.2", "299", "5.99.99")
    assert [tuple(one[key] for key in FACTS) for one in found] == [
        ("550 5.1.1", True, "permanent", "address", "user-unknown", "suppress"),
        ("521", True, "permanent", "domain", "domain-no-mail", "suppress"),
        ("421 4.2.2", True, "transient", "address", "mailbox-full", "count"),
        ("250", True, "undetermined", "none", "undetermined", "ignore"),
        ("550 4.2.2", True, "transient", "address", "mailbox-full", "count"),
        ("299 5.99.99", False, "permanent", "none", "undetermined", "review"),
    ]


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (("550",), ["550"]),
        (("550 5.1.1",), ["550 5.1.1"]),
        (("550", "5.1.1"), ["550 5.1.1"]),
        (("550-5.1.1",), ["550 5.1.1"]),
        (("550", "5.1.1", "5.1.1"), ["550 5.1.1", "5.1.1"]),
        (("5.1.1", "550"), ["5.1.1", "550"]),
        (("550", "521"), ["550", "521"]),
        (("  550  ",), ["550"]),
        (("5.01.001",), ["5.1.1"]),
        (("550 5.1.1", "4.2.2"), ["550 5.1.1", "4.2.2"]),
    ],
)
def test_codes_are_explained_in_order_and_a_status_behind_a_reply_code_goes_with_it(arguments: tuple[str, ...], codes: list[str]) -> None:
    assert [one["code"] for one in explained(*arguments)] == codes


def test_an_explanation_has_every_key() -> None:
    full, undefined = explained("550", "299")
    assert list(full) == list(undefined) == KEYS
    assert [key for key in KEYS if full[key] is None] == []
    assert [key for key in KEYS if undefined[key] is None] == [
        "summary", "seen_when", "address", "sender_todo", "receiver_todo", "server_use", "brief", "line",
    ]  # fmt: skip


def test_prose_comes_in_the_language_asked_for() -> None:
    (english,), (korean,) = explained("--lang", "en", "550"), explained("--lang", "ko", "550")
    prose = ("name", "class", "summary", "meaning", "seen_when", "address", "sender_todo", "receiver_todo", "server_use")
    assert [key for key in prose if is_korean(english[key])] == []
    assert [key for key in prose if not is_korean(korean[key])] == []


@pytest.mark.parametrize(
    ("environment", "korean"),
    [
        ({}, False),
        ({"LC_MESSAGES": "ko_KR.UTF-8"}, True),
        ({"LC_ALL": "ko_KR.UTF-8"}, True),
        ({"LANG": "ko_KR.UTF-8"}, True),
        ({"LANG": "ko"}, True),
        ({"LC_ALL": "en_GB.UTF-8", "LC_MESSAGES": "ko_KR.UTF-8"}, False),
        ({"LC_ALL": "", "LC_MESSAGES": "", "LANG": "ko_KR.UTF-8"}, True),
        ({"LC_ALL": "C", "LANG": "ko_KR.UTF-8"}, False),
        ({"LC_MESSAGES": "en_US.UTF-8", "LANG": "ko_KR.UTF-8"}, False),
        ({"LC_CTYPE": "ko_KR.UTF-8"}, False),
        ({"LANG": "de_DE.UTF-8"}, False),
    ],
)
def test_the_language_is_that_of_the_locale_else_english(environment: dict[str, str], korean: bool) -> None:  # noqa: FBT001  a cell of the table
    assert is_korean(explained("550", **environment)[0]["name"]) is korean


@pytest.mark.parametrize(("language", "korean"), [("en", False), ("ko", True), ("KO", True)])
def test_the_language_asked_for_goes_before_the_locale(language: str, korean: bool) -> None:  # noqa: FBT001  a cell of the table
    locale = "en_US.UTF-8" if korean else "ko_KR.UTF-8"
    assert is_korean(explained("550", "--lang", language, LC_ALL=locale)[0]["name"]) is korean


@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_is_printed_for_people_says_what_the_data_says(language: str) -> None:
    arguments = ("--lang", language, "550", "5.1.1", "521", "299")
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = "".join(done.stdout.decode().split())
    for one in explained(*arguments):
        prose = [one[key] for key in ("code", "name", "summary", "meaning", "seen_when", "address", "sender_todo", "receiver_todo", "server_use", "line")]
        assert [text for text in prose if text and "".join(text.split()) not in shown] == []
    assert "\x1b" not in shown


def test_what_is_printed_into_a_pipe_is_100_cells_wide_and_marks_code_by_backticks() -> None:
    lines = run("--lang", "en", "550").stdout.decode().splitlines()
    assert 90 < max(map(len, lines)) <= 100
    assert "`RCPT TO`" in "\n".join(lines)


FOREIGN = pytest.param("5\u0665\u0660")


@pytest.mark.parametrize("code", ["", "x", "999", "199", "55", "5500", "5.1", "3.1.1", "5.1.1.1", "550 x", "550 5.1.1 5.1.1", "\x1b[2J", FOREIGN])
def test_what_is_no_code_is_named_and_nothing_is_explained(code: str) -> None:
    done = run("550", code)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == f"bounceclass: {code!r} is no SMTP code: a reply code is like 550, an enhanced status like 5.1.1\n"


@pytest.mark.parametrize(
    ("arguments", "told"), [((), "CODE"), (("--lang", "xx", "550"), "known are en, ko"), (("--format", "csv", "550"), "'csv'"), (("--nope", "550"), "--nope")]
)
def test_wrong_usage_is_told_and_nothing_is_explained(arguments: tuple[str, ...], told: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert told in done.stderr.decode()
