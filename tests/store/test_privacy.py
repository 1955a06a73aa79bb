"""Hashed names, and erasing a person: what the files then still say is read from the files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import MetaData, create_engine, select

from bounceclass.errors import SettingsError, StoreError
from bounceclass.history import FailedMailing, Occurrence
from bounceclass.model import Action, Advice, Decision, Details, Event, Evidence, Kind, Original, Permanence, Reason, Report, Scope, Suppression, Trust, Verdict
from bounceclass.store.naming import Naming
from bounceclass.store.records import Entry, Selection, Sent

if TYPE_CHECKING:
    from bounceclass.store.database import Database
    from tests.store.conftest import Open

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
RUTH, PAUL = "Ruth.Sommer@example.net", "paul@example.org"
SECRET = b"sixteen octets at least"


def occurrence(key: str, addressed: str, recipient: str, diagnostic: str) -> Occurrence:
    said = Evidence("p1", "ours", "diagnostic", 0, len(diagnostic), diagnostic)
    verdict = Verdict(Permanence.PERMANENT, Reason.USER_UNKNOWN, Scope.ADDRESS, Advice.SUPPRESS, 0.9, Details(new_address=recipient), (said,))
    event = Event(id=recipient, kind=Kind.BOUNCE, recipient=recipient, original_recipient=addressed, diagnostic=diagnostic, label=recipient, verdict=verdict)
    report = Report(kind=Kind.BOUNCE, source=recipient, events=(event,), original=Original(to=f"{recipient}, {addressed}", message_id="1@example.com"))
    return Occurrence(key=key, report=report, event=event, addressed=addressed, mailing=f"tag of {addressed}", grade=Trust.SIGNED, at=NOW)


def entry(address: str) -> Suppression:
    return Suppression(address=address, reason=Reason.USER_UNKNOWN, since=NOW, cause=(f"k {address[0]}",), by="policy")


def fill(database: Database) -> None:
    """Everything that the store can keep of a person; of two persons, one of whom stands in the other's reports."""
    database.record_sent([Sent(mailing=f"tag of {name}", recipient=name, at=NOW) for name in (RUTH, PAUL)])
    with database.transaction() as ledger:
        for name in (RUTH, PAUL):
            told = occurrence(f"k {name[0]}", name, name, f"<{name.upper()}>: nobody, says {RUTH}, not x{RUTH} nor {RUTH}x")
            ledger.seen(told)
            ledger.seen(told)
            ledger.record_decision(told.key, Decision(action=Action.SUPPRESS, because=f"{RUTH} is gone"))
            ledger.record_failure(name, FailedMailing(at=NOW, mailing=told.mailing, reason=Reason.USER_UNKNOWN), Scope.ADDRESS)
            ledger.record_delivery(name, told.mailing, NOW)
            ledger.suppress(entry(name))
            ledger.record_queue("4XyZ", name, NOW)
            ledger.record_named("emtag", name)
            ledger.brake.hold(told.key, Decision(action=Action.HOLD, because="a spike", suppression=entry(name)), NOW)
            ledger.log(Entry(at=NOW, by="policy", what="suppress", why="gone for good", address=name, event=told.key))
        ledger.seen(occurrence("k forwarded", PAUL, RUTH, "no"))


def contents(url: str) -> dict[str, str]:
    """All that the tables hold, as another program reads them."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        found = {name: "\n".join(map(str, connection.execute(select(table).order_by(*table.primary_key)))) for name, table in metadata.tables.items()}
    engine.dispose()
    return found


def naming(text: dict[str, str], *forms: str) -> set[str]:
    return {table for table, rows in text.items() if any(form.lower() in rows.lower() for form in forms)}


def test_without_a_key_people_are_in_clear(database: Database, url: str) -> None:
    fill(database)
    everywhere = {"addresses", "deliveries", "events", "evidence", "failures", "held", "history", "queues", "sent", "suppressions", "tags"}
    assert naming(contents(url), PAUL) == everywhere


@pytest.mark.parametrize(("keep_domains", "domains"), [(False, set()), (True, {"addresses", "events", "failures"})])
def test_with_a_key_nobody_is_named_in_any_table(open_: Open, url: str, keep_domains: bool, domains: set[str]) -> None:  # noqa: FBT001  a cell of the table
    database = open_(hash_key=SECRET, keep_domains=keep_domains)
    fill(database)
    text = contents(url)
    assert naming({name: rows for name, rows in text.items() if name != "events"}, "paul", "sommer") == set()
    assert naming({"events": text["events"].replace(f"{RUTH} is gone", "")}, "paul", "sommer") == set()
    assert naming(text, "example.org") == domains


def test_with_a_key_all_is_found_again_by_address(open_: Open) -> None:
    database = open_(hash_key=SECRET)
    fill(database)
    with database.transaction() as ledger:
        known = ledger.history(PAUL, None, NOW)
        mailing = ledger.mailing(f"tag of {PAUL}")
        assert ([one.mailing for one in known.failures], known.delivered_mailing, len(known.active)) == ([mailing], mailing, 1)
        assert ledger.domain_history("example.org", NOW).known_addresses == 0
        assert ledger.release(known.active[0], at=NOW, by="policy") == 1
    assert (database.is_suppressed(PAUL, None, NOW), database.is_suppressed(RUTH, None, NOW)) == (False, True)
    looked = database.lookups()
    assert looked.sent is not None
    assert (looked.sent(f"tag of {PAUL}", PAUL), looked.sent(f"tag of {PAUL}", RUTH), looked.sent(f"tag of {PAUL}", None)) == (PAUL, None, None)
    assert [event.reason for event in database.why(RUTH, NOW).events] == [Reason.USER_UNKNOWN, Reason.USER_UNKNOWN]


def test_domains_that_are_kept_have_a_history(open_: Open) -> None:
    database = open_(hash_key=SECRET, keep_domains=True)
    fill(database)
    with database.transaction() as ledger:
        assert ledger.domain_history("example.org", NOW).known_addresses == 1


@pytest.mark.parametrize("other", [{}, {"hash_key": b"another secret of ours"}, {"hash_key": SECRET, "keep_domains": True}])
def test_a_database_is_not_opened_with_other_names_for_people(open_: Open, other: dict[str, object]) -> None:
    open_(hash_key=SECRET)
    with pytest.raises(StoreError, match="hash_key or keep_domains differs"):
        open_(**other)


def test_a_secret_that_can_be_guessed_is_refused(open_: Open) -> None:
    with pytest.raises(SettingsError, match="hash_key is shorter than 16 octets"):
        open_(hash_key=b"fifteen octets.")


def test_the_secret_is_in_no_log() -> None:
    assert repr(Naming(secret=SECRET)) == "Naming(hashed=True, keep_domains=False)"


def test_erasing_a_person_leaves_nothing_of_them_and_all_of_others(database: Database, url: str) -> None:
    fill(database)
    assert database.erase("ruth.sommer@EXAMPLE.net", at=NOW, by="ann") > 10
    text = contents(url)
    assert naming({name: rows.replace(f"x{RUTH}", "").replace(f"{RUTH}x", "") for name, rows in text.items()}, "sommer", "k r'") == set()
    past = database.why(PAUL, NOW)
    report = past.events[0].report
    assert report.events[0].diagnostic == f"<{PAUL.upper()}>: nobody, says [erased], not x{RUTH} nor {RUTH}x"
    assert ([event.key for event in past.events], past.events[0].because, len(past.causes)) == (["k p"], "[erased] is gone", 1)
    assert [one.address for one in database.suppressions()] == [PAUL]
    assert database.erase("ruth.sommer@EXAMPLE.net", at=NOW, by="ann") == 0


def test_the_history_keeps_its_lines_under_a_pseudonym(database: Database, url: str) -> None:
    fill(database)
    database.erase(RUTH, at=NOW, by="ann")
    lines = contents(url)["history"].splitlines()
    assert len(lines) == 3
    assert ("erased:" in lines[0], "gone for good" in lines[0], PAUL in lines[1], "'erase'" in lines[2]) == (True, False, True, True)


@pytest.mark.parametrize("hash_key", [SECRET])
def test_erasing_works_where_names_are_hashed(open_: Open, hash_key: bytes) -> None:
    database = open_(hash_key=hash_key)
    fill(database)
    database.erase(RUTH, at=NOW, by="ann")
    assert (database.why(RUTH, NOW).events, database.is_suppressed(RUTH, None, NOW), database.is_suppressed(PAUL, None, NOW)) == ((), False, True)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_is_erased_is_gone_from_the_files_too(database: Database, url: str) -> None:
    fill(database)
    database.undo(Selection(since=NOW - timedelta(days=1)), at=NOW, by="ann", why="none")
    path = url.removeprefix("sqlite:///")

    def files() -> bytes:
        return b"".join(Path(name).read_bytes() for name in (path, f"{path}-wal"))

    assert b"tag of Ruth.Sommer" in files()
    database.erase(RUTH, at=NOW, by="ann")
    assert b"tag of Ruth.Sommer" not in files()
