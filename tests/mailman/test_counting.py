"""Whom a bounce counts against, without a Mailman."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bounceclass_mailman.counting import Counting, To
from bounceclass_mailman.memory import Memory
from bounceclass_mailman.roster import Roster

from bounceclass.config import Configuration
from bounceclass.history import FailedMailing
from bounceclass.model import Reason
from bounceclass.presets import PolicySettings, Row, Rule
from bounceclass.settings import KeySource, TrustSettings
from bounceclass.tags import Addressee, Key, fingerprint, tagged
from tests.mailman.bounces import HOST, SHORT, dsn, notice, verp

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 10, tzinfo=UTC)
SECRET = "at least sixteen octets, from a generator"  # noqa: S105  of a test
KEY = Key(id=3, secret=SECRET.encode())
KEYS = Configuration(trust=TrustSettings(keys=(KeySource(id=3, secret=SECRET),)))
NAMES = ("garden.lists.example.com", "garden@lists.example.com")
RUTH, BOB, DEAD = "ruth@example.org", "bob@example.net", "550 5.1.1 User unknown"
PLAIN = f"{SHORT}@{HOST}"


def path(member: str, stream: str | None = NAMES[0], issued: date = date(2026, 3, 1)) -> str:
    return tagged(PLAIN, member, KEY, issued, stream=stream, longest=120)


def members(raw: bytes, *verps: str, configuration: Configuration | None = None, **given: Any) -> tuple[str, ...]:
    to = To(names=NAMES, host=HOST, verp=frozenset(verps), **given)
    return Counting(configuration or Configuration()).read(raw, to, NOW).members


@pytest.mark.parametrize(
    ("raw", "verps", "expected"),
    [
        (dsn(1, RUTH, DEAD), [RUTH], [RUTH]),
        (dsn(1, "RUTH@Example.ORG", DEAD, to=verp(RUTH)), [RUTH], [RUTH]),
        (dsn(1, RUTH, DEAD, sender=BOB), [RUTH], [RUTH]),
        (notice(1, RUTH), [RUTH], [RUTH]),
        (dsn(1, BOB, DEAD, to=verp(RUTH)).replace(b"To: garden@lists.example.com", b"To: ruth@example.org"), [RUTH], [RUTH]),
        (dsn(1, BOB, DEAD, to=verp(RUTH)).replace(b"To: garden@lists.example.com", b"To: ruth@example.org, garden@lists.example.com"), [RUTH], []),
        (dsn(1, BOB, DEAD, to=verp(RUTH)), [RUTH], []),
        (dsn(1, RUTH, DEAD, to=PLAIN), [], [RUTH]),
        (dsn(1, RUTH, DEAD, to=PLAIN, sender=BOB), [], []),
        (notice(1, RUTH, to=PLAIN), [], []),
        (dsn(1, RUTH, "550 5.7.1 blocked using zen.spamhaus.org"), [RUTH], []),
        (dsn(1, RUTH, "552 5.2.2 Mailbox full"), [RUTH], []),
        (dsn(1, RUTH, DEAD, action="delayed"), [RUTH], []),
        (dsn(1, RUTH, DEAD, action="delivered"), [RUTH], []),
        (b"", [RUTH], []),
    ],
)
def test_without_keys_a_bounce_counts_against_whom_both_return_path_and_report_name(raw: bytes, verps: list[str], expected: list[str]) -> None:
    assert members(raw, *verps) == tuple(expected)


@pytest.mark.parametrize(
    ("raw", "verps", "expected"),
    [
        (dsn(1, RUTH, DEAD, to=path(RUTH)), [], [RUTH]),
        (dsn(1, BOB, DEAD, to=path(RUTH)), [], [RUTH]),
        (dsn(1, RUTH, DEAD, to=path(RUTH, NAMES[1])), [], [RUTH]),
        (dsn(1, RUTH, DEAD, to=path(RUTH, None)), [], [RUTH]),
        (dsn(1, RUTH, DEAD, to=path(RUTH, "shed.lists.example.com")), [], []),
        (dsn(1, RUTH, DEAD, to=path(RUTH, issued=date(2026, 1, 1))), [], []),
        (dsn(1, RUTH, "550 5.7.26 DMARC policy", to=path(RUTH)), [], []),
        (dsn(1, RUTH, DEAD), [RUTH], []),
        (dsn(1, RUTH, DEAD, to=PLAIN), [], []),
    ],
)
def test_with_keys_it_counts_by_the_tag_alone(raw: bytes, verps: list[str], expected: list[str]) -> None:
    marks = {fingerprint(RUTH, stream): Addressee(RUTH, stream) for stream in (*NAMES, "shed.lists.example.com")}
    assert members(raw, *verps, configuration=KEYS, addressee=marks.get) == tuple(expected)


def test_what_may_pass_counts_where_the_policy_says_that_one_is_enough() -> None:
    row = Row(suppress=Rule(), count=Rule(n=3, expiry_days=(30,)))
    policy = Configuration(policy=PolicySettings(reasons={Reason.MAILBOX_FULL: row}))
    assert members(dsn(1, RUTH, "552 5.2.2 Mailbox full"), RUTH, configuration=policy) == (RUTH,)


def failed(reason: Reason, *days: int) -> tuple[FailedMailing, ...]:
    return tuple(FailedMailing(at=NOW - timedelta(days=ago), mailing=f"message-id {ago}@example.net", reason=reason) for ago in days)


@pytest.mark.parametrize(
    ("reply", "past", "expected"),
    [
        ("552 5.2.2 Mailbox full", failed(Reason.MAILBOX_FULL, 16, 8), (RUTH,)),
        ("552 5.2.2 Mailbox full", failed(Reason.MAILBOX_FULL, 13, 8), ()),
        ("552 5.2.2 Mailbox full", failed(Reason.MAILBOX_FULL, 16), ()),
        ("552 5.2.2 Mailbox full", failed(Reason.MAILBOX_FULL, 120, 60), ()),
        ("552 5.2.2 Mailbox full", failed(Reason.EXPIRED, 16, 8), ()),
        ("450 4.4.7 delivery time expired", failed(Reason.EXPIRED, 16, 8), (RUTH,)),
        ("450 4.4.1 connection timed out", failed(Reason.EXPIRED, 16, 8), (RUTH,)),
        ("550 5.7.1 blocked using zen.spamhaus.org", failed(Reason.MAILBOX_FULL, 16, 8), ()),
        (DEAD, (), (RUTH,)),
    ],
)
def test_what_may_pass_counts_when_it_has_failed_as_often_and_as_long_as_the_policy_asks_for(reply: str, past: tuple[FailedMailing, ...], expected: tuple[str, ...]) -> None:
    assert members(dsn(1, RUTH, reply), RUTH, past={RUTH: past}.get) == expected


def test_what_is_remembered_is_each_mailing_once_for_each_list_and_member_and_old_ones_are_forgotten(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory.db")
    old, new = failed(Reason.MAILBOX_FULL, 200, 8)
    for list_id, member, failure in (("a", RUTH, old), ("a", RUTH.upper(), new), ("a", RUTH, new), ("b", RUTH, new), ("a", BOB, new)):
        memory.add(list_id, member, failure)
    again = Memory(tmp_path / "memory.db")
    assert [again.of(list_id)(member) for list_id, member in (("a", RUTH), ("b", RUTH), ("a", BOB), ("b", BOB))] == [(new,), (new,), (new,), ()]


def test_a_recipient_that_is_too_long_is_found_by_its_fingerprint() -> None:
    long = f"{'r' * 40}@example.org"
    sent = tagged(PLAIN, long, KEY, date(2026, 3, 1), stream=NAMES[0])
    found = {fingerprint(long, NAMES[0]): Addressee(long, NAMES[0])}
    raw = dsn(1, BOB, DEAD, to=sent)
    assert members(raw, configuration=KEYS, addressee=found.get) == (long,)
    assert members(raw, configuration=KEYS, addressee={}.get) == ()


def test_a_roster_is_read_anew_for_a_member_that_it_does_not_have_and_at_most_once_a_minute() -> None:
    people, clock, reads = [RUTH], [0.0], [0]

    class List:
        list_id = NAMES[0]

        @property
        def members(self) -> Any:
            reads[0] += 1
            return SimpleNamespace(members=[SimpleNamespace(address=SimpleNamespace(email=one)) for one in people])

    look_up = Roster(lambda: clock[0]).of(List())
    assert look_up(fingerprint(RUTH, NAMES[0])) == Addressee(RUTH, NAMES[0])
    people.append(BOB)
    assert [look_up(fingerprint(BOB, NAMES[0])) for _ in range(3)] == [None, None, None]
    clock[0] = 60.0
    assert look_up(fingerprint(BOB, NAMES[0])) == Addressee(BOB, NAMES[0])
    assert reads == [2]


def test_mailman_s_side_imports_neither_rich_nor_click_nor_the_store_nor_a_client() -> None:
    code = "import sys, bounceclass_mailman.counting as c; from bounceclass.config import DEFAULT; c.Counting(DEFAULT).read(b'', c.To(names=(), host='a.example'), __import__('datetime').datetime.now(__import__('datetime').UTC)); print(sorted(sys.modules.keys() & {'rich', 'click', 'sqlalchemy', 'alembic', 'bounceclass.store', 'requests', 'mailmanclient'}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"  # noqa: S603  our own code
