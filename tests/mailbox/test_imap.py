"""An IMAP folder as a source, on a real Dovecot: what is taken, what stays untouched, and where it goes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bounceclass.settings import Limits
from bounceclass.sources.imap import Imap

if TYPE_CHECKING:

    from tests.mailbox.dovecot import Box


def mail(subject: str, size: int = 0) -> bytes:
    return f"From: MAILER-DAEMON@mx.example.com\nSubject: {subject}\n\nit failed\n{'x' * 70}\n".encode() + b"y" * size


def subjects(source: Imap, why: str | None = None, *, finish: bool = True) -> list[str]:
    found = []
    for item in source.items():
        found.append(item.raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode())
        if finish:
            assert item.finish is not None
            item.finish(why)
    source.settle()
    return found


@pytest.mark.parametrize(("scheme", "options"), [("imap", {}), ("imap", {"starttls": "yes", "ca": "CA"}), ("imaps", {})])
def test_what_is_there_is_taken_in_order_and_moved_once(scheme: str, options: dict[str, str], box: Box) -> None:
    for subject in ("one", "two", "three"):
        box.put(mail(subject))
    given = {name: str(box.server.ca) if value == "CA" else value for name, value in options.items()}
    source = Imap(box.url(scheme, **given), Limits())
    told = [subjects(source), subjects(source)]
    box.put(mail("four"))
    told.append(subjects(source))
    source.close()
    assert told == [["one", "two", "three"], [], ["four"]]
    assert box.state() == {"INBOX": [], "Processed": [("four",), ("one",), ("three",), ("two",)], "Quarantine": []}


def test_an_item_has_the_time_of_arrival_and_a_key_of_its_own(box: Box) -> None:
    box.put(mail("one"))
    box.put(mail("two"))
    source = Imap(box.url("imap", "INBOX"), Limits())
    found = list(source.items())
    again = list(source.items())
    source.close()
    assert [item.source for item in found] == [f"{source.url};UID=1", f"{source.url};UID=2"]
    assert [item.key for item in found] == [item.key for item in again]
    assert len({item.key for item in found}) == 2
    assert found[0].received_at == datetime(2026, 3, 3, 12, 0, 1, tzinfo=UTC) or found[0].received_at is not None
    assert "correct" not in found[0].source
