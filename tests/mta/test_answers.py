"""Both protocols over real sockets, against a real store: what is answered, and what when the store is away."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass.errors import InputError, SettingsError
from bounceclass.model import Reason, Suppression
from bounceclass.mta import Asked, Server, answer_policy, answer_socketmap
from bounceclass.store import open_store
from bounceclass.tags import Key, make_tag
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bounceclass.store.database import Database

NOW = datetime.now(UTC)
KEYS = (Key(id=1, secret=b"sixteen octets of a secret or more"),)
REFUSED = "550 5.7.1 suppressed: user-unknown"


def entry(whom: str, scope: str | None = None, days: int = -1, until: int | None = None) -> Suppression:
    named = {"address": whom} if "@" in whom else {"domain": whom}
    end = None if until is None else NOW + timedelta(days=until)
    return Suppression(**named, reason=Reason.USER_UNKNOWN, since=NOW + timedelta(days=days), until=end, by="policy", scope=scope)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    found = open_store(f"sqlite:///{tmp_path}/b.db", patience=0.2)
    with found.transaction() as ledger:
        for one in (entry("ruth@example.net"), entry("gone.example"), entry("over@example.net", days=-9, until=-1), entry("garden@example.net", scope="garden")):
            ledger.suppress(one)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("recipient", "sender", "stream", "refused"),
    [
        ("ruth@example.net", "", None, True),
        ("RUTH@Example.Net", "", None, True),
        ("anybody@gone.example", "", None, True),
        ("anybody@below.gone.example", "", None, False),
        ("over@example.net", "", None, False),
        ("eve@example.net", "", None, False),
        ("garden@example.net", "", None, False),
        ("garden@example.net", "", "garden", True),
        ("garden@example.net", "", "kitchen", False),
        ("garden@example.net", "garden-bounces+{tag}@lists.example.com", None, True),
        ("garden@example.net", "garden-bounces+{forged}@lists.example.com", None, False),
        ("' OR 1=1 --@example.net", "", None, False),
        ("gone.example", "", None, False),
        ("ruth@", "", None, False),
        ("", "", None, False),
    ],
)
def test_who_is_suppressed_now_and_on_this_list_is_refused(store: Database, recipient: str, sender: str, stream: str | None, refused: bool) -> None:  # noqa: FBT001  a row of the table
    tag = make_tag("garden@example.net", KEYS[0], NOW.date(), stream="garden")
    told = sender.format(tag=tag, forged=tag[:-1] + ("a" if tag[-1] != "a" else "b"))
    asked = Asked(store, stream, KEYS, 30)
    assert answer_policy({"recipient": recipient, "sender": told}, asked) == (REFUSED if refused else "DUNNO")
    if not sender:
        assert answer_socketmap(f"access {recipient}", asked) == (f"OK {REFUSED}" if refused else "NOTFOUND ")
        assert answer_socketmap(f"transport {recipient}", asked) == ("OK discard:suppressed: user-unknown" if refused else "NOTFOUND ")


def test_a_table_that_there_is_not_is_a_mistake_that_is_told(store: Database) -> None:
    assert answer_socketmap("colour ruth@example.net", Asked(store)) == "PERM there is no table of that name: access, transport"


@pytest.mark.parametrize(("defer", "answers"), [(False, ("DUNNO", "NOTFOUND ")), (True, ("DEFER 4.3.0 who is suppressed can't be looked up now", "TEMP who is suppressed can't be looked up now"))])
def test_with_the_store_away_everybody_passes_or_waits_as_was_said(store: Database, defer: bool, answers: tuple[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001  as above
    asked = Asked(store, defer=defer)
    os.rename(tmp_path / "b.db", tmp_path / "away")  # noqa: PTH104  the file, whatever is open
    store.close()
    (tmp_path / "b.db").mkdir()
    assert (answer_policy({"recipient": "ruth@example.net"}, asked), answer_socketmap("access ruth@example.net", asked)) == answers
    assert len(caplog.messages) == 1
    (tmp_path / "b.db").rmdir()
    os.rename(tmp_path / "away", tmp_path / "b.db")  # noqa: PTH104  as above
    assert answer_policy({"recipient": "ruth@example.net"}, asked) == REFUSED
    assert caplog.messages[1:] == ["the store is back"]


@pytest.fixture(params=["tcp", "socket"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"127.0.0.1:{free_port()}" if request.param == "tcp" else f"{tmp_path}/mta.sock"


def connect(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    made = socket.socket(socket.AF_INET if host else socket.AF_UNIX)
    made.settimeout(10)
    try:
        made.connect((host, int(port)) if host else address)
    except OSError:
        made.close()
        raise
    return made


def test_a_policy_service_answers_one_question_after_the_other(store: Database, address: str) -> None:
    server = Server("policy", address, Asked(store))
    with connect(address) as client, client.makefile("rb") as replies:
        for recipient in ("ruth@example.net", "eve@example.net"):
            client.sendall(f"request=smtpd_access_policy\nprotocol_state=RCPT\nsender=\nrecipient={recipient}\nsize=12\n\n".encode())
            expected = REFUSED if recipient.startswith("ruth") else "DUNNO"
            assert (replies.readline(), replies.readline()) == (f"action={expected}\n".encode(), b"\n")
    server.close()


def test_a_socketmap_answers_one_question_after_the_other(store: Database, address: str) -> None:
    server = Server("socketmap", address, Asked(store))
    with connect(address) as client:
        client.sendall(b"23:access ruth@example.net,22:access eve@example.net,")
        expected = b"37:OK 550 5.7.1 suppressed: user-unknown,9:NOTFOUND ,"
        said = b""
        while len(said) < len(expected):
            said += client.recv(1000)
        assert said == expected
    server.close()


@pytest.mark.parametrize("junk", [b"", b"\x00", b"99999999:x", b"5:ab", b"x:y,", b"a" * 70_000, b"3:abc;"])
@pytest.mark.parametrize("protocol", ["policy", "socketmap"])
def test_junk_ends_the_connection_and_no_other(store: Database, protocol: str, junk: bytes) -> None:
    address = f"127.0.0.1:{free_port()}"
    server = Server(protocol, address, Asked(store))
    with connect(address) as client:
        try:
            client.sendall(junk)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b""
        except ConnectionError:  # it has hung up while we were talking
            pass
    with connect(address) as client:
        client.sendall(b"recipient=ruth@example.net\n\n" if protocol == "policy" else b"23:access ruth@example.net,")
        assert REFUSED.encode() in client.recv(1000)
    server.close()


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=30)), st.text(max_size=60))
def test_anything_may_be_asked(attributes: dict[str, str], question: str) -> None:
    asked = Asked(Nobody())  # type: ignore[arg-type]
    assert answer_policy(attributes, asked) == "DUNNO"
    assert answer_socketmap(question, asked).split(" ")[0] in {"NOTFOUND", "PERM"}


class Nobody:
    def suppression_of(self, *_: object) -> None:
        return None


def test_an_address_that_is_taken_or_none_is_an_error(store: Database) -> None:
    with pytest.raises(SettingsError, match="names no address to listen at"):
        Server("policy", "nowhere", Asked(store))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(InputError, match="ddress already in use"):
            Server("policy", f"127.0.0.1:{other.getsockname()[1]}", Asked(store))


@pytest.mark.usefixtures("store")
def test_the_command_answers_until_it_is_told_to_end(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "bounceclass", "mta", "--policy", address, "--socketmap", f"{tmp_path}/map.sock", "--store", f"sqlite:///{tmp_path}/b.db"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)  # noqa: S603  our own command
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with connect(address) as client:
                client.sendall(b"recipient=ruth@example.net\n\n")
                assert client.recv(1000) == f"action={REFUSED}\n\n".encode()
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    assert not (tmp_path / "map.sock").exists()


@pytest.mark.parametrize(("arguments", "said"), [((), b"where to answer isn't said"), (("--policy", "127.0.0.1:9999", "--store", "sqlite:////nowhere/b.db"), b"there is no such file")])
def test_what_cannot_be_done_is_said_at_once(arguments: tuple[str, ...], said: bytes) -> None:
    done = subprocess.run([sys.executable, "-m", "bounceclass", "mta", *arguments], capture_output=True, check=False)  # noqa: S603  our own command
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
