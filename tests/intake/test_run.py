"""A real Postfix hands thousands of bounces to `bounceclass run`, which is killed meanwhile: each is counted once, and none is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from bounceclass import config
from bounceclass.assembly import open_configured_store
from tests.intake.conftest import LMTP
from tests.runner.conftest import ROOT, bounce

if TYPE_CHECKING:
    from pathlib import Path

    from tests.intake.postfix import Postfix

NUMBER = int(os.environ.get("BOUNCECLASS_LMTP", "1500"))
SETTINGS = """
own_hosts = [".example.com"]
store = {{ url = "sqlite:///{folder}/b.db" }}
run = {{ sources = ["lmtp:127.0.0.1:{port}?spool={folder}/spool"], poll_seconds = 30 }}
policy = {{ incident_least = 1000000, max_age_days = 3650 }}
trust = {{ domains = ["lists.example.com"] }}
"""


class Run:
    """`bounceclass run` as a process that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "bounceclass.toml"
        self.config.write_text(SETTINGS.format(folder=folder, port=LMTP))
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "bounceclass", "--config", str(self.config), "run"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603  our own command

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        self._process.terminate()
        return self._process.wait(60)

    def left(self) -> int:
        return sum(len(list(folder.iterdir())) for name in ("new", "cur") if (folder := self.folder / "spool" / name).exists())


def test_thousands_of_bounces_by_lmtp_with_kills_between_are_each_counted_once(postfix: Postfix, tmp_path: Path) -> None:
    run = Run(tmp_path)
    people = [f"u{number}@example.{'org' if number % 2 else 'net'}" for number in range(NUMBER)]
    for part in range(3):
        chosen = range(part * NUMBER // 3, (part + 1) * NUMBER // 3)
        postfix.send((f"news-bounces+t{number}@lmtp.test", bounce(number, people[number])) for number in chosen)
        run.kill()
        run.start()
    postfix.drain(300)
    end = time.monotonic() + 300
    while run.left() and time.monotonic() < end:
        time.sleep(0.2)
    assert (run.left(), run.end()) == (0, 0), (tmp_path / "log").read_text()
    store = open_configured_store(config.read(str(run.config)).store)
    try:
        assert sorted(entry.address or "" for entry in store.suppressions()) == sorted(people)
        assert all(len(store.history(whom, None, entry.since).failures) == 1 for entry in list(store.suppressions())[:200] if (whom := entry.address))
    finally:
        store.close()
    assert len(list((tmp_path / "spool" / ".Processed" / "cur").iterdir())) >= NUMBER
    assert "status=bounced" not in postfix.log.read_text()
