"""Inputs that their carrier has read itself: a line of a log, an ESP's payload. They take the same way as mail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.model import Event, Kind, Original, Report, Trust
from bounceclass.protocols import Item, Voucher
from tests.runner.conftest import Sink, World

if TYPE_CHECKING:
    from pathlib import Path


def told(recipient: str, text: str) -> Report:
    return Report(kind=Kind.BOUNCE, events=(Event(kind=Kind.BOUNCE, recipient=recipient, diagnostic=text),), original=Original(message_id=f"{recipient}.1"))


def test_each_report_of_an_input_is_judged_and_entered_and_the_raw_bytes_are_not_read_as_mail(tmp_path: Path, sink: Sink) -> None:
    world = World(tmp_path, "maildir", f"sqlite:///{tmp_path / 'b.db'}", sink)
    reports = (told("ruth@example.net", "550 5.1.1 user unknown"), told("eve@example.net", "554 5.7.1 listed at zen.spamhaus.example"))
    mail = b"From: MAILER-DAEMON@mx.example.org\nSubject: Undelivered\n\n<bob@example.net>: 550 5.1.1 user unknown\n"
    item = Item(
        raw=mail, source="a", received_at=datetime.now(UTC), reports=reports, voucher=Voucher(grade=Trust.OWN_MTA, because="our own log says so", stream="garden")
    )
    with opened(config.read(str(world.config)), (), ()) as parts:
        first, again = parts.runner.handle(item), parts.runner.handle(item)
        assert [str(one.action) for one in first] == ["suppress", "none"]
        assert again == []
        assert [(entry.address, entry.scope) for entry in parts.store.suppressions()] == [("ruth@example.net", None)]
