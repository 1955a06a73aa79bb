"""A POP3 mailbox as a source, on a real Dovecot: deleted is what was finished, when the session ended well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bounceclass.errors import InputError
from bounceclass.settings import Limits
from bounceclass.sources import pop3 as module
from tests.mailbox.test_imap import mail, subjects

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.mailbox.conftest import OpenPop3
    from tests.mailbox.dovecot import Box
    from tests.mailbox.proxy import Proxy


def names(box: Box) -> list[str]:
    return [name for name, *_ in box.state()["INBOX"]]


def kept(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in (folder / "cur").iterdir())


@pytest.mark.parametrize(("scheme", "options"), [("pop3", {}), ("pop3", {"starttls": "yes", "ca": "CA"}), ("pop3s", {})])
def test_what_is_there_is_taken_in_order_and_deleted(scheme: str, options: dict[str, str], box: Box, pop3: OpenPop3, tmp_path: Path) -> None:
    for subject in ("one", "two", "three"):
        box.put(mail(subject))
    given = {name: str(box.server.ca) if value == "CA" else value for name, value in options.items()}
    source = pop3(box.url(scheme, processed="", quarantine=str(tmp_path / "bad"), **given))
    told = [subjects(source), subjects(source)]
    box.put(mail("four"))
    told.append(subjects(source))
    assert told == [["one", "two", "three"], [], ["four"]]
    assert (names(box), kept(tmp_path / "bad")) == ([], [])


def test_what_is_finished_is_kept_here_before_it_goes_whole_and_once(box: Box, pop3: OpenPop3, tmp_path: Path) -> None:
    for raw in (mail("one"), mail("large", 300_000), b"Subject: dots\n\n.\n..\n.x\n" + b"z" * 5000 + b"\n"):
        box.put(raw)
    url = box.url("pop3", processed=str(tmp_path / "done"), quarantine=str(tmp_path / "bad"))
    source = pop3(url, Limits(message=100_000, head=1000))
    assert [(item.cut, len(item.raw) <= 1000, item.raw[:9]) for item in source.items()] == [
        (False, True, b"From: MAI"),
        (True, True, b"From: MAI"),
        (False, False, b"Subject: "),
    ]
    (first, second, third) = source.items()
    for item, why in ((first, None), (second, None), (third, "it is bad")):
        assert item.finish is not None
        item.finish(why)
    module.Pop3._drop(source)  # noqa: SLF001  the connection is lost: all are met again
    assert subjects(source) == ["one", "large", "dots"]
    wire = [raw.replace(b"\n", b"\r\n") for raw in (mail("large", 300_000), mail("one"))]
    assert [raw.rstrip() for raw in kept(tmp_path / "done") if b"dots" not in raw[:20]] == sorted(raw.rstrip() for raw in wire)
    assert kept(tmp_path / "bad") == [b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n" + b"z" * 5000 + b"\r\n"]
    (reason,) = (tmp_path / "bad" / "why").iterdir()
    assert reason.read_text() == "it is bad"
    assert names(box) == []


def test_of_a_mail_above_the_limit_only_the_head_is_given_though_its_lines_are_long(box: Box, pop3: OpenPop3, tmp_path: Path) -> None:
    box.put(mail("large", 300_000))
    (item,) = pop3(box.url("pop3", processed="", quarantine=str(tmp_path / "bad")), Limits(message=100_000, head=1000)).items()
    assert (item.cut, item.raw) == (True, mail("large", 300_000).replace(b"\n", b"\r\n")[:1000])


def test_what_was_finished_on_a_connection_that_was_cut_is_met_again(box: Box, pop3: OpenPop3, proxy: Callable[..., Proxy], tmp_path: Path) -> None:
    for subject in ("one", "two"):
        box.put(mail(subject))
    relay = proxy(box.server.ports["pop3"])
    source = pop3(box.url("pop3", port=relay.port, processed="", quarantine=str(tmp_path / "bad")))
    first = list(source.items())
    for item in first:
        assert item.finish is not None
        item.finish(None)
    relay.cut()
    with pytest.raises(InputError, match=r"closed the connection|reset by peer|Broken pipe"):
        source.settle()
    assert names(box) == ["one", "two"]
    again = list(source.items())
    assert [item.key for item in again] == [item.key for item in first]
    assert subjects(source) == ["one", "two"]
    assert names(box) == []


def test_a_session_is_ended_in_between_and_each_mail_is_given_once(box: Box, pop3: OpenPop3, proxy: Callable[..., Proxy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SESSION_SECONDS", 0)
    for number in range(7):
        box.put(mail(f"m{number}"))
    relay = proxy(box.server.ports["pop3"])
    source = pop3(box.url("pop3", port=relay.port, processed="", quarantine=str(tmp_path / "bad")))
    found = []
    for number, item in enumerate(source.items()):
        found.append(item.raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode())
        if number != 3:
            assert item.finish is not None
            item.finish(None)
        if number % 2:
            source.settle()
    source.settle()
    assert found == [f"m{number}" for number in range(7)]
    assert (names(box), relay.connections) == (["m3"], 4)


def test_reading_without_a_trace_deletes_nothing(box: Box, pop3: OpenPop3, tmp_path: Path) -> None:
    box.put(mail("one"))
    source = pop3(box.url("pop3", processed="", quarantine=str(tmp_path / "bad")))
    found = list(source.peek())
    source.close()
    assert [(item.finish, b"Subject: one" in item.raw) for item in found] == [(None, True)]
    assert (box.state()["INBOX"], (tmp_path / "bad").exists()) == ([("one",)], False)
