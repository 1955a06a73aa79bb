"""The unit and the Dockerfile: what of them can be held without starting either."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import pytest

from tests.runner.conftest import ROOT
from tests.servers import require
from tests.service.conftest import Running, until

if TYPE_CHECKING:
    from pathlib import Path

UNIT = ROOT / "docs/service/bounceclass.service"
DOCKERFILE = ROOT / "docs/service/Dockerfile"
RELOADING = ("Type=notify\n", "Type=notify-reload\n")


@pytest.fixture
def analyze() -> str:
    return require({"systemd-analyze": "systemd"})["systemd-analyze"]


def installed(folder: Path, text: str) -> str:
    """Write a unit that starts a program which is here."""
    path = folder / "bounceclass.service"
    path.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable} -m bounceclass", text, flags=re.MULTILINE), encoding="utf-8")
    return str(path)


def version(analyze: str) -> int:
    said = subprocess.run([analyze, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603  systemd's
    return int(re.findall(r"systemd (\d+)", said)[0])


@pytest.mark.parametrize("type_", ["notify", "notify-reload"])
def test_systemd_finds_no_fault_with_the_unit(type_: str, analyze: str, tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8")
    assert text.count(RELOADING[0]) == 1
    if type_ == "notify-reload":
        if version(analyze) < 253:
            pytest.skip("Type=notify-reload is of systemd 253")
        text = re.sub(r"^ExecReload=.*\n", "", text.replace(*RELOADING), flags=re.MULTILINE)
    done = subprocess.run([analyze, "verify", "--man=no", installed(tmp_path, text)], capture_output=True, text=True, check=False)  # noqa: S603  systemd's
    assert (done.returncode, done.stdout, [line for line in done.stderr.splitlines() if "bounceclass" in line]) == (0, "", [])


def test_the_unit_exposes_little(analyze: str, tmp_path: Path) -> None:
    if version(analyze) < 250:
        pytest.skip("systemd-analyze security --offline is of systemd 250")
    command = [analyze, "security", "--offline=true", "--threshold=20", "--no-pager", installed(tmp_path, UNIT.read_text(encoding="utf-8"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  systemd's
    assert done.returncode == 0, done.stdout


def test_a_run_needs_no_memory_that_is_written_and_run(running: Running, tmp_path: Path) -> None:
    """What MemoryDenyWriteExecute forbids (systemd by seccomp, here Linux itself: PR_SET_MDWE)."""
    deny = "import ctypes, os, sys; sys.exit(9) if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) else os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", deny, sys.executable, "-m", "bounceclass", "--config", str(running.config), "run", "--once"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  our own command
    if done.returncode == 9:
        pytest.skip("this kernel has no PR_SET_MDWE, which is of Linux 6.3")
    assert (done.returncode, done.stdout, (tmp_path / "b.db").exists()) == (0, "0 processed\n", True)


def instructions() -> list[tuple[str, str]]:
    lines = re.sub(r"\\\n", " ", DOCKERFILE.read_text(encoding="utf-8")).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line and not line.startswith("#"))]


def copied() -> list[str]:
    return [source for word, rest in instructions() if word == "COPY" and "--from" not in rest for source in rest.split()[:-1]]


def test_the_image_is_made_of_what_the_wheel_is_made_of_and_nothing_else_is_sent() -> None:
    if not (ROOT / "plugins").is_dir():
        pytest.skip("outside a checkout there is nothing to copy")
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"], *project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]}
    assert set(copied()) == needed
    ignored = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert (ignored[0], {line.removeprefix("!") for line in ignored if line.startswith("!")}) == ("*", needed)
    assert fnmatch("bounceclass/cli/__pycache__", ignored[-1])


def test_the_image_runs_as_nobody_in_particular_and_runs_what_it_has() -> None:
    found = instructions()
    last = len(found) - 1 - [word for word, _ in reversed(found)].index("FROM")
    stage = dict(found[last:])
    assert stage["USER"] == "10001"
    assert ("RUN", "useradd --system --uid 10001 --home-dir /var/lib/bounceclass --create-home bounceclass") in found[last:]
    assert [word for word, _ in found].index("USER") < [word for word, _ in found].index("ENTRYPOINT")
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert json.loads(stage["ENTRYPOINT"])[0] in scripts
    assert json.loads(stage["CMD"]) == ["run"]
    of_image = {"pip", "useradd"}  # of python:slim, which is a Debian
    assert {re.sub(r"--mount=\S+ ", "", rest).split()[0] for word, rest in found if word == "RUN"} == of_image
    assert shutil.which("useradd") is not None or sys.platform != "linux"


def test_the_image_s_health_check_tells_well_from_ill(running: Running) -> None:
    said = dict(instructions())["HEALTHCHECK"].partition(" CMD ")[2]
    _, *arguments = [word.replace("127.0.0.1:9464", f"127.0.0.1:{running.port}") for word in json.loads(said)]

    def checked() -> int:
        return subprocess.run([sys.executable, *arguments], capture_output=True, check=False).returncode  # noqa: S603  the image's own

    assert checked() == 1
    running.start()
    until(lambda: checked() == 0, "health")
    running.place.path.rename(running.place.path.with_name("away"))
    until(lambda: checked() == 1, "illness")
    assert running.end() in {0, 75}
