"""`classify --jobs`: the same as one process prints, faster; and what happens when one of them dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
MAIL = "From: MAILER-DAEMON@mx.example.com\nSubject: Undelivered\n\n<{name}@example.net>: host mx.example.net[192.0.2.1] said: 550 5.1.1 User unknown\n\n"
KILLER = """
import os
def bounceclass_refine(event, verdict):
    if event.recipient == "killer@example.net":
        os.{how}
    if event.recipient == "raiser@example.net":
        raise ValueError("no")
"""


def boxed(path: Path, mails: Sequence[bytes]) -> Path:
    path.write_bytes(b"".join(b"From x@example.com Mon Mar  9 12:00:00 2026\n" + mail.replace(b"\nFrom ", b"\n>From ") + b"\n\n" for mail in mails))
    return path


def box(path: Path, names: Sequence[str]) -> Path:
    return boxed(path, [MAIL.format(name=name).encode() for name in names])


def start(*arguments: str, cwd: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "NO_COLOR": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "bounceclass", *arguments]
    return subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)  # noqa: S603  our own command


def run(*arguments: str, cwd: Path) -> tuple[int, bytes, str]:
    process = start(*arguments, cwd=cwd)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err.decode()


def workers(parent: int | None = None) -> set[str]:
    """The processes that work for somebody, or for this one."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            theirs = parent is None or path.with_name("stat").read_text().rpartition(")")[2].split()[1] == str(parent)
            if theirs and b"bounceclass.crewed" in path.read_bytes():
                found.add(path.parent.name)
        except OSError:  # it has ended
            continue
    return found


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_several_processes_print_what_one_does(tmp_path: Path, form: str) -> None:
    boxed(tmp_path / "all.mbox", [path.read_bytes() for path in sorted((ROOT / "samples").glob("*/*.eml"))])
    arguments = ("classify", "all.mbox", "missing.eml", str(ROOT / "samples/rfc3464"), "--format", form)
    one, several = (run(*arguments, "--jobs", jobs, cwd=tmp_path) for jobs in ("1", "3"))
    assert several == one
    assert (one[0], one[2].count("missing.eml: No such file or directory")) == (1, 1)


@pytest.mark.parametrize(("how", "said"), [("_exit(3)", "exit code 3"), ("kill(os.getpid(), 9)", "signal 9")])
def test_a_process_that_dies_costs_the_message_that_killed_it_and_no_other(tmp_path: Path, install: object, how: str, said: str) -> None:
    assert callable(install)
    install("deadly", KILLER.format(how=how))
    names = [f"u{number}" for number in range(700)]
    names[300], names[500] = "killer", "raiser"
    box(tmp_path / "a.mbox", names)
    code, out, err = run("-p", "deadly", "classify", "a.mbox", "--format", "csv", "--jobs", "2", cwd=tmp_path)
    recipients = [line.split(",")[3].partition("@")[0] for line in out.decode().splitlines()[1:]]
    assert (code, recipients) == (1, [name for name in names if name != "killer"])
    assert err == f"bounceclass: a.mbox:301: the process that read it ended: {said}\nbounceclass: plugin deadly: refine failed 1 time\n"


def test_processes_that_die_over_nothing_are_told_and_not_tried_for_ever(tmp_path: Path, install: object) -> None:
    assert callable(install)
    install("stillborn", "import os, sys\nif 'bounceclass.crewed' in ' '.join(sys.orig_argv):\n    os._exit(4)\ndef bounceclass_refine(event, verdict):\n    return None\n")
    box(tmp_path / "a.mbox", [f"u{number}" for number in range(700)])
    code, _, err = run("-p", "stillborn", "classify", "a.mbox", "--format", "csv", "--jobs", "2", cwd=tmp_path)
    assert code == 1
    assert "processes in a row ended before they had read a message (exit code 4); --jobs 1 reads in this one" in err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", ["interrupted", "killed", "closed"])
def test_no_process_outlives_the_one_that_was_asked(tmp_path: Path, how: str) -> None:
    box(tmp_path / "a.mbox", [f"u{number}" for number in range(60_000)])
    with start("classify", "a.mbox", "--format", "jsonl", "--jobs", "2", cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"{")
        mine = workers(process.pid)
        assert len(mine) == 2
        if how == "closed":
            process.stdout.close()
        else:
            os.killpg(process.pid, signal.SIGINT if how == "interrupted" else signal.SIGKILL)
        err = process.stderr.read()
        code = process.wait(timeout=60)
        assert (code, err) == {"interrupted": (130, b""), "killed": (-9, b""), "closed": (0, b"")}[how]
    end = time.monotonic() + 30
    while workers() & mine and time.monotonic() < end:
        time.sleep(0.05)
    assert workers() & mine == set()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_where_plugins_have_processes_of_their_own_those_die_instead(tmp_path: Path, install: object, jobs: str) -> None:
    assert callable(install)
    install("deadly", KILLER.format(how="_exit(3)"))
    names = [f"u{number}" for number in range(700)]
    names[300] = "killer"
    box(tmp_path / "a.mbox", names)
    (tmp_path / "mine.toml").write_text('isolate = "process"\n[plugins.deadly]\n')
    code, out, err = run("--config", "mine.toml", "classify", "a.mbox", "--format", "csv", "--jobs", jobs, cwd=tmp_path)
    assert (code, out.count(b"@example.net,")) == (1, 700)
    assert err == "bounceclass: plugin deadly: refine failed 1 time\n"
