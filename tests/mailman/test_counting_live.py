"""The same bounces before Mailman's own runner and before ours: whom each of them disables."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.mailman.bounces import HOST, SHORT, bounces, dsn
from tests.mailman.host import OURS, STOCK

if TYPE_CHECKING:
    from tests.mailman.conftest import Site
    from tests.mailman.host import Mailman

# How a member stands on the list garden after two days of such bounces, whose threshold is 2: (of ours, of Mailman's own runner).
DISABLED, ONE, KEPT = ("by_bounces", 0), ("enabled", 1), ("enabled", 0)
AFTER = {
    "unknown": (DISABLED, DISABLED),
    "unknown-plainly": (DISABLED, DISABLED),
    "notice": (DISABLED, KEPT),
    "full": (KEPT, DISABLED),
    "blocked": (KEPT, DISABLED),
    "spam": (KEPT, DISABLED),
    "dmarc": (KEPT, DISABLED),
    "slow": (KEPT, KEPT),
    "forged": (KEPT, DISABLED),
    "named": (KEPT, KEPT),
    "backscatter": (KEPT, DISABLED),
}

LOGGED = (
    "garden.lists.example.com: <1.day1.report@mx.example.net>: user-unknown (suppress): counts against unknown@example.org: the return path and the report name the same",
    "garden.lists.example.com: <4.day1.report@mx.example.net>: mailbox-full (count): counts against nobody: mailbox-full may pass: 1 in a row; 3 over 14 days count",
    "garden.lists.example.com: <5.day1.report@mx.example.net>: ip-blocked (fix): counts against nobody: ip-blocked is not the recipient's fault",
    "garden.lists.example.com: <9.day1.report@mx.example.net>: user-unknown (suppress): counts against nobody: the return path names another than the report",
)


def settled(mailman: Mailman, expected: dict[str, tuple[str, int]]) -> None:
    """Wait until all is read; Mailman's own runner takes a mail out of the queue some time before it commits what it read."""
    mailman.drain()
    deadline = time.monotonic() + 15
    while mailman.standing("garden") != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert mailman.standing("garden") == expected


@pytest.mark.parametrize(("runner", "place"), [(OURS, 0), (STOCK, 1)], ids=["ours", "stock"])
def test_two_days_of_bounces_disable_whom_they_should(site: Site, runner: str, place: int) -> None:
    mailman = site("site", bounces=runner)
    mailman.start("bounces", "lmtp")
    mailman.send(list(bounces(1).values()))
    settled(mailman, {who: (ONE if after[place] == DISABLED else KEPT) for who, after in AFTER.items()})
    mailman.ask("UPDATE member SET last_bounce_received = datetime(last_bounce_received, '-1 day')")
    mailman.send(list(bounces(2).values()))
    settled(mailman, {who: after[place] for who, after in AFTER.items()})
    assert set(mailman.standing("shed").values()) == {KEPT}
    logged = (mailman.var / "logs" / "bounce.log").read_text()
    assert [line in logged for line in LOGGED] == [runner == OURS] * len(LOGGED)


def test_a_mailbox_that_stays_full_counts_after_a_fortnight_whatever_dies_meanwhile(site: Site) -> None:
    mailman = site("site")
    mailman.start("bounces", "lmtp")
    for day, score in ((1, 0), (2, 0), (3, 1)):
        mailman.send([bounces(day)["full"], bounces(day)["full"], bounces(day)["blocked"]])
        mailman.drain()
        assert {who: standing for who, (_, standing) in mailman.standing("garden").items() if standing} == ({"full": score} if score else {})
        with closing(sqlite3.connect(mailman.var / "data" / "bounceclass.db")) as memory, memory:
            assert memory.execute("SELECT member, count(*) FROM failed GROUP BY member").fetchall() == [("full@example.org", day)]
            memory.execute("UPDATE failed SET at = at - 8 * 86400")


LETTER = b"From: ruth@example.net\r\nTo: garden-bounces@lists.example.com\r\nSubject: hello\r\nMessage-ID: <1@example.net>\r\n\r\nHow do I get off this list?\r\n"


def test_probes_stay_mailman_s_and_one_that_comes_back_for_a_fault_of_ours_disables_nobody(site: Site) -> None:
    mailman = site("site", probes="yes")
    mailman.ask("UPDATE member SET bounce_score = 1, last_bounce_received = datetime('now', '-1 day')")
    mailman.start("bounces", "lmtp")
    mailman.send([bounces(1)["unknown"]])
    mailman.drain()
    assert mailman.standing("garden")["unknown"] == KEPT
    ((token,),) = mailman.ask("SELECT token FROM pended JOIN pendedkeyvalue ON pended.id = pended_id WHERE key = 'member_id'")
    answer = {"to": f"{SHORT}+{token}@{HOST}", "sender": f"{SHORT}+{token}@{HOST}"}
    mailman.send([dsn(20, "unknown@example.org", "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org", **answer)])
    mailman.drain()
    assert mailman.standing("garden")["unknown"] == KEPT
    mailman.send([dsn(21, "unknown@example.org", "550 5.1.1 User unknown", **answer)])
    mailman.drain()
    assert mailman.standing("garden")["unknown"] == DISABLED


def test_what_nobody_understands_goes_to_the_owners_as_the_list_says(site: Site) -> None:
    mailman = site("site")
    mailman.start("bounces", "lmtp")
    mailman.send([bounces(1)["full"], LETTER])
    mailman.drain()
    assert len(mailman.queued("virgin")) == 1
