"""The recipes of docs/filter.md, as they stand there: before Sympa's own bouncequeue, a Dovecot, and stand-ins where a program can't be had."""

from __future__ import annotations

import os
import poplib
import re
import shlex
import shutil
import smtplib
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, quote

import pytest
from aiosmtpd.controller import Controller

from tests.filter.test_pipe import AGAINST, FULL, HELLO, OURS, below
from tests.mailbox.conftest import new_box, own, tokens  # noqa: F401  fixtures
from tests.mailbox.dovecot import PASSWORD, Box
from tests.servers import REQUIRED, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.mailbox.dovecot import Dovecot

PAGE = (Path(__file__).parents[2] / "docs/filter.md").read_text(encoding="utf-8")
BOUNCECLASS = f"{sys.executable} -m bounceclass"
PASSES, STAYS = (AGAINST, HELLO), (FULL, OURS)


def recipe(software: str) -> str:
    """The first command in the row of a software."""
    found = re.search(rf"^\| {re.escape(software)}[^|]* \| `(.*?)`", PAGE, re.MULTILINE)
    assert found is not None, software
    return found[1].replace(r"\|", "|").replace("/opt/bounceclass/bin/bounceclass", BOUNCECLASS)


def shell(command: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line as an MTA does for an alias."""
    return subprocess.run(["sh", "-c", command], input=stdin, capture_output=True, check=False, timeout=120, env={**os.environ, **environment})  # noqa: S603, S607  our own documentation


@pytest.fixture(scope="module")
def jail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A root folder with Debian's bouncequeue, its configuration and its spool; Sympa itself, a hundred Perl packages, is not needed for it."""
    if not REQUIRED or os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("Sympa's bouncequeue is fetched where servers are required, and run by root alone")
    folder = tmp_path_factory.mktemp("sympa")
    for command in (["apt-get", "-o", "APT::Sandbox::User=root", "download", "sympa"], ["sh", "-c", "dpkg -x sympa_*.deb root"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  our own commands
        assert done.returncode == 0, done.stderr
    root = folder / "root"
    needed = subprocess.run(["ldd", root / "usr/lib/sympa/bin/bouncequeue"], capture_output=True, text=True, check=True).stdout  # noqa: S603, S607  as above
    for library in re.findall(r"(/\S+) \(", needed):
        (root / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, root / library[1:])
    (root / "etc/sympa/sympa").mkdir(parents=True, exist_ok=True)
    (root / "etc/sympa/sympa/sympa.conf").write_text("queuebounce /bounces\n")
    yield root
    shutil.rmtree(folder)


def test_sympa_s_bouncequeue_gets_what_counts_and_its_failure_lets_the_mail_wait(jail: Path) -> None:
    alias = recipe("Sympa").partition('"|')[2].removesuffix('"')
    command = alias.replace("/usr/lib/sympa/bin/bouncequeue", f"chroot {jail} /usr/lib/sympa/bin/bouncequeue")
    assert shell(command, AGAINST).returncode == 75  # its spool is missing, of which it says 77
    (jail / "bounces").mkdir()
    assert [shell(command, mail).returncode for mail in (*PASSES, *STAYS)] == [0, 0, 0, 0]
    spooled = sorted(path.read_bytes().partition(b"\n") for path in (jail / "bounces").iterdir())
    assert [head for head, _, _ in spooled] == 2 * [b"X-Sympa-To: news@lists.example.com"]
    assert {below(mail) for _, _, mail in spooled} == set(PASSES)


@pytest.fixture
def boxes(own: Callable[..., Dovecot], tmp_path: Path) -> tuple[Box, Box]:  # noqa: F811  the fixture
    """Two accounts, the first with a day's mail."""
    server = own()
    first, second = new_box(server), new_box(server)
    for mail in (*PASSES, *STAYS):
        first.put(mail)
    (tmp_path / "password").write_text(PASSWORD)
    return first, second


def filtered(command: str, boxes: tuple[Box, Box], password: Path) -> None:
    """Run a recipe between accounts, once."""
    first, second = boxes
    for name, value in {
        "bounceclass filter": f"{BOUNCECLASS} filter --once",
        "bounces@mx.example.com": f"{quote(first.user)}@localhost:{first.server.ports['imaps']}",
        "filtered@mx.example.com": f"{quote(second.user)}@localhost:{second.server.ports['imaps']}",
        "password=file:/etc/bounceclass/password": f"password=file:{password}&ca={first.server.ca}",
    }.items():
        assert value in command or name in command or name.startswith("filtered"), name
        command = command.replace(name, value)
    done = shell(command)
    assert (done.returncode, done.stdout) == (0, b"2 passed, 2 kept back\n"), done.stderr


def lines(mail: bytes) -> bytes:
    """A mail as a server hands it out, as the file that it was put in as."""
    return below(mail.replace(b"\r\n", b"\n"))


def test_mautic_and_civicrm_find_in_their_imap_folder_what_counts(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    filtered(recipe("Mautic, CiviCRM"), boxes, tmp_path / "password")
    client = boxes[0].client()
    client.select_folder("Bounces", readonly=True)
    found = client.fetch(client.search("UNSEEN"), ["BODY.PEEK[]"])
    assert {lines(mail[b"BODY[]"]) for mail in found.values()} == set(PASSES)
    client.logout()


def test_phplist_and_listmonk_find_by_pop3_what_counts(boxes: tuple[Box, Box], tmp_path: Path) -> None:
    filtered(recipe("phpList, listmonk"), boxes, tmp_path / "password")
    client = poplib.POP3("localhost", boxes[0].server.ports["pop3"])
    client.user(boxes[1].user)
    client.pass_(PASSWORD)
    found = [b"\n".join(client.retr(number)[1]) + b"\n" for number in range(1, client.stat()[0] + 1)]
    assert {below(mail) for mail in found} == set(PASSES)
    client.quit()


RECEIVE_MAIL = """
import sys, urllib.parse, urllib.request
recipient, mail = sys.argv[1], sys.stdin.buffer.read()
if not mail:
    sys.exit(75)
data = urllib.parse.urlencode({{"email": mail}}).encode()
try:
    urllib.request.urlopen("http://127.0.0.1:{port}/admin/email/handle_mail", data)
except OSError:
    sys.exit(75)
"""
"""What mail-receiver's receive-mail does: the recipient is its argument, the mail is posted as a form, whatever goes wrong is 75."""


class Discourse(BaseHTTPRequestHandler):
    """Takes mail at /admin/email/handle_mail."""

    received: ClassVar[list[bytes]] = []
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.status == 200:
            self.received.append(parse_qs(body, encoding="latin-1")["email"][0].encode("latin-1"))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def discourse() -> Iterator[int]:
    Discourse.received.clear()
    with HTTPServer(("127.0.0.1", 0), Discourse) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_discourse_s_receive_mail_gets_what_counts_and_its_failure_lets_the_mail_wait(discourse: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "receive-mail"
    program.write_text(RECEIVE_MAIL.format(port=discourse))
    argv = recipe("Discourse, `master.cf`").partition("argv=")[2]
    command = argv.replace("/usr/local/bin/receive-mail", f"{sys.executable} {program}").replace("${recipient}", shlex.quote("reply+verp-0123456789abcdef@forum.example.com"))
    assert [shell(command, mail).returncode for mail in (*PASSES, *STAYS)] == [0, 0, 0, 0]
    assert {below(mail) for mail in Discourse.received} == set(PASSES)
    monkeypatch.setattr(Discourse, "status", 502)
    assert [shell(command, mail).returncode for mail in (AGAINST, FULL)] == [75, 0]


class Receiver:
    """Takes mail by SMTP, as mail-receiver's Postfix does."""

    def __init__(self) -> None:
        self.received: list[tuple[list[str], bytes]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's
        self.received.append((envelope.rcpt_tos, envelope.original_content))
        return "250 taken"


def test_discourse_s_mail_receiver_gets_what_counts_by_smtp(tmp_path: Path) -> None:
    here, there, receiver = free_port(), free_port(), Receiver()
    controller = Controller(receiver, hostname="127.0.0.1", port=there)
    controller.start()
    command = recipe("Discourse, in front")
    for name, value in {"bounceclass filter": f"exec {BOUNCECLASS} filter", "127.0.0.1:8025": f"127.0.0.1:{here}", "/var/lib/bounceclass": str(tmp_path), "127.0.0.1:2525": f"127.0.0.1:{there}"}.items():
        assert name in command
        command = command.replace(name, value)
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(["sh", "-c", command], stdout=said, stderr=said)  # noqa: S603, S607  our own documentation
    try:
        send(here, [*STAYS, *PASSES])
        end = time.monotonic() + 30
        while len(receiver.received) < 2 and time.monotonic() < end:
            time.sleep(0.05)
    finally:
        process.terminate()
        process.wait(20)
        controller.stop()
    assert (tmp_path / "said").read_text().endswith("\n2 passed, 2 kept back\n")
    assert [whom for whom, _ in receiver.received] == 2 * [["reply+verp-0123456789abcdef@forum.example.com"]]


def send(port: int, mails: list[bytes]) -> None:
    """Hand mail in as soon as somebody listens."""
    end = time.monotonic() + 30
    while True:
        try:
            client = smtplib.SMTP("127.0.0.1", port, timeout=30)
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            break
    with client:
        for mail in mails:
            client.sendmail("", ["reply+verp-0123456789abcdef@forum.example.com"], mail)
