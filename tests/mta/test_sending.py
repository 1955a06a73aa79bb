"""How docs/integrations.md says that mail is tagged where it is sent: by smtplib, and by a real Postfix's sendmail."""

from __future__ import annotations

import re
import smtplib
import subprocess
import sys
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller

from bounceclass.tags import Key, find_tags, verify_tag
from tests.intake.postfix import Postfix
from tests.servers import find, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/integrations.md").read_text(encoding="utf-8")
SECRET = "sixteen octets of a secret or more"  # noqa: S105  of a test
KEY = Key(id=1, secret=SECRET.encode())
RETURN_PATH = "b@bounces.example.com"
ADDRESS_OF_25 = "o.longer@some.example.org"


class Taking:
    """Knows nobody called gone, is full for full, and has no liking for spam; notes the envelopes of what it takes."""

    def __init__(self) -> None:
        self.senders: dict[str, str] = {}

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802  aiosmtpd's
        if address.startswith("gone@"):
            return f"550 5.1.1 <{address}>: User unknown"
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's
        (recipient,) = envelope.rcpt_tos
        if recipient.startswith("full@"):
            return "552 5.2.2 Mailbox full"
        if recipient.startswith("spam@"):
            return "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org"
        self.senders[recipient] = envelope.mail_from
        return "250 taken"


@pytest.fixture
def sink() -> Iterator[tuple[int, Taking]]:
    taking = Taking()
    controller = Controller(taking, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port, taking
    controller.stop()


def named(sender: str) -> str | None:
    """Whom the tag of a sender names, where it is valid."""
    (tag,) = find_tags(sender)
    proof = verify_tag(tag, [KEY], datetime.now(UTC).date(), days=1)
    assert proof.fault is None
    return proof.addressee.recipient if proof.addressee else None


def test_what_smtplib_sends_is_tagged_for_each_member_and_what_is_refused_at_once_is_judged(sink: tuple[int, Taking]) -> None:
    port, taking = sink
    code = next(text for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "smtplib" in text)
    page: dict[str, Any] = {}
    exec(compile(code, "integrations.md", "exec"), page)  # noqa: S102  our own documentation
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "news@lists.example.com", "news@lists.example.com", "digest"
    message.set_content("Hello\n")
    members = ["ruth@example.net", "gone@example.org", "full@example.org", "spam@example.org", ADDRESS_OF_25]
    with smtplib.SMTP("127.0.0.1", port) as client:
        verdicts = page["send"](client, message, members, RETURN_PATH, KEY)
    assert {whom: (str(verdict.advice), str(verdict.reason)) for whom, verdict in verdicts.items()} == {
        "gone@example.org": ("suppress", "user-unknown"),
        "full@example.org": ("count", "mailbox-full"),
        "spam@example.org": ("fix", "ip-blocked"),
    }
    assert {whom: named(sender) for whom, sender in taking.senders.items()} == {"ruth@example.net": "ruth@example.net", ADDRESS_OF_25: ADDRESS_OF_25}
    assert len(ADDRESS_OF_25) == 25


@pytest.fixture
def postfix(sink: tuple[int, Taking]) -> Iterator[Postfix]:
    server = Postfix("", free_port(), f"relayhost = [127.0.0.1]:{sink[0]}\n")
    yield server
    server.stop()


def test_what_is_handed_to_postfix_by_sendmail_keeps_its_tag_and_its_own_verp_has_none(postfix: Postfix, sink: tuple[int, Taking], tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(f'[trust]\nreturn_path = "{RETURN_PATH}"\nkeys = [{{ id = 1, secret = "{SECRET}" }}]\n')
    line = re.search(r"^    (sendmail .*)$", PAGE, re.MULTILINE)
    assert line is not None
    sendmail = f"{find('sendmail')} -C {postfix.top}/etc"
    command = line[1].replace("sendmail", sendmail).replace("bounceclass tag", f"{sys.executable} -m bounceclass --config {tmp_path}/b.toml tag")
    for one in (command, f"{sendmail} -XV+= -f {RETURN_PATH} -- eve@example.net"):
        subprocess.run(["sh", "-c", one], input=b"Subject: digest\n\nHello\n", check=True, timeout=60)  # noqa: S603, S607  our own documentation
    end = time.monotonic() + 30
    while len(sink[1].senders) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert named(sink[1].senders["ruth@example.net"]) == "ruth@example.net"
    assert sink[1].senders["eve@example.net"] == "b+eve=example.net@bounces.example.com"
