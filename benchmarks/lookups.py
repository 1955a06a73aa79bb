"""`python -m benchmarks.lookups`: answers a second of `bounceclass mta`, over one connection and over ten, of a list with 100,000 entries."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Final

from benchmarks import table
from benchmarks.peers import environment
from bounceclass.model import Reason, Suppression
from bounceclass.store import open_store

__all__ = ["main"]

ENTRIES: Final = 100_000
SECONDS: Final = 5.0
CONNECTIONS: Final = (1, 10)


def main() -> int:
    """Print the rate of each number of connections."""
    with TemporaryDirectory() as folder:
        url, path = f"sqlite:///{folder}/b.db", f"{folder}/s"
        since = datetime.now(UTC) - timedelta(days=1)
        store = open_store(url)
        with store.transaction() as ledger:
            for number in range(ENTRIES):
                ledger.suppress(Suppression(address=f"u{number}@example.net", reason=Reason.USER_UNKNOWN, since=since, by="policy"))
        store.close()
        command = [sys.executable, "-m", "bounceclass", "mta", "--policy", path, "--store", url]
        process = subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)  # noqa: S603  our own command
        try:
            _wait(path)
            sys.stdout.write(f"{ENTRIES:,} entries, on {table.machine()}\n")
            for number in CONNECTIONS:
                sys.stdout.write(f"{number} connections: {_rate(path, number):,.0f} answers/s\n")
        finally:
            process.kill()
            process.wait()
    return 0


def _wait(path: str) -> None:
    for _ in range(200):
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                return
        except OSError:
            time.sleep(0.05)


def _rate(path: str, number: int) -> float:
    counts = [0] * number
    end = time.perf_counter() + SECONDS

    def ask(place: int) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            while time.perf_counter() < end:
                client.sendall(b"request=smtpd_access_policy\nrecipient=u%d@example.net\n\n" % (counts[place] * 7919 % (2 * ENTRIES)))
                client.recv(1000)
                counts[place] += 1

    threads = [Thread(target=ask, args=(place,)) for place in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


if __name__ == "__main__":
    sys.exit(main())
