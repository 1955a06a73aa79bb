"""Opening: creating, bringing up to date, and saying clearly why not."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from bounceclass.errors import StoreError
from bounceclass.model import Reason, Suppression
from bounceclass.store import migration, open_store, schema
from bounceclass.store.connection import connect, reading, writing
from bounceclass.store.migration import migrate
from bounceclass.store.naming import Naming
from bounceclass.store.records import Sent

if TYPE_CHECKING:
    from tests.store.conftest import Open, Server

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
SCRIPT = ScriptDirectory(str(Path(migration.__file__).parent / "migrations"))
VERSIONS = [step.revision for step in SCRIPT.walk_revisions()][::-1]


def test_the_newest_step_is_the_version_of_the_tables() -> None:
    assert (VERSIONS, SCRIPT.get_heads()) == (sorted(VERSIONS), [schema.VERSION])


@pytest.mark.parametrize("version", [None, *VERSIONS])
def test_every_older_version_becomes_what_the_tables_are(url: str, open_: Open, version: str | None) -> None:
    engine = connect(url, 5)
    if version:
        migrate(engine, Naming(), create=True, target=version)
        with writing(engine) as connection:
            connection.execute(text("INSERT INTO attempts (key, count) VALUES ('old', 2)"))
    assert open_().begin_attempts(["old"]) == {"old": 3 if version else 1}
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), schema.metadata) == []
    engine.dispose()


def test_a_database_newer_than_the_code_is_left_alone(url: str, open_: Open) -> None:
    open_()
    engine = connect(url, 5)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match=f"was made by a newer bounceclass: its tables are of version 9999, this one knows {schema.VERSION}") as caught:
        open_()
    assert not caught.value.transient


def test_what_is_opened_again_is_as_it_was(open_: Open) -> None:
    open_().record_sent([Sent(mailing="1", recipient="ruth@example.net", at=NOW)])
    sent = open_(create=False).lookups().sent
    assert sent is not None
    assert sent("1", None) == "ruth@example.net"


def test_what_is_not_there_is_not_created_against_the_wish(open_: Open) -> None:
    with pytest.raises(StoreError, match=r"there is no such file|has no tables of ours") as caught:
        open_(create=False)
    assert caught.value.transient


@pytest.mark.parametrize(
    ("url", "fault", "transient"),
    [
        ("nonsense", "nonsense:: is no URL of a database, such as sqlite:///bounces.db", False),
        ("mysql://ann:secret@example.com/x", "mysql://ann:***@example.com/x: is no database that can be used: sqlite or postgresql", False),
        ("sqlite://", "sqlite://: names no file: a database in memory loses everything", False),
        ("sqlite:////nowhere/at/all.db", "sqlite:////nowhere/at/all.db: unable to open database file", True),
        ("sqlite:////etc/hostname", "sqlite:////etc/hostname: file is not a database", False),
        ("postgresql://ann:secret@/x?host=/nowhere", "postgresql+psycopg://ann:***@/x?host=%2Fnowhere: connection ", True),
    ],
)
def test_a_database_that_can_not_be_opened_is_named_without_its_password(url: str, fault: str, transient: bool) -> None:  # noqa: FBT001  a cell of the table
    with pytest.raises(StoreError) as caught:
        open_store(url)
    assert (str(caught.value)[: len(fault)], caught.value.transient, "secret" in str(caught.value)) == (fault, transient, False)


def test_a_lock_is_waited_for_and_then_named(url: str, open_: Open) -> None:
    waiting = open_(patience=0.2)
    with open_().transaction(), pytest.raises(StoreError, match=r"locked|lock timeout") as caught:
        waiting.begin_attempts(["a"])
    assert (caught.value.transient, waiting.begin_attempts(["a"])) == (True, {"a": 1})
    assert waiting.url.partition(":")[0] == ("sqlite" if url.startswith("sqlite") else "postgresql+psycopg")


def test_reading_waits_for_no_writer(open_: Open) -> None:
    database = open_(patience=0.2)
    with open_().transaction() as ledger:
        ledger.record_named("tag", "ruth@example.net")
        ledger.flush()
        named = database.lookups().named
        assert named is not None
        assert named("tag") == []


def test_a_server_that_was_stopped_and_started_is_found_again(server: Server) -> None:
    database = open_store(server.url())
    assert database.begin_attempts(["a"]) == {"a": 1}
    server.stop()
    with pytest.raises(StoreError) as caught:
        database.begin_attempts(["a"])
    server.start()
    assert (caught.value.transient, database.begin_attempts(["a"])) == (True, {"a": 2})
    database.close()


def test_a_server_that_stops_within_a_block_keeps_nothing_of_it(server: Server) -> None:
    database = open_store(server.url())

    def cut_off() -> None:
        with database.transaction() as ledger:
            ledger.record_named("tag", "ruth@example.net")
            ledger.flush()
            server.stop()

    with pytest.raises(StoreError) as caught:
        cut_off()
    server.start()
    named = database.lookups().named
    assert named is not None
    assert (caught.value.transient, named("tag")) == (True, [])
    database.close()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_sqlite_is_durable(open_: Open) -> None:
    engine = open_()._engine  # noqa: SLF001  what a user can't see
    with reading(engine) as connection:
        assert [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "secure_delete")] == ["wal", 2, 1]


def test_the_query_of_the_documentation_lists_whom_it_says(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
    query = page[page.index("    SELECT address") :].partition("\n\n")[0]
    database = open_store(f"sqlite:///{tmp_path / 'a.db'}")
    today, day = datetime.now(UTC), timedelta(days=1)
    spans = {"a": (-day, None), "b": (-day, day), "lapsed": (-2 * day, -day), "later": (day, None)}
    with database.transaction() as ledger:
        for name, (since, until) in spans.items():
            end = None if until is None else today + until
            ledger.suppress(Suppression(address=name, reason=Reason.USER_UNKNOWN, since=today + since, until=end, by="policy"))
        ledger.suppress(Suppression(address="listed", scope="garden", reason=Reason.USER_UNKNOWN, since=today - day, by="policy"))
    database.close()
    connection = sqlite3.connect(tmp_path / "a.db")
    assert connection.execute(query).fetchall() == [("a",), ("b",)]
    connection.close()


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path: Path) -> None:
    database = open_store(f"sqlite:///{tmp_path / 'a.db'}")
    with reading(database._engine) as connection:  # noqa: SLF001  a limit stands in for the disk
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full") as caught:
        database.begin_attempts(str(number) for number in range(100_000))
    assert (caught.value.transient, database.begin_attempts(["0"])) == (True, {"0": 1})
    database.close()


@pytest.mark.parametrize(("module", "extra"), [("sqlalchemy", "store"), ("alembic", "store"), ("psycopg", "postgresql")])
def test_a_library_that_is_missing_names_its_extra(module: str, extra: str, tmp_path: Path) -> None:
    url = "postgresql://example.com/x" if extra == "postgresql" else f"sqlite:///{tmp_path / 'a.db'}"
    code = f"import sys; sys.modules[{module!r}] = None\nfrom bounceclass.store import open_store\nopen_store({url!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603  our own command
    assert done.stderr.splitlines()[-1] == f"bounceclass.errors.MissingExtraError: {module} is not installed: pip install 'bounceclass[{extra}]'"


def test_opening_what_is_up_to_date_does_not_import_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    open_store(url).close()
    code = f"import sys; from bounceclass.store import open_store; open_store({url!r}).close(); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  our own command
    assert done.stdout == "False\n"
