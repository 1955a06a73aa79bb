"""What docs/mta.md and docs/intake.md tell of OpenSMTPD, with a real one: it refuses who is suppressed, and hands its bounces over."""

from __future__ import annotations

import re
import smtplib
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.model import Reason, Suppression
from bounceclass.mta import Asked, Server
from bounceclass.store import open_store
from bounceclass.tags import Key, tagged
from tests.mta.opensmtpd import OpenSMTPD, replies
from tests.mta.refusing import refusing_server
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bounceclass.store.database import Database

DOCS = Path(__file__).parents[2] / "docs"
NOW = datetime.now(UTC)
NEWS = "news@lists.example.com"
TAKEN = "250 2.1.5 Destination address valid: Recipient ok"
REFUSED = "550 5.7.1 suppressed"
OUT = 'action "out" relay host smtp+notls://127.0.0.1:{port}\nmatch from any for any action "out"\n'
MATCH = "table suppressed sqlite:/etc/mail/suppressed.conf\nlisten on 127.0.0.1 port 587\nmatch from any for rcpt-to <suppressed> reject\n"
FILE = "table suppressed file:/etc/mail/suppressed\n"


def block(page: str, kind: str) -> str:
    """A block of a page, by the words behind its backticks."""
    found = re.search(rf"```{kind}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


SQLITE = block("mta.md", "smtpd sqlite")


@pytest.fixture(scope="module")
def unpacked() -> Iterator[OpenSMTPD]:
    found = OpenSMTPD()
    yield found
    found.remove()


def entry(whom: str, scope: str | None = None, days: int = -1, until: int | None = None) -> Suppression:
    named = {"address": whom} if "@" in whom else {"domain": whom}
    end = None if until is None else NOW + timedelta(days=until)
    return Suppression(**named, reason=Reason.USER_UNKNOWN, since=NOW + timedelta(days=days), until=end, by="policy", scope=scope)  # type: ignore[arg-type]


@pytest.fixture
def store(unpacked: OpenSMTPD) -> Iterator[Database]:
    """A store that is shared with OpenSMTPD as the page says, and what the page has it ask by."""
    folder = unpacked.folder / "store"
    folder.mkdir()
    unpacked.give(folder, "bounceclass")
    found = open_store(f"sqlite:///{folder}/b.db")
    unpacked.give(folder / "b.db", "bounceclass")
    with found.transaction() as ledger:
        for one in (entry("Ruth@Example.net"), entry("o'hara@example.net", until=3), entry("gone.example"), entry("over@example.net", days=-9, until=-1), entry("garden@example.net", scope="garden")):
            ledger.suppress(one)
    (unpacked.folder / "suppressed.conf").write_text(block("mta.md", "table sqlite").replace("/var/lib/bounceclass/bounces.db", f"{folder}/b.db"))
    yield found
    found.close()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@pytest.fixture
def started(unpacked: OpenSMTPD) -> Iterator[Callable[..., int]]:
    """Start OpenSMTPD with a configuration of the page and more; return the port at which mail is handed in."""

    def start(said: str, more: str = OUT) -> int:
        port = free_port()
        for given, here in (("/etc/mail/", f"{unpacked.folder}/"), ("port 587", f"port {port}"), ("{port}", "9")):
            said, more = said.replace(given, here), more.replace(given, here)
        tables, listening = "\n".join(re.findall(r"^(?:table|filter) .*", said, re.MULTILINE)), "\n".join(re.findall(r"^(?:listen|match) .*", said, re.MULTILINE))
        unpacked.start(f"{tables}\n{listening}\n{more}", [port])
        return port

    yield start
    unpacked.stop()


LOOK_UPS = {
    "ruth@example.net": True,
    "RUTH@EXAMPLE.NET": True,
    "o'hara@example.net": True,
    "anybody@gone.example": True,
    "anybody@below.gone.example": False,
    "over@example.net": False,
    "garden@example.net": False,
    "eve@example.net": False,
}


def test_who_is_suppressed_now_is_refused_from_the_store_itself_and_nobody_else(store: Database, started: Callable[..., int]) -> None:
    port = started(SQLITE)
    assert replies(port, NEWS, [*LOOK_UPS]) == {whom: REFUSED if refused else TAKEN for whom, refused in LOOK_UPS.items()}
    with store.transaction() as ledger:
        ledger.suppress(entry("eve@example.net"))
        ledger.release(entry("Ruth@Example.net"), at=NOW, by="anna")
    assert replies(port, NEWS, ["ruth@example.net", "eve@example.net"]) == {"ruth@example.net": TAKEN, "eve@example.net": REFUSED}


@pytest.mark.usefixtures("store")
def test_what_is_handed_in_by_sendmail_is_asked_about_too(unpacked: OpenSMTPD, started: Callable[..., int]) -> None:
    started(SQLITE)
    done = [unpacked.control("-f", NEWS, whom, program="sendmail", stdin="Subject: digest\n\nHello\n") for whom in ("ruth@example.net", "eve@example.net")]
    assert [(one.returncode != 0, REFUSED in one.stderr) for one in done] == [(True, True), (False, False)], done


@pytest.mark.parametrize(("said", "refused", "away"), [(SQLITE, REFUSED, TAKEN), (MATCH, "550 Invalid recipient: <ruth@example.net>", "451 Temporary failure: <ruth@example.net>")])
@pytest.mark.usefixtures("store")
def test_with_the_store_away_everybody_passes_a_filter_and_mail_waits_for_a_match(unpacked: OpenSMTPD, started: Callable[..., int], said: str, refused: str, away: str) -> None:
    port = started(said)
    assert replies(port, NEWS, ["ruth@example.net"]) == {"ruth@example.net": refused}
    with closing(sqlite3.connect(unpacked.folder / "store/b.db")) as database, database:
        database.execute("ALTER TABLE suppressions RENAME TO elsewhere")
    assert replies(port, NEWS, ["ruth@example.net"]) == {"ruth@example.net": away}


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("said", [SQLITE, MATCH])
def test_smtpd_does_not_start_without_the_database(unpacked: OpenSMTPD, started: Callable[..., int], said: str) -> None:
    configuration = unpacked.folder / "suppressed.conf"
    configuration.write_text(configuration.read_text().replace("/b.db", "/nowhere/b.db"))
    with pytest.raises(AssertionError, match="unable to open database file"):
        started(said)


def test_an_exported_file_is_read_anew_when_smtpctl_says_so(unpacked: OpenSMTPD, store: Database, started: Callable[..., int]) -> None:
    line, control = re.findall(r"^    (bounceclass suppressions export --to opensmtpd .*)\n    smtpctl (.*)$", (DOCS / "mta.md").read_text(encoding="utf-8"), re.MULTILINE)[0]

    def export() -> None:
        words = line.replace("/etc/mail/", f"{unpacked.folder}/").split()
        subprocess.run([sys.executable, "-m", *words, "--store", f"sqlite:///{unpacked.folder}/store/b.db"], check=True)  # noqa: S603  our own documentation

    export()
    port = started(FILE + SQLITE.partition("\n")[2])
    assert replies(port, NEWS, [*LOOK_UPS]) == {whom: REFUSED if refused else TAKEN for whom, refused in LOOK_UPS.items()}
    with store.transaction() as ledger:
        ledger.suppress(entry("eve@example.net"))
    export()
    assert replies(port, NEWS, ["eve@example.net"]) == {"eve@example.net": TAKEN}
    assert unpacked.control(*control.split()).returncode == 0
    assert replies(port, NEWS, ["eve@example.net"]) == {"eve@example.net": REFUSED}


def test_a_socketmap_can_not_be_had_and_all_mail_waits_for_one(unpacked: OpenSMTPD, store: Database, started: Callable[..., int]) -> None:
    server = Server("socketmap", f"{unpacked.folder}/mta.sock", Asked(store))
    port = started(MATCH.replace("sqlite:/etc/mail/suppressed.conf", "socketmap:/etc/mail/mta.sock").replace("suppressed", "access"))
    said = replies(port, NEWS, ["ruth@example.net", "eve@example.net"])
    server.close()
    assert said == {whom: f"451 Temporary failure: <{whom}>" for whom in ("ruth@example.net", "eve@example.net")}


SECRET = "sixteen octets of a secret or more"  # noqa: S105  of a test
KEY = Key(id=1, secret=SECRET.encode())
RETURN_PATH = "b@bounces.example.com"
SETTINGS = """
[store]
url = "sqlite:///{folder}/store/b.db"
[run]
sources = ["maildir:{folder}/box"]
[trust]
keys = [{{ id = 1, variable = "TAG_KEY" }}]
return_path = "b@bounces.example.com"
domains = ["bounces.example.com"]
"""


@pytest.fixture
def refusing() -> Iterator[int]:
    server = refusing_server()
    yield server.port
    server.stop()


def handing_over(unpacked: OpenSMTPD, refusing: int) -> str:
    """The configuration of docs/intake.md, beside one that sends to a server."""
    said = block("intake.md", "smtpd").replace("/opt/bounceclass/bin/bounceclass", f"{sys.executable} -m bounceclass")
    assert "/var/spool/bounceclass" in said
    return said.replace("/var/spool/bounceclass", f"{unpacked.folder}/box") + OUT.replace("{port}", str(refusing))


def until(holds: Callable[[], bool], server: OpenSMTPD) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, server.told()
        time.sleep(0.1)


def mail(port: int, sender: str, recipient: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.sendmail(sender, [recipient], f"From: {NEWS}\nTo: {recipient}\nSubject: digest\nMessage-ID: <1.{recipient}>\n\nHello\n")


@pytest.mark.usefixtures("store")
def test_the_bounce_of_tagged_mail_comes_by_the_mda_and_suppresses_its_recipient_who_is_refused_then(
    unpacked: OpenSMTPD, started: Callable[..., int], refusing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = unpacked.folder / "box"
    box.mkdir()
    unpacked.give(box, "bounces")
    port = started(SQLITE, handing_over(unpacked, refusing))
    people = ["eve@example.net", "o'neill@example.net"]
    for whom in people:
        mail(port, tagged(RETURN_PATH, whom, KEY, NOW.date()), whom)
    until(lambda: (box / "new").exists() and len([*(box / "new").iterdir()]) == len(people), unpacked)
    monkeypatch.setenv("TAG_KEY", SECRET)
    (unpacked.folder / "b.toml").write_text(SETTINGS.format(folder=unpacked.folder))
    with opened(config.read(str(unpacked.folder / "b.toml"))) as parts:
        parts.runner.run(parts.sources, once=True)
        because = {whom: parts.store.why(whom, datetime.now(UTC)).events[0] for whom in people}
    assert {whom: (str(one.reason), str(one.grade), str(one.action)) for whom, one in because.items()} == dict.fromkeys(people, ("user-unknown", "signed", "suppress"))
    until(lambda: replies(port, NEWS, people) == dict.fromkeys(people, REFUSED), unpacked)  # it compares whole seconds


def test_what_could_not_be_stored_is_kept_and_comes_again(unpacked: OpenSMTPD, started: Callable[..., int]) -> None:
    box = unpacked.folder / "kept"
    box.write_text("no folder")
    port = started("listen on 127.0.0.1 port 587\n", handing_over(unpacked, 9).replace(f"{unpacked.folder}/box", str(box)))
    mail(port, "", "b+tag@bounces.example.com")
    until(lambda: "result=TempFail" in unpacked.told(), unpacked)
    box.unlink()
    box.mkdir()
    unpacked.give(box, "bounces")
    unpacked.control("schedule", "all")
    until(lambda: (box / "new").exists() and any((box / "new").iterdir()), unpacked)
    (kept,) = (box / "new").iterdir()
    assert kept.read_bytes().startswith(b"Return-Path: <>\nDelivered-To: b+tag@bounces.example.com\n")
