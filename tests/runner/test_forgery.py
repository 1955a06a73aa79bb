"""Whoever writes bounces of their own silences nobody; through the whole runner, from a mailbox to the list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.protocols import Item
from bounceclass.tags import Key, make_tag
from tests.runner.conftest import Sink, World, bounce

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "a-secret-that-only-we-have"  # noqa: S105  of a test
THEIRS = "a-secret-of-somebody-else"
TODAY = datetime.now(UTC).date()
ELSEWHERE = b"Received: from evil.example (evil.example [203.0.113.9]) by mx.example.com (Postfix) with ESMTP id 9; Mon,  9 Mar 2026 12:00:00 +0000\n"


def forged(recipient: str, **given: str) -> bytes:
    """Looks in everything like our own server's notice, but came from outside."""
    return ELSEWHERE + bounce(7, recipient, **given)


def tagged(raw: bytes, tag: str) -> bytes:
    return raw.replace(b"To: news-bounces@lists", f"To: news-bounces+{tag}@lists".encode(), 1)


def tag_of(recipient: str, *, secret: str = SECRET, days: int = 0) -> str:
    return make_tag(recipient, Key(id=1, secret=secret.encode()), TODAY - timedelta(days=days))


def changed(tag: str) -> str:
    return tag[:6] + ("a" if tag[6] != "a" else "b") + tag[7:]


def suppressed_by(folder: Path, sink: Sink, *mails: bytes) -> tuple[list[str], list[str], list[str]]:
    """Handle mails; return the decisions, whom the list has, and who failed by the histories of ruth and eve."""
    keys = f'[trust]\ndomains = ["lists.example.com"]\nreturn_path = "news-bounces@lists.example.com"\nkeys = [{{ id = 1, secret = "{SECRET}" }}]\n'
    world = World(folder, "maildir", f"sqlite:///{folder / 'b.db'}", sink)
    world.config.write_text(world.config.read_text().replace('trust = { domains = ["lists.example.com"] }\n', "") + keys)
    with opened(config.read(str(world.config)), (), ()) as parts:
        decisions = [str(one.action) for raw in mails for one in parts.runner.handle(Item(raw=raw, source="a", received_at=datetime.now(UTC)))]
        failing = [name for name in ("ruth@example.net", "eve@example.net") if parts.store.history(name, None, datetime.now(UTC)).failures]
        return decisions, [entry.address or "" for entry in parts.store.suppressions()], failing


EVE = ["eve@example.net"]
CASES: list[Any] = [
    ("from outside", [forged("ruth@example.net")], ["count"], ["ruth@example.net"]),
    ("twenty times", [forged("ruth@example.net", mailing=f"m{n}") for n in range(20)], ["count"] * 20, ["ruth@example.net"]),
    ("with a tag of another key", [tagged(forged("ruth@example.net"), tag_of("ruth@example.net", secret=THEIRS))], ["count"], None),
    ("with a tag changed by one character", [tagged(forged("ruth@example.net"), changed(tag_of("ruth@example.net")))], ["count"], None),
    ("with a tag that is too old", [tagged(forged("ruth@example.net"), tag_of("ruth@example.net", days=40))], ["count"], None),
    ("with a tag of somebody else", [tagged(forged("ruth@example.net"), tag_of("eve@example.net"))], ["count"], ["eve@example.net"]),
    ("replayed with new Message-IDs", [tagged(forged("ruth@example.net", mailing=f"m{n}"), tag_of("eve@example.net")) for n in range(9)], ["count"], EVE),
]


@pytest.mark.parametrize(("name", "mails", "decisions", "failing"), CASES, ids=[case[0] for case in CASES])
def test_a_forged_report_suppresses_nobody(name: str, mails: list[bytes], decisions: list[str], failing: list[str] | None, sink: Sink, tmp_path: Path) -> None:
    assert name
    found = suppressed_by(tmp_path, sink, *mails)
    assert found[:2] == (decisions, [])
    assert failing is None or found[2] == failing


def test_a_true_tag_acts_on_its_address(sink: Sink, tmp_path: Path) -> None:
    mail = tagged(forged("ruth@example.net"), tag_of("ruth@example.net"))
    assert suppressed_by(tmp_path, sink, mail)[:2] == (["suppress"], ["ruth@example.net"])


def test_a_forward_counts_for_whom_we_mailed_and_not_for_whom_it_names(sink: Sink, tmp_path: Path) -> None:
    mails = [tagged(forged("ruth@example.net", mailing=f"m{days}"), tag_of("eve@example.net", days=days)) for days in (1, 0)]
    assert suppressed_by(tmp_path, sink, *mails) == (["count", "count"], [], ["eve@example.net"])


def test_copies_of_one_failure_count_once(sink: Sink, tmp_path: Path) -> None:
    copy = bounce(1, "ruth@example.net", subject="Postmaster Copy: Undelivered Mail")
    assert suppressed_by(tmp_path, sink, copy, bounce(1, "ruth@example.net"), copy)[:2] == (["suppress"], ["ruth@example.net"])
