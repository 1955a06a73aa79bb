"""Several processes on one store, and one that is killed in the middle; on both databases."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bounceclass.model import Reason, Suppression
from bounceclass.store.records import Selection

if TYPE_CHECKING:
    from bounceclass.store.database import Database
    from tests.store.conftest import Open

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
PROLOGUE = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from bounceclass.history import FailedMailing
from bounceclass.model import Event, Kind, Reason, Report, Scope, Suppression, Trust
from bounceclass.store import open_store
from bounceclass.history import Occurrence

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
database = open_store(sys.argv[1])

def handle(ledger, number):
    who, mailing = f"{number % 7}@example.net", f"mailing {number}"
    event = Event(kind=Kind.BOUNCE, recipient=who)
    report = Report(kind=Kind.BOUNCE, events=(event,))
    new = ledger.seen(Occurrence(key=f"k{number}", report=report, event=event, addressed=who, mailing=mailing, grade=Trust.SIGNED, at=NOW))
    if new:
        ledger.record_failure(who, FailedMailing(at=NOW, mailing=mailing, reason=Reason.MAILBOX_FULL), Scope.ADDRESS)
        ledger.brake.tally("all", NOW)
        if len(ledger.history(who, None, NOW).failures) == 5:
            ledger.suppress(Suppression(address=who, reason=Reason.MAILBOX_FULL, since=NOW, by="policy"))
            ledger.enqueue("ses", "suppress", b"", f"k{number}", address=who)
    return bool(new)
"""
SAME_KEYS = """
news = 0
for start in range(0, 140, 7):
    with database.transaction() as ledger:
        news += sum(handle(ledger, number) for number in range(start, start + 7))
print(news)
"""
KILLED = """
with database.transaction() as ledger:
    for number in range(70):
        handle(ledger, number)
with database.transaction() as ledger:
    for number in range(70, 140):
        handle(ledger, number)
    ledger.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def start(code: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", PROLOGUE + code, url], stdout=subprocess.PIPE, text=True)  # noqa: S603  our own command


def test_processes_that_open_and_fill_one_store_count_each_event_once(url: str, open_: Open) -> None:
    running = [start(SAME_KEYS, url) for _ in range(3)]
    news = [int(process.communicate(timeout=120)[0]) for process in running]
    database = open_()
    with database.transaction() as ledger:
        failures = [len(ledger.history(f"{number}@example.net", None, NOW).failures) for number in range(7)]
        tallied = ledger.brake.tallied("all", NOW, NOW + timedelta(hours=1))
    assert (sum(news), tallied, failures, len(list(database.suppressions())), len(list(database.outbox.calls()))) == (140, 140, [20] * 7, 7, 7)
    assert {event.reports for event in database.why("3@example.net", NOW).events} == {3}


def test_a_process_that_is_killed_in_a_transaction_leaves_nothing_of_it(url: str, open_: Open) -> None:
    process = start(KILLED, url)
    process.communicate(timeout=60)
    assert process.returncode == -9
    database = open_()
    with database.transaction() as ledger:
        failures = [len(ledger.history(f"{number}@example.net", None, NOW).failures) for number in range(7)]
        assert (failures, ledger.brake.tallied("all", NOW, NOW + timedelta(hours=1))) == ([10] * 7, 70)
    assert len(database.why("3@example.net", NOW).events) == 10


def test_threads_may_share_a_store(open_: Open) -> None:
    database = open_()
    with ThreadPoolExecutor(30) as pool:
        counts = list(pool.map(lambda number: database.begin_attempts(["all", str(number)]), range(60)))
    assert sorted(count["all"] for count in counts) == list(range(1, 61))


def test_two_readers_of_the_outbox_with_a_lease_share_it(open_: Open) -> None:
    first, second = open_(), open_()
    with first.transaction() as ledger:
        for number in range(100):
            ledger.enqueue("ses", "suppress", b"", str(number))
    lease = timedelta(minutes=1)
    given = [call.key for reader in (first, second, first) for call in reader.outbox.pending("ses", NOW, 40, lease)]
    assert given == [str(number) for number in range(100)]


def memory_to_list(database: Database, number: int) -> int:
    """The most memory that listing so many entries took."""
    tracemalloc.start()
    assert sum(1 for _ in database.suppressions(Selection(active_at=NOW))) == number
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_a_list_four_times_as_long_is_read_in_the_same_memory(open_: Open) -> None:
    database = open_()
    peaks = []
    for start_at, end in ((0, 50), (50, 1000), (1000, 4000)):
        with database.transaction() as ledger:
            for number in range(start_at, end):
                ledger.suppress(Suppression(address=f"{number}@example.net", reason=Reason.USER_UNKNOWN, since=NOW, by="policy"))
        peaks.append(memory_to_list(database, end))
    assert peaks[2] < 1.5 * peaks[1]
