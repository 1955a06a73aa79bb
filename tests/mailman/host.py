"""A real Mailman 3 with SQLite, in a virtual environment of its own, for it needs an older SQLAlchemy than we do.

Mailman 3.3.10 neither installs nor runs on Python 3.13 as it is; there the environment has what two changes of the language took from it: `STANDARD`
and `PATHS`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import smtplib
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from importlib.metadata import distributions, requires
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import REQUIRED, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

MAILMAN = ("mailman==3.3.10", "SQLAlchemy<2.1")
STANDARD = {"nntplib": "standard-nntplib"}
"""What left the standard library in 3.13: Mailman asks for it by a name that PyPI doesn't have."""
PATHS = """\
from pathlib import Path

if not hasattr(Path, "__enter__"):
    Path.__enter__ = lambda self: self
    Path.__exit__ = lambda self, *_: None
"""
"""A sitecustomize.py: until 3.13 a Path could be entered, as Mailman does to find its templates."""
PATIENCE = 60.0  # seconds
PASSWORD = "restpass"  # noqa: S105  of a server that lives for a test
CONFIG = """\
[mailman]
site_owner: owner@example.com
layout: here
[paths.here]
var_dir: {var}
[mta]
incoming: mailman.mta.null.NullMTA
outgoing: {outgoing}
lmtp_port: {lmtp}
smtp_host: 127.0.0.1
smtp_port: {smtp}
verp_delivery_interval: 1
verp_probes: {probes}
[webservice]
hostname: 127.0.0.1
port: {rest}
admin_user: restadmin
admin_pass: {password}
[database]
class: mailman.database.sqlite.SQLiteDatabase
url: sqlite:///{var}/data/mailman.db
[runner.bounces]
class: {bounces}
sleep_time: 1s
start: {start_bounces}
[runner.lmtp]
start: {start_lmtp}
[runner.rest]
start: {start_rest}
[runner.out]
sleep_time: 1s
start: {start_out}
[runner.pipeline]
sleep_time: 1s
start: {start_pipeline}
[runner.in]
sleep_time: 1s
start: {start_in}
"""
QUIET = ("archive", "command", "nntp", "virgin", "retry", "digest", "task")
CHOSEN = ("bounces", "lmtp", "rest", "out", "pipeline", "in")
STOCK, OURS = "mailman.runners.bounce.BounceRunner", "bounceclass_mailman.runner.Bounces"


def environment() -> Path:
    """Return the `bin` of a virtual environment with Mailman, made once and kept in the temporary folder; skip where PyPI can't be reached."""
    ours = [one for one in requires("bounceclass") or [] if "extra ==" not in one and not re.match(r"click|rich", one)]
    wanted = [*MAILMAN, *ours]
    mark = hashlib.sha256("\n".join([sys.executable, sys.version, *STANDARD.values(), PATHS, *wanted]).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"bounceclass-mailman-{os.geteuid()}-{mark}"
    folder.mkdir(mode=0o700, exist_ok=True)
    assert folder.stat().st_uid == os.geteuid()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            made = _make(folder, wanted)
            if made is not None and not REQUIRED:
                pytest.skip(f"Mailman can't be fetched from PyPI: {made}")
            assert made is None, made
            (folder / "ready").touch()
    return folder / "bin"


def _make(folder: Path, wanted: list[str]) -> str | None:
    log, pip = folder / "pip.log", (str(folder / "bin" / "pip"), "install", "--timeout", "30")
    with log.open("wb") as out:

        def run(*command: str) -> bool:
            return subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=False).returncode == 0  # noqa: S603  our own command

        if not (run(sys.executable, "-m", "venv", str(folder)) and run(*pip, "--no-deps", wanted[0]) and run(*pip, *_needed(folder), *wanted[1:])):
            return log.read_text(errors="replace").strip().splitlines()[-1]
    (_site(folder) / "sitecustomize.py").write_text(PATHS)
    return None


def _needed(folder: Path) -> list[str]:
    """What the Mailman in a virtual environment needs there, as PyPI calls it."""
    (mailman,) = distributions(name="mailman", path=[str(_site(folder))])
    needed = [one.partition(";") for one in mailman.requires or () if "extra ==" not in one]
    return [STANDARD.get(name, name) + semicolon + mark for name, semicolon, mark in needed]


def _site(folder: Path) -> Path:
    (site,) = folder.glob("lib/python*/site-packages")
    return site


def our_code(folder: Path) -> Path:
    """Link our packages, and nothing that is installed beside them, into a folder: an installed wheel and a checkout are the same to Mailman."""
    folder.mkdir()
    for name in ("bounceclass", "bounceclass_mailman"):
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (folder / name).symlink_to(Path(spec.origin).parent)
    return folder


class Mailman:
    """One site in a folder: its processes, its list and its members."""

    def __init__(self, programs: Path, code: Path, folder: Path, *, bounces: str = OURS, outgoing: str = "mailman.mta.deliver.deliver", settings: str = "", probes: str = "no") -> None:
        self.folder, self.var = folder, folder / "var"
        self._programs, self._code = programs, code
        self._given = {"bounces": bounces, "outgoing": outgoing, "probes": probes}
        self.rest, self.lmtp, self.smtp = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.rest}/3.1"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(exist_ok=True)
        if settings:
            (folder / "bounceclass.toml").write_text(settings)

    def copy(self, folder: Path, **given: Any) -> Mailman:
        """Return another site that begins with all that this one has."""
        shutil.copytree(self.folder, folder)
        return Mailman(self._programs, self._code, folder, **given)

    def _configure(self, runners: tuple[str, ...]) -> str:
        path = self.folder / "mailman.cfg"
        started = {f"start_{name}": "yes" if name in runners else "no" for name in CHOSEN}
        text = CONFIG.format(var=self.var, rest=self.rest, lmtp=self.lmtp, smtp=self.smtp, password=PASSWORD, **self._given, **started)
        path.write_text(text + "".join(f"[runner.{name}]\nstart: no\n" for name in QUIET))
        return str(path)

    def start(self, *runners: str, alone: bool = False, **environ: str) -> subprocess.Popen[bytes]:
        """Start runners under Mailman's master, or one of them alone."""
        config = self._configure(runners)
        command = [str(self._programs / "runner"), "-C", config, "-r", runners[0]] if alone else [str(self._programs / "master"), "-C", config]
        with (self.folder / "out.log").open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=self.folder, env={**os.environ, "PYTHONPATH": str(self._code), **environ})  # noqa: S603  our own command
        return self._process

    def stop(self) -> None:
        """Stop what was started, and wait for it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(PATIENCE)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            waits = self._process is not None and self._process.poll() is None and time.monotonic() < deadline
            assert waits, f"{what}:\n{self.told()}"
            time.sleep(0.1)

    def told(self) -> str:
        """What Mailman wrote, on its output and into its logs."""
        paths = [self.folder / "out.log", *sorted((self.var / "logs").glob("*.log"))]
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-4000:]}" for path in paths if path.exists())

    def send(self, mails: list[bytes], to: str = "garden-bounces@lists.example.com") -> None:
        """Hand mails over by LMTP."""
        self.until(lambda: _listens(self.lmtp), "nobody listens for LMTP")
        with smtplib.LMTP("127.0.0.1", self.lmtp, timeout=PATIENCE) as client:
            for mail in mails:
                client.sendmail("", [to], mail)

    def queued(self, queue: str = "bounces") -> list[str]:
        """The files of a queue, those in work too."""
        folder = self.var / "queue" / queue
        return sorted(path.suffix for path in folder.iterdir()) if folder.exists() else []

    def drain(self) -> None:
        """Wait until every bounce is read, and every event of one is processed."""
        self.until(lambda: not self.queued() and not self.ask("SELECT id FROM bounceevent WHERE NOT processed"), "bounces wait")

    def ask(self, query: str, *values: Any) -> list[Any]:
        """Return rows of Mailman's database."""
        with closing(sqlite3.connect(self.var / "data" / "mailman.db", timeout=PATIENCE)) as database, database:
            return database.execute(query, values).fetchall()

    def standing(self, name: str) -> dict[str, tuple[str, int]]:
        """Return how each member of a list stands, by the local part of the address: "enabled" or "by_bounces", and the score."""
        rows = self.ask(
            "SELECT address.email, preferences.delivery_status, member.bounce_score FROM member "
            "JOIN address ON address.id = member.address_id JOIN preferences ON preferences.id = member.preferences_id WHERE member.list_id = ?",
            f"{name}.lists.example.com",
        )
        words = {None: "enabled", 1: "enabled", 3: "by_bounces"}
        return {email.partition("@")[0]: (words[status], score or 0) for email, status, score in rows}


def _listens(port: int) -> bool:
    try:
        smtplib.LMTP("127.0.0.1", port, timeout=PATIENCE).quit()
    except OSError:
        return False
    return True
