"""The example in docs/example-plugin, installed as a visitor installs a plugin: found, switched on, acting, adding a command."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

from bounceclass.plugins import SWITCH

ROOT = Path(__file__).parent.parent
START = "import sys; from bounceclass.cli.main import run; sys.argv[0] = 'bounceclass'; run()"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that has bounceclass, from the one the tests run in, and the example by pip."""
    home = tmp_path_factory.mktemp("fresh")
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    (packages,) = (home / "lib").glob("python*/site-packages")
    (packages / "bounceclass-of-the-tests.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n", encoding="utf-8")
    build = tmp_path_factory.mktemp("source")
    subprocess.run(["cp", "-R", ROOT / "docs" / "example-plugin", build / "tally"], check=True)  # noqa: S603, S607  our own example
    done = subprocess.run([python, "-m", "pip", "install", "--no-deps", build / "tally"], capture_output=True, text=True, check=False)  # noqa: S603  our own example
    if done.returncode and os.environ.get("CI") != "true":
        pytest.skip(f"pip can't install the example: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    return python


def run(python: Path, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [python, "-c", START, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env={**os.environ, "NO_COLOR": "1", **environment})  # noqa: S603  our own command


def states(python: Path, *arguments: str, cwd: Path, **environment: str) -> dict[str, str]:
    return {row["name"]: row["state"] for row in json.loads(run(python, *arguments, "plugins", "--format", "json", cwd=cwd, **environment).stdout)}


def test_it_is_found_and_off(fresh: Path, tmp_path: Path) -> None:
    assert states(fresh, cwd=tmp_path)["tally"] == "off"
    assert run(fresh, "tally", cwd=tmp_path).returncode == 2


def test_it_is_switched_on_by_name_and_by_configuration_and_off_by_the_switch(fresh: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[plugins.tally]\ncalm = ["example.org"]\n', encoding="utf-8")
    assert states(fresh, "-p", "tally", cwd=tmp_path)["tally"] == "on"
    assert states(fresh, "--config", "mine.toml", cwd=tmp_path)["tally"] == "on"
    assert states(fresh, "-p", "tally", cwd=tmp_path, **{SWITCH: "off"})["tally"] == "off"


def test_it_acts_and_shows_its_command(fresh: Path, tmp_path: Path) -> None:
    samples = [str(ROOT / "samples" / "rfc3464" / name) for name in ("01-user-unknown.eml", "03-mailbox-full.eml")]
    done = run(fresh, "-p", "tally", "classify", *samples, cwd=tmp_path)
    assert (done.returncode, "plugin" in done.stderr) == (0, False), done.stderr
    shown = run(fresh, "-p", "tally", "tally", cwd=tmp_path)
    assert sorted(line.split(maxsplit=1)[1] for line in shown.stdout.splitlines()) == ["mailbox-full", "suppressed for user-unknown", "user-unknown"]
    assert "tally" in run(fresh, "-p", "tally", "--help", cwd=tmp_path).stdout


def test_it_refines(fresh: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[plugins.tally]\ncalm = ["example.org"]\n', encoding="utf-8")
    arguments = ("reply", "--recipient", "jo@example.org", "--format", "jsonl", "550 5.1.1 user unknown")
    verdict = json.loads(run(fresh, "--config", "mine.toml", *arguments, cwd=tmp_path).stdout)
    assert (verdict["advice"], verdict["evidence"][0]["pack"]) == ("review", "tally")
