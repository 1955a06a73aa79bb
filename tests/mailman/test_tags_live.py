"""Mail goes out with our tags, and what comes back counts by them alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller

from bounceclass.tags import Key, find_tags, tagged, verify_tag
from tests.mailman.bounces import HOST, MEMBERS, SHORT, bounces, dsn, verp
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.mailman.conftest import Site

SECRET = "at least sixteen octets, from a generator"  # noqa: S105  of a test
KEY = Key(id=3, secret=SECRET.encode())
STRANGER = "stranger@example.invalid"
POST = b"From: unknown@example.org\r\nTo: garden@lists.example.com\r\nSubject: seeds\r\nMessage-ID: <seeds@example.org>\r\n\r\nHas anybody got some of the blue ones?\r\n"
DEAD = "550 5.1.1 User unknown"


class Sink:
    """Takes all mail; `paths` are the return paths by recipient."""

    def __init__(self) -> None:
        self.paths: dict[str, str] = {}

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        self.paths |= dict.fromkeys(envelope.rcpt_tos, envelope.mail_from)
        return "250 taken"


@pytest.fixture
def sink() -> Iterator[tuple[Sink, int]]:
    handler = Sink()
    port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


def path(member: str, *, days: int = 0, stream: str = "garden.lists.example.com", key: Key = KEY) -> str:
    return tagged(f"{SHORT}@{HOST}", member, key, datetime.now(UTC).date() - timedelta(days=days), stream=stream)


def test_what_goes_out_is_tagged_and_what_comes_back_counts_against_whom_the_tag_names(site: Site, sink: tuple[Sink, int]) -> None:
    handler, port = sink
    settings = f'[trust]\nkeys = [{{ id = 3, secret = "{SECRET}" }}]\n'
    mailman = site("site", outgoing="bounceclass_mailman.delivery.deliver", settings=settings)
    mailman.smtp = port
    mailman.start("bounces", "lmtp", "in", "pipeline", "out")
    mailman.send([POST], to="garden@lists.example.com")
    mailman.until(lambda: set(handler.paths) >= set(MEMBERS), "the post is on its way")
    for member, sent in handler.paths.items():
        (tag,) = find_tags(sent)
        proof = verify_tag(tag, [KEY], datetime.now(UTC).date(), days=1, lookup=None)
        assert proof.fault in {None, "unknown-recipient"}
        assert sent == path(member)
        assert len(sent.partition("@")[0]) <= 64
    returned = handler.paths["unknown@example.org"]
    letter = "b" if returned.partition("@")[0][-1] == "a" else "a"
    changed = path("spam@example.org").replace(f"@{HOST}", "")[:-1] + f"{letter}@{HOST}"
    mailman.send(
        [
            dsn(1, "unknown@example.org", DEAD, to=returned),
            dsn(2, STRANGER, DEAD, to=handler.paths["notice@example.org"]),
            dsn(3, "full@example.org", "552 5.2.2 Mailbox full", to=path("full@example.org")),
            dsn(4, "blocked@example.org", DEAD, to=path("blocked@example.org", days=40)),
            dsn(5, "spam@example.org", DEAD, to=changed),
            dsn(6, "dmarc@example.org", DEAD, to=path("dmarc@example.org", stream="shed.lists.example.com")),
            dsn(7, "slow@example.org", DEAD, to=path("slow@example.org", key=Key(id=3, secret=b"another one's secret, a guess"))),
            dsn(8, "forged@example.org", DEAD, to=verp("forged@example.org")),
            dsn(9, "named@example.org", DEAD, to=f"{SHORT}@{HOST}"),
        ],
    )
    mailman.drain()
    assert {who: score for who, (_, score) in mailman.standing("garden").items()} == {who: int(who in {"unknown", "notice"}) for who in bounces(1)}
    assert {score for _, score in mailman.standing("shed").values()} == {0}
