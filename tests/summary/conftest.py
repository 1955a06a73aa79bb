"""What summaries are tested with: a store that the real bookkeeper filled, over a fortnight, from samples and from notices of our own Postfix."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.model import Action, Decision, Reason, Suppression
from bounceclass.protocols import Item
from bounceclass.store.records import Sent
from tests.conftest import SAMPLES
from tests.runner.conftest import bounce

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bounceclass.assembly import Parts

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=7)

LISTED = "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1"
HOSTILE = "550 5.7.1 <script>alert(1)</script> \x1b]0;owned\x07 \u202egnihsihp\u202c مرحبا \x00 blocked using <img src=http://evil.test/x onerror=alert(1)>; see http://evil.test/delist"
LOFT = "550 the loft is shut for {} today"
HOURS = timedelta(hours=1)

# (days ago, how many, whom, what the remote host says)
STORY = (
    (6, 4, "reader{}@gmail.com", "550 5.1.1 The email account that you tried to reach does not exist"),
    (5, 3, "reader{}@paper.test", LISTED),
    (4, 2, "writer{}@ink.test", LISTED),
    (4, 3, "friend{}@gmail.com", "550 5.7.26 Unauthenticated email from lists.example.com is not accepted due to domain's DMARC policy"),
    (3, 2, "friend{}@pencil.test", "550 5.7.1 SPF check failed, and no valid DKIM signature found"),
    (3, 1, "uncle{}@paper.test", "550 5.7.25 [192.0.2.7] has no PTR record"),
    (2, 5, "aunt{}@yahoo.com", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints"),
    (2, 2, "niece{}@ink.test", "554 5.7.1 Message looks like spam"),
    (1, 3, "owl{}@loft.test", LOFT),
    (1, 2, "full{}@paper.test", "452 4.2.2 Mailbox full"),
    (1, 1, "mallory{}@evil.test", HOSTILE),
    (1, 1, "slow{}@yahoo.com", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints"),
    (1, 1, "brisk{}@ink.test", "450 4.7.1 Error: too many connections from 192.0.2.1"),
    (9, 6, "old{}@paper.test", "550 5.1.1 User unknown"),
)
SAMPLED = ("postfix/01-default-user-unknown.eml", "postfix/01-default-user-unknown.eml")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The database."""
    return f"sqlite:///{tmp_path}/b.db"


@pytest.fixture
def settings(tmp_path: Path, url: str) -> config.Configuration:
    """A configuration whose source has a mailbox, and a folder for its quarantine."""
    box = tmp_path / "box"
    for name in ("tmp", "new", "cur", ".Quarantine/cur", ".Quarantine/why"):
        (box / name).mkdir(parents=True)
    path = tmp_path / "bounceclass.toml"
    path.write_text(
        f"""
own_hosts = [".example.com"]
store = {{ url = "{url}" }}
run = {{ sources = ["maildir:{box}"] }}
trust = {{ domains = ["lists.example.com"] }}
policy = {{ incident_least = 10000, max_age_days = 3650 }}
""",
        encoding="utf-8",
    )
    return config.read(str(path))


@pytest.fixture
def parts(settings: config.Configuration) -> Iterator[Parts]:
    """An empty store with all that fills it."""
    with opened(settings, urls=()) as found:
        yield found


@pytest.fixture
def filled(parts: Parts) -> Parts:
    """The same with the story told."""
    tell(parts)
    return parts


def enter(parts: Parts, raw: bytes, at: datetime) -> None:
    """Process one mail as a run does, as if it were `at`."""
    accounts = parts.bookkeeper.prepare(Item(raw=raw, source="mail", received_at=at), parts.store, at)
    with parts.store.transaction() as ledger:
        list(parts.bookkeeper.enter(ledger, accounts, at))


def tell(parts: Parts) -> None:
    """Enter the story: what is told, told twice, not ours, and held."""
    number = 0
    for days, count, whom, reply in STORY:
        for place in range(count):
            number += 1
            recipient = whom.format(place)
            raw = bounce(number, recipient, reply.format(recipient.partition("@")[0]))
            enter(parts, raw if reply.startswith("5") else raw.replace(b"Action: failed", b"Action: delayed"), NOW - timedelta(days=days) + place * HOURS)
    enter(parts, bounce(900, "reader0@gmail.com", STORY[0][3], mailing="m1"), NOW - 5 * HOURS)
    for name in SAMPLED:
        enter(parts, (SAMPLES / name).read_bytes(), NOW - 4 * HOURS)
    for place in range(3):
        forged = bounce(950 + place, f"victim{place}@else.test").replace(b"mx.example.com", b"mx.forger.test").replace(b"lists.example.com", b"ours.test")
        enter(parts, forged, NOW - 3 * HOURS)
    hold(parts)


def hold(parts: Parts) -> None:
    """Open an incident that holds two decisions, close another, and let one wait for somebody to look."""
    at = NOW - timedelta(days=1)
    entry = Suppression(address="ruth@gmail.com", reason=Reason.USER_UNKNOWN, since=at, by="policy")
    wait = Decision(action=Action.HOLD, because="held, for there are too many", until=at + timedelta(days=7), suppression=entry)
    with parts.store.transaction() as ledger:
        ledger.brake.open("user-unknown, provider google", at, "25 in an hour")
        ledger.brake.open("mailbox-full, everywhere", at - 30 * HOURS, "40 in a day")
        ledger.brake.close("mailbox-full, everywhere", at)
        for key in ("h1", "h2"):
            ledger.brake.hold(key, wait, at, "user-unknown, provider google")
        ledger.brake.hold("h3", Decision(action=Action.HOLD, because="nobody is named", until=at + timedelta(days=7)), at)


def record_sent(parts: Parts, number: int, since: datetime) -> None:
    """Let the sent log have so many mails, one a minute."""
    parts.store.record_sent(Sent(mailing=f"s{place}", recipient=f"r{place}@paper.test", at=since + timedelta(minutes=place)) for place in range(number))
