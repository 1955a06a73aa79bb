"""A real Postfix sends tagged mail to a server that refuses, hands the bounce to us, and asks us before it mails again."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.mta import Asked, Server
from bounceclass.tags import Key, tagged
from tests.intake.postfix import Postfix
from tests.mta.refusing import refusing_server
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bounceclass.assembly import Parts

SECRET = "sixteen octets of a secret or more"  # noqa: S105  of a test
KEY = Key(id=1, secret=SECRET.encode())
RETURN_PATH = "news-bounces@lmtp.test"
MAIN = """
relayhost = [127.0.0.1]:{refusing}
smtpd_recipient_restrictions = {check}, permit_mynetworks
smtpd_policy_service_default_action = {when_down}
smtpd_policy_service_timeout = 2s
smtpd_policy_service_max_idle = 1s
"""
SETTINGS = """
[store]
url = "sqlite:///{folder}/b.db"
[run]
sources = ["lmtp:127.0.0.1:{lmtp}?spool={folder}/spool"]
[trust]
keys = [{{ id = 1, variable = "TAG_KEY" }}]
return_path = "news-bounces@lmtp.test"
domains = ["lmtp.test"]
"""


CHECKS = {"policy": "check_policy_service inet:{}", "socketmap": "check_recipient_access socketmap:inet:{}:access"}
WHEN_DOWN = [("policy", "DUNNO", 250), ("policy", "451 4.3.5 come again", 451), ("socketmap", "DUNNO", 451)]
"""How Postfix is told to ask, what it is to do where nobody answers a policy question, and what it says then."""


class World:
    """Both ends, and what is between."""

    def __init__(self, folder: Path, protocol: str, when_down: str) -> None:
        lmtp = free_port()
        self.protocol, self.address = protocol, f"127.0.0.1:{free_port()}"
        self.refusing = refusing_server()
        (folder / "b.toml").write_text(SETTINGS.format(folder=folder, lmtp=lmtp))
        self.configuration = config.read(str(folder / "b.toml"))
        self.postfix = Postfix("", lmtp, MAIN.format(refusing=self.refusing.port, check=CHECKS[protocol].format(self.address), when_down=when_down))

    def asked(self, recipient: str) -> int:
        """What Postfix says to a recipient."""
        with smtplib.SMTP("127.0.0.1", self.postfix.port, timeout=30) as client:
            client.ehlo()
            client.mail(RETURN_PATH)
            return client.rcpt(recipient)[0]

    def mail(self, recipient: str, sender: str) -> None:
        self.postfix.send([(recipient, f"From: news@lmtp.test\nTo: {recipient}\nSubject: digest\n\nHello\n".encode())], sender)

    def stop(self) -> None:
        self.postfix.stop()
        self.refusing.stop()


@pytest.fixture(params=WHEN_DOWN, scope="module", ids=lambda row: f"{row[0]}-{row[2]}")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAG_KEY", SECRET)
        protocol, when_down, code = request.param
        found = World(tmp_path_factory.mktemp("world"), protocol, when_down)
        assert found.asked("ruth@example.net") == code
        yield found
        found.stop()


def sender(recipient: str, days: int = 0) -> str:
    return tagged(RETURN_PATH, recipient, KEY, (datetime.now(UTC) - timedelta(days=days)).date())


def suppressed(parts: Parts) -> set[str | None]:
    return {entry.address for entry in parts.store.suppressions()}


def test_the_bounce_of_tagged_mail_suppresses_exactly_its_recipient_who_is_refused_the_next_time(world: World) -> None:
    with opened(world.configuration) as parts:
        parts.runner.run(parts.sources, once=True)  # listens from here on
        answering = Server(world.protocol, world.address, Asked(parts.store))
        forged = sender("mallory@example.net")
        end = forged.index("@")
        for recipient, return_path in (
            ("ruth@example.net", sender("ruth@example.net")),
            ("changed@example.net", forged[: end - 1] + ("a" if forged[end - 1] != "a" else "b") + forged[end:]),
            ("expired@example.net", sender("expired@example.net", days=90)),
            ("victim@example.net", sender("other@example.net")),  # a tag that was seen, used for somebody else
            ("untagged@example.net", RETURN_PATH),
        ):
            world.mail(recipient, return_path)
        world.postfix.drain()
        parts.runner.run(parts.sources, once=True)
        assert parts.runner.counts["inputs"] == 5, world.postfix.log.read_text()
        assert suppressed(parts) == {"ruth@example.net"}
        assert {whom: world.asked(f"{whom}@example.net") for whom in ("ruth", "victim", "other", "changed")} == {"ruth": 550, "victim": 250, "other": 250, "changed": 250}
        answering.close()
