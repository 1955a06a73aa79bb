"""`init` writes a configuration that `config check` finds no fault with; what has one is told with its line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from bounceclass.config import Configuration, read
from bounceclass.presets import PolicySettings
from bounceclass.settings import KeySource, RunSettings, StoreSettings, TrustSettings

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path, *arguments: str, answers: str = "") -> tuple[int, str, str]:
    environment = {name: value for name, value in os.environ.items() if name != "BOUNCECLASS_CONFIG"}
    command = [sys.executable, "-m", "bounceclass", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment, input=answers)  # noqa: S603  our own command
    return done.returncode, done.stdout, done.stderr


def test_what_was_answered_is_written_and_holds(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    answers = f"mx.example.com .example.net\nmaildir:{tmp_path}/in\n\nbounces@lists.example.com\n\nmailman\n"
    assert run(tmp_path, "init", answers=answers)[0] == 0
    assert read(str(tmp_path / "bounceclass.toml")) == Configuration(
        own_hosts=("mx.example.com", ".example.net"),
        run=RunSettings(sources=(f"maildir:{tmp_path}/in",)),
        store=StoreSettings(url=f"sqlite:///{tmp_path}/bounces.db"),
        trust=TrustSettings(
            keys=(KeySource(id=1, file=str(tmp_path / "tag.key")),), return_path="bounces@lists.example.com", domains=("lists.example.com",)
        ),
        policy=PolicySettings(preset="mailman"),
    )
    assert (tmp_path / "tag.key").stat().st_mode & 0o777 == 0o600
    code, out, err = run(tmp_path, "config", "check", "bounceclass.toml")
    assert (code, out, err.splitlines()[-1]) == (0, "", "bounceclass.toml: no fault")
    assert "not configured: authserv_ids" in err


def test_defaults_ask_nothing_and_what_they_leave_out_is_told(tmp_path: Path) -> None:
    assert run(tmp_path, "init", "mine.toml", "--defaults")[0] == 0
    assert read(str(tmp_path / "mine.toml")) == Configuration(store=StoreSettings(url=f"sqlite:///{tmp_path}/bounces.db"))
    assert "not configured: keys" in run(tmp_path, "config", "check", "mine.toml")[2]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "bounceclass.toml").write_text("mine")
    assert run(tmp_path, "init", "--defaults")[0] == 2
    assert (tmp_path / "bounceclass.toml").read_text() == "mine"
    (tmp_path / "tag.key").write_text("old")
    assert run(tmp_path, "init", "other.toml", answers="\n\n\nb@example.com\n\n\n")[0] == 0
    assert (tmp_path / "tag.key").read_text() == "old"


def test_an_answer_cannot_break_out_of_its_place(tmp_path: Path) -> None:
    nasty = 'maildir:my mail"]\\n\x7f[trust]'
    run(tmp_path, "init", answers=f"\n{nasty}\n\n\n\n\n")
    assert read(str(tmp_path / "bounceclass.toml")).run.sources == (nasty,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n[policy]\npreset = 'majordomo'", "c.toml:3: Invalid enum value 'majordomo' - at `policy.preset`"),
        ("packs = ['none.toml']", "none.toml: No such file or directory"),
        ("[trust]\nkeys = [{id = 1, file = 'none.key'}]", "none.key: No such file or directory"),
        ("[run]\nsources = ['carrier-pigeon:loft']", "source carrier-pigeon:loft: nobody knows what that is"),
        ("[run]\nsources = ['maildir:box']", "nothing can be run without a store"),
        ("[policy.reasons.spam]\ncount = {n = 2, expiry_days = [3]}", "policy.reasons.spam: no repetition of it is the recipient's fault"),
        ("[plugins.nobody]", "nobody"),
    ],
)
def test_a_fault_is_told_and_the_exit_code_is_2(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    for folder in ("box/new", "box/cur", "box/tmp"):
        (tmp_path / folder).mkdir(parents=True)
    code, out, _ = run(tmp_path, "config", "check", "c.toml")
    assert code == 2
    assert said in out


def test_the_template_speaks_of_keys_that_there_are(tmp_path: Path) -> None:
    assert run(tmp_path, "init", "--defaults")[0] == 0
    text = (tmp_path / "bounceclass.toml").read_text()
    uncommented = "\n".join(line.removeprefix("# ") if " = " in line or line.startswith("# [") else line for line in text.split("\n"))
    assert msgspec.toml.decode(uncommented, type=Configuration).plugins == {"file": {"path": "suppressions.csv"}}
