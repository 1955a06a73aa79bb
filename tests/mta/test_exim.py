"""What docs/mta.md and docs/integrations.md tell of Exim, tried by itself: the ACL in a session that it only pretends (`exim -bh`), tags by real deliveries."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller

from bounceclass.model import Reason, Suppression
from bounceclass.mta import Asked, Server
from bounceclass.store import open_store
from bounceclass.tags import Addressee, Key, find_tags, fingerprint, verify_tag
from tests.mta.exim import exim_folder, program, run
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs"
CONFIG = "log_file_path = {folder}/log_%s\nspool_directory = {folder}\nprimary_hostname = mx.example.com\nacl_smtp_rcpt = acl_check_rcpt\nbegin acl\n{acl}"
SESSION = "HELO client.example\nMAIL FROM:<news@lists.example.com>\nRCPT TO:<ruth@example.net>\nRCPT TO:<eve@example.net>\nQUIT\n"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    found = exim_folder()
    yield found
    shutil.rmtree(found, ignore_errors=True)


def block(page: str) -> str:
    """The block of Exim's configuration on a page."""
    found = re.search(r"```exim\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def said(folder: Path, port: int) -> list[str]:
    """What Exim says to the two recipients."""
    acl = block("mta.md").replace("127.0.0.1:10040", f"127.0.0.1:{port}")
    (folder / "conf").write_text(CONFIG.format(folder=folder, acl=acl))
    done = run(folder, "-bh 198.51.100.7", SESSION)
    replies = [line for line in done.stdout.splitlines() if re.match(r"\d{3} ", line)]
    assert len(replies) >= 5, done.stderr
    return replies[3:5]


def test_who_is_suppressed_is_refused_and_nobody_where_nobody_answers(folder: Path, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/b.db")
    with store.transaction() as ledger:
        ledger.suppress(Suppression(address="ruth@example.net", reason=Reason.USER_UNKNOWN, since=datetime.now(UTC) - timedelta(days=1), by="policy"))
    port = free_port()
    server = Server("policy", f"127.0.0.1:{port}", Asked(store))
    assert said(folder, port) == ["550 5.7.1 suppressed: user-unknown", "250 Accepted"]
    server.close()
    store.close()
    assert said(folder, port) == ["250 Accepted", "250 Accepted"]


SECRET = "sixteen octets of a secret or more"  # noqa: S105  of a test
NEWS = "news-bounces@lists.example.com"
SENDING = """
exim_path = {exim}
log_file_path = {folder}/sent_%s
spool_directory = {folder}/spool
primary_hostname = mx.example.com
keep_environment = LD_LIBRARY_PATH
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = tagged_smtp
begin transports
{transport}  port = {port}
"""


class Taking:
    """Takes all mail, and notes its envelope."""

    def __init__(self) -> None:
        self.senders: dict[str, str] = {}

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's
        self.senders |= dict.fromkeys(envelope.rcpt_tos, envelope.mail_from)
        return "250 taken"


@pytest.fixture
def sink() -> Iterator[tuple[int, Taking]]:
    taking = Taking()
    controller = Controller(taking, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port, taking
    controller.stop()


def sent(folder: Path, sink: tuple[int, Taking], sender: str, *recipients: str, key: str = SECRET) -> dict[str, str]:
    """Let Exim deliver; return the sender that each recipient's mail had."""
    (folder / "tags.toml").write_text(f'[trust]\nreturn_path = "{NEWS}"\nkeys = [{{ id = 1, secret = "{key}" }}]\n')
    transport = block("integrations.md").replace("/opt/bounceclass/bin/bounceclass", f"{sys.executable} -m bounceclass")
    assert "/etc/bounceclass.toml" in transport
    transport = transport.replace("/etc/bounceclass.toml", f"{folder}/tags.toml")
    (folder / "conf").write_text(SENDING.format(exim=program(folder), folder=folder, transport=transport, port=sink[0]))
    done = run(folder, f"-odf -f {shlex.quote(sender)} -- {shlex.join(recipients)}", "Subject: digest\n\nHello\n")
    assert set(sink[1].senders) == set(recipients), done.stderr + "".join(path.read_text() for path in folder.glob("sent_*"))
    return sink[1].senders


def test_what_exim_delivers_for_a_list_has_a_tag_for_each_recipient_that_names_them(folder: Path, sink: tuple[int, Taking]) -> None:
    recipients = ("ruth@example.net", "o'brien@example.net", "--help@example.net", "`id`${primary_hostname}&$x@example.net", "eve@example.org")
    named = {fingerprint(recipient): Addressee(recipient) for recipient in recipients}
    for recipient, sender in sent(folder, sink, NEWS, *recipients).items():
        assert re.fullmatch(r"news-bounces\+[a-z2-7]+@lists\.example\.com", sender)
        (tag,) = find_tags(sender)
        proof = verify_tag(tag, [Key(id=1, secret=SECRET.encode())], datetime.now(UTC).date(), days=1, lookup=named.get)
        assert (proof.fault, proof.addressee and proof.addressee.recipient) == (None, recipient)


@pytest.mark.parametrize(("sender", "recipient", "key"), [("jo@lists.example.com", "ruth@example.net", SECRET), (NEWS, '"-x y"@example.net', SECRET), (NEWS, "ruth@example.net", "short")])
def test_other_mail_and_what_can_not_be_tagged_goes_out_as_it_is(folder: Path, sink: tuple[int, Taking], sender: str, recipient: str, key: str) -> None:
    assert sent(folder, sink, sender, recipient, key=key) == {recipient: sender}
