"""`run --live`: a table below the log on a terminal, nothing elsewhere, and Ctrl-C as without it."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from bounceclass.cli.live import Rates
from tests.runner.conftest import ROOT, Place, bounce

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = {key: text for key, text in os.environ.items() if key not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"}} | {"TERM": "xterm", "COLUMNS": "100"}
STEERING = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place("maildir", tmp_path)
    (tmp_path / "bounceclass.toml").write_text(
        f"""
own_hosts = [".example.com"]
store = {{ url = "sqlite:///{tmp_path}/b.db" }}
run = {{ sources = ["{found.url}"], poll_seconds = 0.2 }}
trust = {{ domains = ["lists.example.com"] }}
policy = {{ incident_least = 5, max_age_days = 3650 }}
""",
        encoding="utf-8",
    )
    for number in range(20):
        found.put(bounce(number, f"reader{number}@paper.test"))
    return found


def command(place: Place, *options: str) -> list[str]:
    return [sys.executable, "-m", "bounceclass", "--config", str(place.path.parent / "bounceclass.toml"), "run", "--live", *options]


def on_terminal(place: Path, arguments: list[str], until: str, number: int | None) -> tuple[int, str, str]:
    """Run with standard error on a terminal, and send a signal once a text was seen there; return the exit code, what went there and to a file."""
    ours, theirs = pty.openpty()
    seen = ""
    with (place / "out").open("w+") as out:
        process = subprocess.Popen(arguments, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=theirs, env=ENVIRONMENT)  # noqa: S603  our own command
        os.close(theirs)
        deadline, sent = time.monotonic() + 60, number is None
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    piece = os.read(ours, 65536)
                except OSError:
                    break
                if not piece:
                    break
                seen += piece.decode()
            if not sent and until in seen and number is not None:
                process.send_signal(number)
                sent = True
        os.close(ours)
        code = process.wait(20)
        out.seek(0)
        return code, seen.replace("\r\n", "\n"), out.read()


def test_the_table_tells_what_was_done_and_log_lines_stay_whole_above_it(place: Place) -> None:
    code, seen, out = on_terminal(place.path.parent, command(place), "decided: hold             ", signal.SIGINT)
    assert (code, out) == (130, "20 processed: 4 suppress, 16 hold\n")
    plain = STEERING.sub("", seen)
    for line in (r"processed +20 +\d", r"bounce +20 +\d", r"decided: suppress +4 +\d", r"decided: hold +16 +\d", r"in quarantine +0 +0\.0", r"calls that wait in the outbox +0"):
        assert re.search(line, plain), line
    assert re.search(r"^.*WARNING incident: user-unknown, .*: further decisions of its kind are held$", plain, re.MULTILINE)
    assert "\x1b[?25l" not in seen  # the cursor is never hidden


def test_elsewhere_there_is_no_table(place: Place) -> None:
    done = subprocess.run(command(place, "--once"), cwd=ROOT, capture_output=True, text=True, check=False, env=ENVIRONMENT)  # noqa: S603  our own command
    assert (done.returncode, done.stdout) == (0, "20 processed: 4 suppress, 16 hold\n")
    assert "outbox" not in done.stderr
    assert "\x1b" not in done.stderr


def test_a_rate_is_the_mean_of_the_last_ten_seconds() -> None:
    rates = Rates()
    assert rates.rows() == []
    rates.note({}, 0)
    assert rates.rows() == [("processed", 0, 0.0), ("decided: hold", 0, 0.0), ("in quarantine", 0, 0.0)]
    for second in range(1, 31):
        rates.note({"inputs": 100 * second, "kind bounce": 50 * min(second, 15)}, second)
    assert rates.rows() == [("processed", 3000, 100.0), ("bounce", 750, 0.0), ("decided: hold", 0, 0.0), ("in quarantine", 0, 0.0)]
