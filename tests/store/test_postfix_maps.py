"""The maps of docs/mta.md, asked by Postfix's own postmap."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bounceclass.model import Reason, Suppression
from bounceclass.store import open_store
from tests.servers import REQUIRED, install, require

if TYPE_CHECKING:
    from tests.store.conftest import Server

ROOT = Path(__file__).parents[2]
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def block(kind: str) -> str:
    """The map's configuration, as the documentation has it."""
    found = re.search(rf"```cf {kind}\n(.*?)```", (ROOT / "docs/mta.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def entry(name: str, days: int = -1, until: int | None = None, scope: str | None = None) -> Suppression:
    whom = {"domain": name} if "@" not in name else {"address": name}
    end = None if until is None else NOW + until * DAY
    return Suppression(**whom, reason=Reason.USER_UNKNOWN, since=NOW + days * DAY, until=end, by="policy", scope=scope)  # type: ignore[arg-type]


ENTRIES = [
    entry("Ruth@Example.net"),
    entry("o'hara@example.net", until=3),
    entry("gone.example"),
    entry("over@example.net", days=-9, until=-1),
    entry("garden@example.net", scope="garden"),
    entry("lifted@example.net"),
]
REFUSED = "550 5.7.1 suppressed: user-unknown"
LOOK_UPS = [
    ("ruth@example.net", REFUSED),
    ("RUTH@EXAMPLE.NET", REFUSED),
    ("o'hara@example.net", REFUSED),
    ("anybody@gone.example", REFUSED),
    ("anybody@below.gone.example", ""),
    ("gone.example", ""),
    ("over@example.net", ""),
    ("garden@example.net", ""),
    ("lifted@example.net", ""),
    ("' OR 1=1 --@example.net", ""),
    ("eve@example.net", ""),
]


def fill(url: str) -> None:
    store = open_store(url)
    with store.transaction() as ledger:
        for one in ENTRIES:
            ledger.suppress(one)
        ledger.release(ENTRIES[-1], at=NOW, by="anna")
    store.close()


def ask(table: str, key: str) -> str:
    done = subprocess.run([require({"postmap": "postfix"})["postmap"], "-q", key, table], capture_output=True, text=True, check=False)  # noqa: S603  our own command
    assert done.stderr == ""
    return done.stdout.strip()


def supports(kind: str) -> bool:
    done = subprocess.run([require({"postconf": "postfix"})["postconf"], "-m"], capture_output=True, text=True, check=True)  # noqa: S603  our own command
    return kind in done.stdout.split()


@pytest.fixture
def table(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    kind: str = request.param
    require({"postmap": "postfix"})
    if not supports(kind):
        install(f"postfix-{kind}")
        if not supports(kind):
            assert not REQUIRED
            pytest.skip(f"Postfix has no {kind} maps here")
    if kind == "sqlite":
        fill(f"sqlite:///{tmp_path / 'b.db'}")
        said = block(kind).replace("/var/lib/bounceclass/bounces.db", str(tmp_path / "b.db"))
    else:
        server: Server = request.getfixturevalue("server")
        url = server.url()
        fill(url)
        name = url.partition("@/")[2].partition("?")[0]
        said = block(kind).replace("/var/run/postgresql", str(server.folder)).replace("user = postfix", "user = tester").replace("dbname = bounces", f"dbname = {name}")
    (tmp_path / "suppressed.cf").write_text(said)
    return f"{kind}:{tmp_path}/suppressed.cf"


@pytest.mark.parametrize("table", ["sqlite", "pgsql"], indirect=True)
def test_postfix_finds_in_the_store_who_is_suppressed_now_and_nobody_else(table: str) -> None:
    assert [(key, ask(table, key)) for key, _ in LOOK_UPS] == LOOK_UPS
