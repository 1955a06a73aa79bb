"""An IMAP folder as a source, on a real Dovecot: what is taken, what stays untouched, and where it goes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from imapclient import IMAPClient

from bounceclass.errors import InputError
from bounceclass.settings import Limits
from bounceclass.sources import imapsession
from bounceclass.sources.imapsession import Session
from tests.mailbox.conftest import new_box

if TYPE_CHECKING:

    from collections.abc import Callable

    from bounceclass.protocols import Source
    from tests.mailbox.conftest import OpenImap
    from tests.mailbox.dovecot import Box, Dovecot


def mail(subject: str, size: int = 0) -> bytes:
    return f"From: MAILER-DAEMON@mx.example.com\nSubject: {subject}\n\nit failed\n{'x' * 70}\n".encode() + b"y" * size


def subjects(source: Source, why: str | None = None, *, finish: bool = True) -> list[str]:
    found = []
    for item in source.items():
        found.append(item.raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode())
        if finish:
            assert item.finish is not None
            item.finish(why)
    source.settle()
    return found


@pytest.mark.parametrize(("scheme", "options"), [("imap", {}), ("imap", {"starttls": "yes", "ca": "CA"}), ("imaps", {})])
def test_what_is_there_is_taken_in_order_and_moved_once(scheme: str, options: dict[str, str], box: Box, imap: OpenImap) -> None:
    for subject in ("one", "two", "three"):
        box.put(mail(subject))
    given = {name: str(box.server.ca) if value == "CA" else value for name, value in options.items()}
    source = imap(box.url(scheme, **given))
    told = [subjects(source), subjects(source)]
    box.put(mail("four"))
    told.append(subjects(source))
    assert told == [["one", "two", "three"], [], ["four"]]
    assert box.state() == {"INBOX": [], "Processed": [("four",), ("one",), ("three",), ("two",)], "Quarantine": []}


def test_an_item_has_the_time_of_arrival_and_a_key_of_its_own(box: Box, imap: OpenImap) -> None:
    box.put(mail("one"))
    box.put(mail("two"))
    source = imap(box.url("imap", "INBOX"))
    found = list(source.items())
    again = list(source.items())
    assert [item.source for item in found] == [f"{source.url};UID=1", f"{source.url};UID=2"]
    assert [item.key for item in found] == [item.key for item in again]
    assert len({item.key for item in found}) == 2
    assert found[0].received_at == datetime(2026, 3, 3, 12, 0, 1, tzinfo=UTC) or found[0].received_at is not None
    assert "correct" not in found[0].source


def test_other_folders_other_flags_and_mail_that_others_deleted_stay_as_they_were(box: Box, imap: OpenImap) -> None:
    for subject in ("seen", "flagged", "unseen", "deleted", "bounce"):
        box.put(mail(subject))
    client = box.client()
    client.create_folder("Work")
    client.append("Work", mail("plan"))
    client.select_folder("INBOX")
    client.add_flags([1], ["\\Seen"])
    client.add_flags([2], ["\\Flagged"])
    client.add_flags([4], ["\\Deleted"])
    client.logout()
    before = box.state()
    source = imap(box.url("imap"))
    assert [item.raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode() for item in source.items()] == ["seen", "flagged", "unseen", "bounce"]
    assert box.state() == {**before, "Processed": [], "Quarantine": []}
    source = imap(box.url("imap"))
    *others, last = source.items()
    assert last.finish
    last.finish(None)
    source.settle()
    assert len(others) == 3
    assert box.state() == {
        "INBOX": [("deleted", "\\Deleted"), ("flagged", "\\Flagged"), ("seen", "\\Seen"), ("unseen",)],
        "Work": [("plan",)],
        "Processed": [("bounce",)],
        "Quarantine": [],
    }


@pytest.mark.parametrize(
    ("capability", "options", "inbox", "processed", "said"),
    [
        ("IMAP4rev1 MOVE UIDPLUS", {}, [], ["one", "two"], 0),
        ("IMAP4rev1 MOVE", {}, [], ["one", "two"], 0),
        ("IMAP4rev1 UIDPLUS", {}, [], ["one", "two"], 0),
        ("IMAP4rev1 MOVE UIDPLUS", {"processed": ""}, [], None, 0),
        ("IMAP4rev1", {}, ["one", "two"], [], 1),
        ("IMAP4rev1 MOVE", {"processed": ""}, ["one", "two"], None, 1),
    ],
)
def test_exactly_what_was_finished_goes_by_whatever_the_server_has(
    capability: str, options: dict[str, str], inbox: list[str], processed: list[str] | None, said: int, own: Callable[..., Dovecot], caplog: pytest.LogCaptureFixture, imap: OpenImap
) -> None:
    box = new_box(own(extra=f"imap_capability = {capability}"))
    for subject in ("others", "one", "two"):
        box.put(mail(subject))
    client = box.client()
    client.select_folder("INBOX")
    client.add_flags([1], ["\\Deleted"])
    client.logout()
    source = imap(box.url("imap", **options))
    assert [subjects(source), subjects(source)] == [["one", "two"], []]
    box.put(mail("bad"))
    assert subjects(source, "it is bad") == ["bad"]
    assert subjects(source) == []
    left = box.state()
    marked = [(name, "$BouncesProcessed") for name in inbox]
    bad = [("bad", "$BouncesProcessed")] if capability == "IMAP4rev1" else []
    assert sorted(left["INBOX"]) == sorted([("others", "\\Deleted"), *marked, *bad])
    assert [name for name, *_ in left.get("Processed", [])] == ([] if processed is None else processed)
    assert [name for name, *_ in left["Quarantine"]] == ["bad"]
    assert len([record for record in caplog.records if "marked $BouncesProcessed" in record.getMessage()]) == said


def test_without_any_way_to_tell_what_is_processed_nothing_is_begun(own: Callable[..., Dovecot], monkeypatch: pytest.MonkeyPatch, imap: OpenImap) -> None:
    box = new_box(own(extra="imap_capability = IMAP4rev1"))
    box.put(mail("one"))
    select = Session.select
    monkeypatch.setattr(Session, "select", lambda *given, **named: msgspec.structs.replace(select(*given, **named), keywords=False))
    source = imap(box.url("imap"))
    with pytest.raises(InputError, match=r"can't take single mails away \(neither MOVE nor UIDPLUS\), nor mark them \(no keywords\)"):
        list(source.items())


def test_what_somebody_who_died_had_marked_for_deletion_goes_and_nothing_else(box: Box, imap: OpenImap) -> None:
    for subject in ("ours", "others", "next"):
        box.put(mail(subject))
    client = box.client()
    client.select_folder("INBOX")
    client.add_flags([1], ["\\Deleted", "$BouncesProcessed"])
    client.add_flags([2], ["\\Deleted"])
    client.logout()
    source = imap(box.url("imap"))
    assert subjects(source) == ["next"]
    assert box.state() == {"INBOX": [("others", "\\Deleted")], "Processed": [("next",)], "Quarantine": []}


@pytest.mark.parametrize(
    ("separator", "prefix", "folder", "options", "there"),
    [
        ("/", "", "Bounces/EU", {"processed": "Bounces/Done"}, ["Bounces/Done", "Quarantine"]),
        (".", "INBOX.", "INBOX", {}, ["INBOX.Processed", "INBOX.Quarantine"]),
        (".", "INBOX.", "Bounces/EU", {"processed": "Bounces/Done", "quarantine": "INBOX/Bad"}, ["INBOX.Bounces.Done", "INBOX.Bad"]),
        ("/", "", "INBOX", {"processed": "Erledigt%20f%C3%BCr%20heute"}, ["Erledigt für heute", "Quarantine"]),
    ],
)
def test_folders_are_made_with_the_server_s_delimiter_and_prefix(
    separator: str, prefix: str, folder: str, options: dict[str, str], there: list[str], own: Callable[..., Dovecot], imap: OpenImap
) -> None:
    box = new_box(own(extra=f"namespace inbox {{\n  inbox = yes\n  separator = {separator}\n  prefix = {prefix}\n}}"))
    client = box.client()
    source_folder = folder if folder == "INBOX" else prefix + folder.replace("/", separator)
    if folder != "INBOX":
        client.create_folder(source_folder)
    client.append(source_folder, mail("one"))
    client.logout()
    source = imap(box.url("imap", folder, **options))
    assert subjects(source) == ["one"]
    state = box.state()
    assert [state.get(name) for name in (source_folder, *there)] == [[], [("one",)], []]


def test_of_a_mail_above_the_limit_only_the_head_is_fetched(box: Box, imap: OpenImap) -> None:
    box.put(mail("small"))
    box.put(mail("large", 300_000))
    box.put(mail("next"))
    limits = Limits(message=100_000, head=1000)
    source = imap(box.url("imap"), limits)
    found = [(len(item.raw) <= 1000, item.cut, item.raw[:40] == mail("x").replace(b"\n", b"\r\n")[:40]) for item in source.items()]
    assert found == [(True, False, True), (True, True, True), (True, False, True)]
    assert subjects(source) == ["small", "large", "next"]
    assert [name for name, *_ in box.state()["Processed"]] == ["large", "next", "small"]


def test_a_folder_that_was_made_anew_has_other_mails_under_the_old_uids(box: Box, imap: OpenImap) -> None:
    client = box.client()
    client.create_folder("Bounces")
    client.append("Bounces", mail("old"))
    source = imap(box.url("imap", "Bounces"))
    (old,) = source.items()
    client.delete_folder("Bounces")
    client.create_folder("Bounces")
    client.append("Bounces", mail("new"))
    assert old.finish is not None
    old.finish(None)
    with pytest.raises(InputError, match="made anew"):
        source.settle()
    (new,) = source.items()
    with pytest.raises(OSError, match="the connection was lost meanwhile"):
        old.finish(None)
    assert (old.source, b"Subject: new" in new.raw, old.key != new.key) == (new.source, True, True)
    source.settle()
    assert box.state()["Bounces"] == [("new",)]
    client.logout()


def test_a_mail_that_the_server_can_t_give_keeps_no_other_back(box: Box, imap: OpenImap, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    for subject in ("one", "broken", "three"):
        box.put(mail(subject))
    fetch = IMAPClient.fetch

    def failing(client: IMAPClient, uids: list[int], data: list[str], *more: object) -> object:
        if data == ["BODY.PEEK[]"] and 2 in uids:
            msg = "FETCH failed: NO [SERVERBUG] Internal error"
            raise IMAPClient.Error(msg)
        return fetch(client, uids, data, *more)

    monkeypatch.setattr(IMAPClient, "fetch", failing)
    source = imap(box.url("imap"))
    assert subjects(source) == ["one", "three"]
    assert box.state()["INBOX"] == [("broken",)]
    assert [record.getMessage() for record in caplog.records] == [f"{source.url};UID=2: the server can't give it: FETCH failed: NO [SERVERBUG] Internal error"]


def test_in_a_folder_of_many_uids_all_are_found_in_portions(box: Box, imap: OpenImap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imapsession, "_SPAN", 3)
    monkeypatch.setattr(imapsession, "_PAGE", 2)
    client = box.client()
    for number in range(30):
        client.append("INBOX", mail(f"m{number:02}"))
    client.select_folder("INBOX")
    client.delete_messages(list(range(2, 26)))
    client.expunge()
    client.logout()
    source = imap(box.url("imap"))
    assert subjects(source) == ["m00", "m25", "m26", "m27", "m28", "m29"]
    assert len(box.state()["Processed"]) == 6


@pytest.mark.parametrize("capability", ["IMAP4rev1 MOVE UIDPLUS", "IMAP4rev1 UIDPLUS"])
def test_two_who_work_on_one_folder_move_each_mail_once(capability: str, own: Callable[..., Dovecot], imap: OpenImap) -> None:
    box = new_box(own(extra=f"imap_capability = {capability}"))
    for subject in ("one", "two"):
        box.put(mail(subject))
    both = [imap(box.url("imap")) for _ in range(2)]
    found = [list(source.items()) for source in both]
    assert [item.key for item in found[0]] == [item.key for item in found[1]]
    for source, items in zip(both, found, strict=True):
        for item in items:
            assert item.finish is not None
            item.finish(None)
        source.settle()
    assert box.state() == {"INBOX": [], "Processed": [("one",), ("two",)], "Quarantine": []}
