"""The databases that the store is tested on: SQLite, and a real PostgreSQL that is started here."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from bounceclass.store import open_store
from bounceclass.store.database import Database

REQUIRED = os.environ.get("CI") == "true" or os.environ.get("BOUNCECLASS_SERVERS") == "install"
Open = Callable[..., Database]


def programs() -> Path | None:
    """The newest PostgreSQL of Debian, which keeps its programs off the PATH, or the one on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    onpath = shutil.which("postgres")
    return found[-1].parent if found else Path(onpath).resolve().parent if onpath else None


def lacking() -> str | None:
    """Why no PostgreSQL can be run here; installs it where that is wanted."""
    fetch = shutil.which("apt-get")
    if programs() is None and REQUIRED and os.geteuid() == 0 and fetch:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([fetch, "install", "-y", "-qq", "postgresql"], check=True, capture_output=True, env=environment)  # noqa: S603  our own command
    return None if programs() else "PostgreSQL is not installed"


class Server:
    """A PostgreSQL of our own, in a folder of its own, reached by a socket there. It refuses to run as root, so it runs as `postgres` then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(folder, "postgres")
        self.run("initdb", "--no-sync", "-A", "trust", "-U", "tester", "-E", "UTF8", "--locale=C.UTF-8", "-D", str(folder / "data"))
        self.start()

    def run(self, program: str, *arguments: str) -> None:
        where = programs()
        assert where is not None
        command = [*self._as, str(where / program), *arguments]
        with (self.folder / "out").open("w+") as out:  # no pipe: the server would keep it open
            done = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False, timeout=150)  # noqa: S603  our own command
            out.seek(0)
            assert done.returncode == 0, out.read()

    def start(self) -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", "-t", "120", "-o", f"-k {self.folder} -c listen_addresses='' -c fsync=off -c full_page_writes=off", "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def url(self) -> str:
        """A new, empty database."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(host=str(self.folder), user="tester", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://tester@/{name}?host={self.folder}"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    why = lacking()
    if why and not REQUIRED:
        pytest.skip(why)
    assert why is None, why
    folder = Path(tempfile.mkdtemp(prefix="bc", dir="/tmp"))  # a socket's path must be short
    try:
        started = Server(folder)
        yield started
        started.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    found: Server = request.getfixturevalue("server")
    return found.url()


@pytest.fixture
def open_(url: str) -> Iterator[Open]:
    """Open the database of the test, in one way or another; closed at the end."""
    opened: list[Database] = []

    def once(**options: object) -> Database:
        opened.append(open_store(url, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield once
    for database in opened:
        database.close()


@pytest.fixture
def database(open_: Open) -> Database:
    return open_()
