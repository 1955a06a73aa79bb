"""A run that goes on, as systemd would start it: its mailbox, its configuration, its port, and what it says."""

from __future__ import annotations

import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.runner.conftest import ROOT, Place, Sink, sink  # noqa: F401  a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 60.0


def until(wanted: Callable[[], object], what: str) -> Any:
    """Wait for something that holds, and return it."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if found := wanted():
            return found
        time.sleep(0.05)
    pytest.fail(f"{what} did not come")


def free_port() -> int:
    """Return a port that nobody has, below those that the system gives to who calls somebody."""
    for number in random.sample(range(20000, 32000), 100):
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", number))
            return number
    pytest.fail("no port is free")


class Running:
    """A run as a process; systemd's end of the notify socket is here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place("maildir", folder)
        self.port = free_port()
        self.config = folder / "bounceclass.toml"
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "n"))
        self.told: list[dict[str, str]] = []
        self.write()

    def write(self, *, sources: list[str] | None = None, run: str = "", more: str = "", form: str = "json", store: str = "") -> None:
        """Write the configuration."""
        listed = json.dumps([self.place.url] if sources is None else sources)
        self.config.write_text(
            f"""
own_hosts = [".example.com"]
store = {{ url = "{store or f"sqlite:///{self.folder}/b.db"}", patience = 1.0 }}
trust = {{ domains = ["lists.example.com"] }}
policy = {{ incident_least = 10000, max_age_days = 3650 }}
[log]
format = "{form}"
[run]
sources = {listed}
poll_seconds = 0.2
metrics = "127.0.0.1:{self.port}"
{run}
{more}
""",
            encoding="utf-8",
        )

    def start(self, *arguments: str, environ: dict[str, str] | None = None, wait: str = "READY") -> None:
        while select.select([self._socket], [], [], 0)[0]:  # of a run before
            self._socket.recv(4096)
        environment = {**os.environ, "NOTIFY_SOCKET": str(self.folder / "n"), **(environ or {})}
        command = [sys.executable, "-m", "bounceclass", "--config", str(self.config), "run", *arguments]
        with self.log.open("ab") as log, (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=environment)  # noqa: S603  our own command
        self.hear(wait)

    def hear(self, name: str) -> dict[str, str]:
        """Return the next message to systemd that has a name, and keep all that came before."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if select.select([self._socket], [], [], 0.2)[0]:
                self.told.append(dict(line.split("=", 1) for line in self._socket.recv(4096).decode().split("\n")))
                if name in self.told[-1]:
                    return self.told[-1]
            elif self.process is None or self.process.poll() is not None:
                break
        pytest.fail(f"{name} was not told: {self.told}, {self.log.read_text()}")

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def reload(self) -> None:
        """Let it read the configuration again, and wait until it has."""
        self.send(signal.SIGHUP)
        self.hear("RELOADING")
        self.hear("READY")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Stop it, and return its exit code."""
        self.send(number)
        assert self.process is not None
        return self.process.wait(SECONDS)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._socket.close()

    def lines(self) -> list[dict[str, Any]]:
        """Return the log, where it is of JSON."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def said(self, text: str) -> bool:
        return text in self.log.read_text(encoding="utf-8")

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  our own
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def health(self) -> tuple[int, dict[str, Any]]:
        code, text = self.get("/health")
        return code, json.loads(text)

    def metrics(self) -> dict[str, float]:
        """Return what is counted, as "name{label=value}", without what the process itself costs."""
        found = {}
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for one in family.samples:
                labels = ",".join(f"{key}={value}" for key, value in sorted(one.labels.items()))
                found[f"{one.name}{{{labels}}}" if labels else one.name] = one.value
        return {name.removeprefix("bounceclass_"): value for name, value in found.items() if name.startswith("bounceclass_")}

    def held(self) -> int:
        """How many files and threads the process has; a request may bring a connection to the store (three files) and a thread."""
        assert self.process is not None
        folder = Path("/proc", str(self.process.pid))
        return sum(len([*(folder / name).iterdir()]) for name in ("fd", "task")) if folder.is_dir() else 0

    def processed(self) -> float:
        return sum(value for name, value in self.metrics().items() if re.match(r"inputs_total", name))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.close()
