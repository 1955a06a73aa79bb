"""Under load and over kills: what was answered 200 is in the ledger, once; what is too much is told to come again.

The gate's run is short; BOUNCECLASS_LOAD=60 makes it a minute, of batches of 500.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from sqlalchemy import create_engine, text

from tests.web.posting import ROOT, Served, batch, people, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = float(os.environ.get("BOUNCECLASS_LOAD", "3"))
EVENTS = 500 if SECONDS > 10 else 20


def loaded(served: Served, rate: float, seconds: float, events: int) -> dict[str, Any]:
    """Post from a process of its own, and tell what it saw; `resident` is what the server had at most, in MiB."""
    command = [sys.executable, "-m", "tests.web.load", f"{served.url}/webhooks/post:eu", str(rate), str(seconds), str(events)]
    with (served.folder / "load.json").open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out)  # noqa: S603  our own command
    most = 0
    while process.poll() is None:
        most = max(most, resident(served))
        time.sleep(0.2)
    found: dict[str, Any] = json.loads((served.folder / "load.json").read_text())
    return {**found, "resident": most}


def resident(served: Served) -> int:
    assert served.process is not None
    status = Path(f"/proc/{served.process.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def in_ledger(served: Served) -> list[str]:
    engine = create_engine(f"sqlite:///{served.folder}/b.db")
    with engine.connect() as connection:
        found = [row[0] for row in connection.execute(text("select recipient from events order by recipient"))]
    engine.dispose()
    return found


def expected(taken: list[int], events: int) -> list[str]:
    return people(number for first in taken for number in range(first * events, (first + 1) * events))


def test_twenty_batches_a_second_are_all_answered_200_and_every_event_is_in_the_ledger(tmp_path: Path) -> None:
    with Served(tmp_path) as served:
        found = loaded(served, 20, SECONDS, EVENTS)
        assert found["answers"] == {"200": int(20 * SECONDS)}
        start = time.monotonic()
        assert served.run().returncode == 0
        print({**found, "taken": len(found["taken"]), "processed in": round(time.monotonic() - start)})  # noqa: T201  the figures, for who asks with -s
        assert in_ledger(served) == expected(found["taken"], EVENTS)


def test_at_ten_times_that_rate_some_are_told_to_come_again_memory_stays_flat_and_nothing_answered_200_is_lost(tmp_path: Path) -> None:
    with Served(tmp_path, web="spool_deliveries = 100\nin_flight = 8") as served:
        before = resident(served)
        found = loaded(served, 200, SECONDS, EVENTS)
        assert set(found["answers"]) == {"200", "429"}, found["answers"]
        assert found["resident"] - before < 60
        assert served.run().returncode == 0
        assert in_ledger(served) == expected(found["taken"], EVENTS)


def test_a_kill_in_the_middle_loses_nothing_that_was_answered_200(tmp_path: Path) -> None:
    with Served(tmp_path) as served:
        taken: list[int] = []
        numbers = iter(range(100_000))
        stop = threading.Event()
        threads = [threading.Thread(target=post_on, args=(served, numbers, taken, stop)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            before = len(taken)
            while len(taken) < before + 20:
                time.sleep(0.01)
            served.kill()
            served.start()
        stop.set()
        for thread in threads:
            thread.join()
        assert served.run().returncode == 0
        ledger = in_ledger(served)
        assert sorted(set(people(taken)) - set(ledger)) == []
        assert len(ledger) == len(set(ledger))
        assert len(taken) >= 40


def post_on(served: Served, numbers: Iterator[int], taken: list[int], stop: threading.Event) -> None:
    while not stop.is_set():
        number = next(numbers)
        body = batch(number)
        time.sleep(0.02)
        try:
            if httpx.post(f"{served.url}/webhooks/post:eu", content=body, headers=signed(body), timeout=10).status_code == 200:
                taken.append(number)
        except httpx.HTTPError:
            continue
