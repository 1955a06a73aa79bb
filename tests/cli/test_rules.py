from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "FORCE_COLOR": ""}
MINE = """
[rules.full-loft]
reason = "mailbox-full"
any = ["pigeon loft"]
matches = ["550 5.2.2 the pigeon loft is full"]

[rules.at-rcpt]
reason = "user-unknown"
command = ["rcpt"]
any = ["no pigeon"]
matches = ["host mx.example.org[192.0.2.1] said: 550 no pigeon (in reply to RCPT TO command)"]
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bounceclass", "rules", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", check=False, env=ENVIRONMENT)  # noqa: S603  our own command


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("target", "line"), [("powermta", "/(?i)pigeon"), ("zonemta", r"pigeon\s+loft,reject,capacity,Mailbox full")])
def test_one_file_goes_to_standard_output_and_what_is_lost_to_standard_error(target: str, line: str) -> None:
    Path("mine.toml").write_text(MINE)
    done = run("export", "--to", target, "--rules", "mine.toml")
    assert done.returncode == 0
    rules = [text.strip() for text in done.stdout.splitlines() if text.strip() and not text.lstrip().startswith(("#", "<"))]
    assert any(text.startswith(line) for text in rules[:2]), "the user's own come first"
    told = done.stderr.splitlines()
    assert "dropped: mine:at-rcpt: command rcpt: the phase is not in the text" in told
    assert told[-1].startswith(f"{target}: ")
    assert told[-1].removeprefix(f"{target}: ") in done.stdout
    assert [text for text in told[:-1] if f"# {text}\n" not in done.stdout] == []


def test_kumomta_takes_several_files_so_a_folder_must_be_named() -> None:
    done = run("export", "--to", "kumomta")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--into FOLDER" in done.stderr


def test_kumomta_s_files_are_written_and_the_lua_that_loads_them_is_printed() -> None:
    done = run("export", "--to", "kumomta", "--into", "out/rules")
    assert done.returncode == 0
    paths = sorted(Path("out/rules").iterdir())
    assert [str(path) for path in paths] == [line.strip().strip('",') for line in done.stdout.splitlines() if line.startswith("    ")]
    assert done.stdout.splitlines()[:2] == ["kumo.configure_bounce_classifier {", "  files = {"]
    assert all(set(tomllib.loads(path.read_text(encoding="utf-8"))) == {"rules"} for path in paths)


def test_another_target_s_file_is_written_into_a_folder_too() -> None:
    done = run("export", "--to", "zonemta", "--into", "out")
    assert (done.returncode, done.stdout) == (0, f"{Path('out/bounces.txt')}\n")
    assert Path("out/bounces.txt").read_text(encoding="utf-8").startswith("# Rules of bounceclass for zonemta.")


@pytest.mark.parametrize(
    ("text", "told"),
    [(None, "No such file"), ('[rules.a]\nreason = "nope"\nany = ["a"]\n', "'nope' is no reason"), ("[rules.a]\n", "missing required field")],
)
def test_a_pack_that_is_none_is_an_error(text: str | None, told: str) -> None:
    if text is not None:
        Path("bad.toml").write_text(text)
    done = run("export", "--to", "zonemta", "--rules", "bad.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


@pytest.mark.parametrize("arguments", [("export",), ("export", "--to", "morse"), ("exports",)])
def test_wrong_usage_is_told(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: " in done.stderr
