"""Real mail servers write the samples anew, and what they write reads as the samples do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bounceclass.model import Report, decode

if TYPE_CHECKING:
    from bounceclass.engine import Engine

ROOT = Path(__file__).parent.parent


def lacking() -> str | None:
    """Why no server can be run here."""
    if os.geteuid() != 0:
        return "namespaces need root"
    missing = [name for name in ("apt-get", "dpkg", "ip", "unshare") if shutil.which(name) is None]
    return f"{', '.join(missing)} missing" if missing else None


def facts(reports: list[Report]) -> list[str]:
    """What was read, in no order: several mails of one server arrive as they please."""
    return sorted(
        f"{report.format} {event.kind} {event.recipient} {event.reply_code} {event.enhanced_status} {event.verdict.reason} {event.verdict.advice}"
        for report in reports
        for event in report.events
    )


@pytest.mark.parametrize("name", ["dma", "nullmailer"])
def test_a_server_run_now_writes_what_its_samples_say(name: str, engine: Engine, tmp_path: Path) -> None:
    why = lacking()
    if why and os.environ.get("CI") != "true":
        pytest.skip(why)
    done = subprocess.run([sys.executable, "-m", "samples.make", name, "--into", tmp_path], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  our own command
    if done.returncode and "can't fetch" in done.stderr and os.environ.get("CI") != "true":
        pytest.skip(done.stderr.splitlines()[0])
    assert done.returncode == 0, done.stderr
    made = facts([engine.classify(path.read_bytes()) for path in (tmp_path / name).glob("*.eml")])
    assert made == facts([decode(path.read_bytes()) for path in (ROOT / "samples" / name).glob("*.json")])
