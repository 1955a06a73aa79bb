"""The benchmarks run, and tell what they must; how fast is no test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent

ours = pytest.importorskip("benchmarks.ours", reason="no part of the built package")
replies = pytest.importorskip("benchmarks.replies")
python = pytest.importorskip("benchmarks.peers.python")

SAMPLES = ("postfix/01-default-user-unknown.eml", "rfc3464/01-user-unknown.eml", "other/01-talks-about-codes.eml")


def run(module: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run it where no peer is: `home` is where they would lie, and the machine's own perl and node are not found."""
    environment = os.environ | {"XDG_CACHE_HOME": str(home), "PATH": ""}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  what stands here


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    for name in SAMPLES:
        path = CHECKOUT / "samples" / name
        (folder / path.parent.name).mkdir()
        shutil.copy(path, folder / path.parent.name)
        shutil.copy(path.with_suffix(".json"), folder / path.parent.name)
    return folder


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]


def test_every_reader_has_its_rows_and_a_missing_one_is_named(samples: Path, tmp_path: Path) -> None:
    done = run("benchmarks", "--rounds", "1", "--markdown", "--messages", str(samples), home=tmp_path)
    rows = [row for row in cells(done.stdout) if not row[0].startswith("-")]
    read = {(row[0], row[1], row[6], row[7]) for row in rows if len(row) == 10 and row[0].startswith("bounceclass") and row[0] != "bounceclass reply"}
    assert (done.returncode, read) == (
        0,
        {(f"bounceclass {mode}", name, "2", "0") for mode in ("cold", "warm") for name in ("bounces", "whole")},
    )
    assert "events that differ in 3 messages: warm 0, stdlib 0, fields 0" in done.stdout
    assert {row[1] for row in rows if row[0] == "bounceclass reply" and len(row) == 10} == {"reply lines, all new", "reply lines, repeated"}
    assert {row[0] for row in rows if len(row) == 6} >= {"bounceclass cold, 25 MB bounce", "python -c pass", "import bounceclass", "bounceclass reply"}
    peers = ("flufl.bounce", "flanker", "bounced", "BounceParser", "Sisimai", "baunsu", "email-bounce-parser")
    assert [name for name in peers if f"\n{name} is not here: " not in done.stdout] == []


def test_only_what_is_asked_for_is_timed(samples: Path, tmp_path: Path) -> None:
    done = run("benchmarks", "--rounds", "1", "--markdown", "--only", "compat32", "--messages", str(samples), home=tmp_path)
    assert [row[0] for row in cells(done.stdout) if row[0][0] != "-"] == ["reader", "compat32", "compat32", "what", "compat32, 25 MB bounce"]


def test_the_profile_names_functions_and_the_slowest_messages(samples: Path, tmp_path: Path) -> None:
    done = run("benchmarks.profile", str(samples), home=tmp_path)
    assert done.returncode == 0
    assert "Ordered by: internal time" in done.stdout
    assert sum(" ms " in line and line.endswith(".eml") for line in done.stdout.splitlines()) == len(SAMPLES)


def test_what_a_reader_raises_is_counted_and_shown() -> None:
    figures = python.go_over(int, ["1", "x", "0"])
    assert (figures["found"], figures["faults"]) == (1, {"ValueError": 1})


COLD = """
from pathlib import Path
from benchmarks import ours
read = ours.fresh_reader()
read(next(Path("samples/postfix").glob("01-*.eml")).read_bytes())
filled = {cache.__module__ for cache in ours.answer_caches() if cache.cache_info().currsize}
assert {"bounceclass.transcript", "bounceclass.mime.parsers", "bounceclass.dsn"} <= filled, filled
ours.fresh_reader()
left = [cache.__module__ for cache in ours.answer_caches() if cache.__module__ != "bounceclass.judge" and cache.cache_info().currsize]
assert left == [], left
"""


def test_no_answer_is_remembered_in_a_cold_pass() -> None:
    done = subprocess.run([sys.executable, "-c", COLD], cwd=CHECKOUT, capture_output=True, text=True, check=False)  # noqa: S603  our own; nobody else's threads run there
    assert done.returncode == 0, done.stderr


def test_reply_lines_are_the_same_each_time_and_the_new_ones_all_differ() -> None:
    new = replies.all_new()
    assert (new, len(set(new))) == (replies.all_new(), len(new))
    assert len(set(replies.repeated())) < 200
