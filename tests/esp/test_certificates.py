"""SNS's certificates: bounded, kept, and no way to hold up the server by making some up."""

from __future__ import annotations

import importlib
import socket
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bounceclass.errors import Retry
from bounceclass.settings import WebSettings
from bounceclass.web.instances import Instance
from bounceclass.web.intake import Intake, Outcome
from tests.esp.loopback import Answer, Server
from tests.esp.signers import CERTIFICATE, TOPIC, rsa_key, sns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

certificates: Any = importlib.import_module("bounceclass_ses.certificates")
Sns: Any = importlib.import_module("bounceclass_ses.sns").Sns
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
BODY = b'{"eventType": "Send"}'


def made_up(number: int) -> str:
    return f"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{number:032x}.pem"


class Fetching:
    """Gives the certificate or raises, notes for which addresses it was asked, and waits where it is told to."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.asked: list[str] = []
        self.fault = fault
        self.go = threading.Event()
        self.go.set()

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        self.go.wait(20)
        if self.fault:
            raise self.fault
        return rsa_key()[1]


def verified(one: Any, url: str = CERTIFICATE, now: datetime = NOW) -> bool | str:
    try:
        return bool(one.verify({}, sns(BODY, TOPIC, NOW, SigningCertURL=url)[1], (TOPIC,), now))
    except Retry:
        return "later"


@pytest.mark.parametrize(("fault", "said"), [(OSError("away"), "later"), (TimeoutError(), "later"), (FileNotFoundError("answered 404"), False), (ValueError("no PEM"), False)])
def test_a_certificate_that_can_not_be_had_is_asked_for_once_a_minute(fault: Exception, said: bool | str) -> None:  # noqa: FBT001  a column
    get = Fetching(fault)
    one = Sns(get)
    assert [verified(one, now=NOW + timedelta(seconds=after)) for after in (0, 1, 59, 61)] == [said] * 4
    assert len(get.asked) == 2


def test_made_up_addresses_hold_up_two_threads_and_nobody_whose_certificate_is_known() -> None:
    get = Fetching()
    one = Sns(get)
    assert verified(one) is True
    get.go.clear()
    get.fault = FileNotFoundError("answered 404")
    answers: list[bool | str] = []
    threads = [threading.Thread(target=lambda number=number: answers.append(verified(one, made_up(number)))) for number in range(20)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while len(answers) < 20 - certificates.AT_ONCE and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (answers, len(get.asked)) == (["later"] * (20 - certificates.AT_ONCE), 2)  # the first one's, and one at a time
    assert verified(one) is True
    get.go.set()
    for thread in threads:
        thread.join(10)
    assert (sorted(map(str, answers)), len(get.asked)) == (["False"] * certificates.AT_ONCE + ["later"] * (20 - certificates.AT_ONCE), 1 + certificates.AT_ONCE)


def test_who_waits_for_the_same_certificate_does_not_fetch_it_again() -> None:
    get = Fetching()
    get.go.clear()
    one = Sns(get)
    answers: list[bool | str] = []
    threads = [threading.Thread(target=lambda: answers.append(verified(one))) for _ in range(certificates.AT_ONCE)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    get.go.set()
    for thread in threads:
        thread.join(10)
    assert (answers, get.asked) == ([True] * certificates.AT_ONCE, [CERTIFICATE])


def test_what_is_in_use_stays_however_many_others_come() -> None:
    get = Fetching()
    one = Sns(get)
    for number in range(40):
        assert (verified(one), verified(one, made_up(number))) == (True, True)
    assert get.asked.count(CERTIFICATE) == 1


def test_a_post_that_can_not_be_verified_now_is_asked_to_come_again_and_is_taken_then(tmp_path: Path) -> None:
    get = Fetching(OSError("away"))
    clock = NOW.timestamp()
    intake = Intake(WebSettings(), tmp_path / "spool", lambda: clock)
    instance = Instance("ses", importlib.import_module("bounceclass_ses").webhook(Sns(get)), (TOPIC,))
    body = sns(BODY, TOPIC, NOW)[1]
    assert intake.take(instance, {}, body) is Outcome.BUSY
    get.fault = None
    clock += 61
    assert intake.take(instance, {}, body) is Outcome.TAKEN
    intake.close()


# Fetching


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(404), FileNotFoundError),
        (Answer(403), FileNotFoundError),
        (Answer(500), OSError),
        (Answer(302, headers=(("Location", "/other.pem"),)), OSError),
        (Answer(200, body="x" * 20_000), ValueError),
        (Answer(fault="cut"), OSError),
        (Answer(fault="hang"), OSError),
    ],
)
def test_what_is_no_certificate_is_told_from_what_is_away(answer: Answer, fault: type[Exception], server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_SECONDS", 0.3)
    server.answers = [answer]
    with pytest.raises(fault) as caught:
        certificates.fetch(f"{server.url}/one.pem")
    assert type(caught.value) is fault or fault is OSError
    assert isinstance(caught.value, FileNotFoundError) == (fault is FileNotFoundError)
    assert [asked.path for asked in server.asked] == ["/one.pem"]


def _trickle(listening: socket.socket, stop: threading.Event) -> None:
    connection, _ = listening.accept()
    with closing(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        while not stop.wait(0.02):
            try:
                connection.sendall(b"x")
            except OSError:
                return


def test_a_certificate_that_comes_an_octet_at_a_time_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_SECONDS", 0.3)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_trickle, args=(listening, stop))
        thread.start()
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            certificates.fetch(f"http://127.0.0.1:{listening.getsockname()[1]}/one.pem")
        assert time.monotonic() - started < 5
        stop.set()
        thread.join(5)
