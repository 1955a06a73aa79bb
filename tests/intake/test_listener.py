"""LMTP and SMTP as sources: 250 is said when the message is on the disk, for each recipient."""

from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bounceclass.errors import InputError, SettingsError
from bounceclass.settings import Limits
from bounceclass.sources import maildir
from bounceclass.sources.listener import Listener
from bounceclass.sources.spool import Spool
from tests.runner.conftest import bounce
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

TWO = ["news-bounces+a@lists.example.com", "news-bounces+b@lists.example.com"]


@pytest.fixture(params=["lmtp", "smtp", "socket"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    address = f"lmtp:{tmp_path}/lmtp.sock" if request.param == "socket" else f"{request.param}:127.0.0.1:{free_port()}"
    found = Listener(f"{address}?spool={tmp_path}/spool", Limits())
    assert list(found.items()) == []
    yield found
    found.close()


def connect(listener: Listener) -> smtplib.SMTP:
    scheme, _, address = listener.url.partition("?")[0].partition(":")
    if address.startswith("/"):
        return smtplib.LMTP(address)
    host, _, port = address.rpartition(":")
    return smtplib.LMTP(host, int(port)) if scheme == "lmtp" else smtplib.SMTP(host, int(port))


def send(client: smtplib.SMTP, mail: bytes) -> list[tuple[int, bytes]]:
    """Send to both; return the replies after the data. smtplib knows of one, LMTP (RFC 2033, 4.2) has one for each recipient."""
    client.ehlo_or_helo_if_needed()
    client.mail("")
    for whom in TWO:
        client.rcpt(whom)
    client.putcmd("data")
    assert client.getreply()[0] == 354
    client.send(mail + b".\r\n")
    return [client.getreply() for _ in (TWO if isinstance(client, smtplib.LMTP) else TWO[:1])]


def stored(listener: Listener) -> list[bytes]:
    return sorted(item.raw for item in listener.items())


def test_each_recipient_has_a_copy_with_the_envelope_on_top(listener: Listener) -> None:
    mail = bounce(1, "ruth@example.net").replace(b"\n", b"\r\n")
    with connect(listener) as client:
        assert {code for code, _ in send(client, mail)} == {250}
    assert stored(listener) == [b"Return-Path: <>\r\nDelivered-To: %s\r\n" % whom.encode() + mail for whom in TWO]


@pytest.mark.parametrize(
    "mail",
    [b"", b"no header\r\n", b"a: b\r\n\r\n.dot\r\n..dots\r\n", b"a: b\r\n\r\n\x00\xff\xfe\r\n", b"a: b\r\n\r\n" + 100_000 * b"x" + b"\r\n", b"a: b\r\n\r\n" + 200_000 * b"line\r\n"],
    ids=["empty", "no header", "dots", "octets", "a long line", "a megabyte"],
)
def test_any_octets_are_taken(listener: Listener, mail: bytes) -> None:
    with connect(listener) as client:
        client.sendmail("", TWO[:1], mail)
    (kept,) = stored(listener)
    assert kept.partition(b"\n")[2].partition(b"\n")[2] == (mail or b"\r\n")


def test_what_cannot_be_stored_stays_with_the_mta_and_each_recipient_is_told(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = maildir.write_durably, []

    def full(path: Path, data: bytes, **options: Path) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(path, data, **options)

    monkeypatch.setattr("bounceclass.sources.spool.write_durably", full)
    with connect(listener) as client:
        if isinstance(client, smtplib.LMTP):
            assert send(client, b"a: b\r\n\r\n") == [(250, b"2.0.0 Stored"), (451, b"4.3.0 Not stored, try again")]
        else:
            with pytest.raises(smtplib.SMTPDataError, match="451"):
                client.sendmail("", TWO, b"a: b\r\n\r\n")
    assert len(stored(listener)) == 1


def test_a_client_that_breaks_off_leaves_nothing(listener: Listener) -> None:
    client = connect(listener)
    client.ehlo_or_helo_if_needed()
    client.mail("")
    client.rcpt(TWO[0])
    client.putcmd("data")
    client.getreply()
    client.send(b"a: b\r\n")
    client.close()
    assert stored(listener) == []


def test_what_was_said_to_be_stored_is_met_by_whoever_reads_the_spool_next(tmp_path: Path) -> None:
    url = f"lmtp:127.0.0.1:{free_port()}?spool={tmp_path}/spool"
    first = Listener(url, Limits())
    list(first.items())
    with connect(first) as client:
        send(client, b"a: b\r\n\r\n")
    first.close()
    second = Listener(url, Limits())
    items = list(second.items())
    for item in items:
        assert item.finish is not None
        item.finish(None)
    second.close()
    assert (len(items), len(list((tmp_path / "spool" / ".Processed" / "cur").iterdir()))) == (2, 2)


def test_a_dry_run_listens_to_nobody_and_makes_nothing(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    url = f"lmtp:127.0.0.1:{free_port()}?spool={spool}"
    command = [sys.executable, "-m", "bounceclass", "run", "--dry-run", "--store", f"sqlite:///{tmp_path}/b.db", url]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  our own command
    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (0, b"", []), done.stderr
    Spool(spool).store(bounce(1, "ruth@example.net"), sender="", recipient=TWO[0])
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  as above
    assert (done.returncode, len(done.stdout.splitlines()), sorted(tmp_path.rglob("*"))) == (0, 1, before), done.stderr


def test_many_at_once_are_all_stored(listener: Listener) -> None:
    def work(number: int) -> None:
        with connect(listener) as client:
            for at in range(25):
                client.sendmail("", [f"b+{number}.{at}@lists.example.com"], b"a: b\r\n\r\n")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(stored(listener))) == 200


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("lmtp:127.0.0.1:8024", "has no spool: write ?spool=FOLDER, where messages are stored before they are taken"),
        ("lmtp:8024?spool=/x", "names no address to listen at: write HOST:PORT, or the path of a socket"),
        ("smtp:localhost:70000?spool=/x", "names no address to listen at: write HOST:PORT, or the path of a socket"),
        ("smtp:localhost:25?spool=/x&colour=red", "has no option colour: known are spool, processed, quarantine"),
    ],
)
def test_a_url_that_does_not_fit_is_an_error_that_says_why(url: str, fault: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Listener(url, Limits())
    assert str(caught.value) == f"{url}: {fault}"


def test_an_address_that_is_taken_is_an_error_that_waiting_may_help(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listener = Listener(f"lmtp:127.0.0.1:{other.getsockname()[1]}?spool={tmp_path}/spool", Limits())
        with pytest.raises(InputError, match="ddress already in use"):
            list(listener.items())
        listener.close()


def test_a_socket_that_a_killed_run_left_is_no_hindrance(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "lmtp.sock"))
    listener = Listener(f"lmtp:{tmp_path}/lmtp.sock?spool={tmp_path}/spool", Limits())
    assert list(listener.items()) == []
    assert (tmp_path / "lmtp.sock").stat().st_mode & 0o777 == 0o666
    listener.close()
    assert not (Path(tmp_path) / "lmtp.sock").exists()
