from __future__ import annotations

import gzip
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from backports import zstd

from bounceclass.errors import InputError, SettingsError
from bounceclass.logs.reader import DIALECTS
from bounceclass.model import Trust
from bounceclass.protocols import Voucher
from bounceclass.settings import Limits
from bounceclass.sources.log import Log

if TYPE_CHECKING:
    from pathlib import Path

QUEUE = "4gYc7K1ZpMz2"


def line(recipient: str, queue: str = QUEUE, *, status: str = "bounced", said: str = "550 5.1.1 User unknown") -> bytes:
    stamp = "2026-03-09T12:00:00.000000+00:00"
    relay = f"relay=mx.example.net[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn={said.split()[1]}"
    return f"{stamp} mx postfix/smtp[9]: {queue}: to=<{recipient}>, {relay}, status={status} ({said})\n".encode()


def begin(queue: str = QUEUE, name: str = "digest.1") -> bytes:
    return f"2026-03-09T12:00:00.000000+00:00 mx postfix/cleanup[7]: {queue}: message-id=<{name}@lists.example.com>\n".encode()


def read(path: Path, options: str = "", *, finish: bool = True) -> list[str]:
    """The recipients that a new reader of the log gives, each finished."""
    log = Log(f"log:{path}{options}", Limits())
    found = []
    try:
        for item in log.items():
            found += [event.recipient or "" for report in item.reports or () for event in report.events]
            if finish and item.finish is not None:
                item.finish(None)
    finally:
        log.settle()
        log.close()
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mail.log"
    path.write_bytes(line("a@example.net") + line("b@example.net"))
    return path


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_line_is_an_item_that_names_its_place_and_is_vouched_for(path: Path) -> None:
    log = Log(f"log:{path}", Limits())
    first, second = log.items()
    log.close()
    assert (first.source, second.source) == (f"{path}@0", f"{path}@{len(line('a@example.net'))}")
    assert (first.raw, first.received_at) == (line("a@example.net"), datetime(2026, 3, 9, 12, tzinfo=UTC))
    assert first.voucher == Voucher(grade=Trust.OWN_MTA, because="the log of our own server says so")
    assert first.key != second.key


def test_each_line_is_met_once(path: Path) -> None:
    assert read(path) == ["a@example.net", "b@example.net"]
    assert read(path) == []
    append(path, line("c@example.net"))
    assert read(path) == ["c@example.net"]


def test_what_is_not_finished_is_met_again_and_all_behind_it(path: Path) -> None:
    assert read(path, finish=False) == ["a@example.net", "b@example.net"]
    assert read(path) == ["a@example.net", "b@example.net"]


def test_a_line_waits_for_its_end(path: Path) -> None:
    append(path, line("c@example.net")[:-40])
    assert read(path) == ["a@example.net", "b@example.net"]
    append(path, line("c@example.net")[-40:])
    assert read(path) == ["c@example.net"]


def renamed(path: Path) -> None:
    path.rename(path.with_name("mail.log.1"))
    path.write_bytes(b"")


def copied_and_cut(path: Path) -> None:
    path.with_name("mail.log.1").write_bytes(path.read_bytes())
    path.write_bytes(b"")


def dated(path: Path) -> None:
    path.rename(path.with_name("mail.log-20260309"))
    path.write_bytes(b"")


def compressed(path: Path) -> None:
    path.with_name("mail.log.1.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.write_bytes(b"")


def compressed_by_half(path: Path) -> None:
    """What is there while gzip works."""
    renamed(path)
    path.with_name("mail.log.1.gz").write_bytes(gzip.compress(path.with_name("mail.log.1").read_bytes())[:20])


@pytest.mark.parametrize("rotate", [renamed, copied_and_cut, dated, compressed, compressed_by_half])
@pytest.mark.parametrize("fresh", [b"", line("d@example.net")])
def test_what_was_written_before_a_rotation_is_read_and_then_the_new_log(path: Path, rotate, fresh: bytes) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  one of the functions above
    assert read(path) == ["a@example.net", "b@example.net"]
    append(path, line("c@example.net"))
    rotate(path)
    append(path, fresh)
    assert read(path) == ["c@example.net"] + (["d@example.net"] if fresh else [])
    append(path, line("e@example.net"))
    assert read(path) == ["e@example.net"]


def test_of_several_rotations_none_is_left_out(path: Path) -> None:
    assert read(path) == ["a@example.net", "b@example.net"]
    append(path, line("c@example.net"))
    compressed(path)
    path.with_name("mail.log.1.gz").rename(path.with_name("mail.log.2.gz"))
    append(path, line("d@example.net"))
    renamed(path)
    append(path, line("e@example.net"))
    assert read(path) == ["c@example.net", "d@example.net", "e@example.net"]
    assert read(path) == []


def test_what_was_rotated_away_before_the_first_run_is_left_alone(path: Path) -> None:
    path.with_name("mail.log.1").write_bytes(line("old@example.net"))
    assert read(path) == ["a@example.net", "b@example.net"]


def test_a_log_in_no_dialect_that_is_read_is_told_of_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = b"Mar  9 12:00:00 mx sshd[7]: Accepted publickey for root\n"
    path.write_bytes(other)
    with caplog.at_level(logging.WARNING, "bounceclass"):
        assert read(path) == []
        append(path, other)
        assert read(path) == []
    assert caplog.messages == [f"log:{path}: no line is of a dialect that is read: {', '.join(DIALECTS)}"]
    append(path, line("c@example.net"))
    assert read(path) == ["c@example.net"]


def test_where_the_rotated_log_is_gone_that_is_said(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read(path) == ["a@example.net", "b@example.net"]
    path.write_bytes(line("c@example.net"))
    with caplog.at_level(logging.WARNING, "bounceclass"):
        assert read(path) == ["c@example.net"]
    assert caplog.messages == [f"log:{path}: what was read last is nowhere to be found: lines may be missing"]


def test_what_an_earlier_run_read_of_a_message_is_remembered(path: Path) -> None:
    path.write_bytes(begin())
    assert read(path) == []
    append(path, line("a@example.net"))
    log = Log(f"log:{path}", Limits())
    (item,) = log.items()
    log.close()
    assert item.reports is not None
    assert item.reports[0].original is not None
    assert item.reports[0].original.message_id == "digest.1@lists.example.com"


HEADING = b"type,timeLogged,orig,rcpt,dsnStatus,dsnDiag\n"


def record(recipient: str, said: str = "smtp;550 5.1.1 no") -> bytes:
    return f"b,2026-03-09 12:00:00+0000,b@lists.example.com,{recipient},5.1.1 (bad),{said}\n".encode()


LONG = record("long@example.net", '"smtp;550 5.1.1 no\nsuch user"')


@pytest.fixture
def accounting(tmp_path: Path) -> Path:
    path = tmp_path / "acct.csv"
    path.write_bytes(HEADING + record("a@example.net"))
    return path


@pytest.mark.parametrize("options", ["", "?dialect=powermta"])
def test_an_accounting_file_is_read_on_by_the_columns_of_its_first_line(accounting: Path, options: str) -> None:
    assert read(accounting, options) == ["a@example.net"]
    append(accounting, record("b@example.net"))
    assert read(accounting, options) == ["b@example.net"]


@pytest.mark.parametrize("at", [LONG.index(b"no"), LONG.index(b"such"), LONG.index(b"user")])
def test_a_record_of_several_lines_waits_for_its_end(accounting: Path, at: int) -> None:
    append(accounting, LONG[:at])
    assert read(accounting) == ["a@example.net"]
    append(accounting, LONG[at:] + record("b@example.net"))
    log = Log(f"log:{accounting}", Limits())
    first, second = log.items()
    log.close()
    assert (first.raw, second.raw, first.reports and first.reports[0].events[0].diagnostic) == (LONG, record("b@example.net"), "550 5.1.1 no such user")
    assert second.source == f"{accounting}@{len(HEADING + record('a@example.net') + LONG)}"


def test_a_quote_that_is_never_closed_delays_and_loses_nothing(accounting: Path) -> None:
    append(accounting, record("stray@example.net", '"smtp;550 5.1.1 no'))
    assert read(accounting) == ["a@example.net"]
    append(accounting, record("b@example.net"))
    assert read(accounting) == ["stray@example.net", "b@example.net"]
    append(accounting, record("last@example.net", '"smtp;550 5.1.1 no'))
    assert read(accounting) == []
    accounting.rename(accounting.with_name("acct-2026-03-09-0000.csv"))
    accounting.write_bytes(HEADING + record("c@example.net"))
    assert read(accounting) == ["last@example.net", "c@example.net"]


def test_a_folder_is_read_segment_by_segment_and_one_that_is_being_compressed_waits(tmp_path: Path) -> None:
    folder = tmp_path / "kumomta"
    folder.mkdir()
    first, second = folder / "20260309-120000.1", folder / "20260309-120010.2"
    first.write_bytes(zstd.compress(line("a@example.net")))
    first.chmod(0o444)
    second.write_bytes(zstd.compress(line("b@example.net"))[:15])
    assert read(folder) == ["a@example.net"]
    second.write_bytes(zstd.compress(line("b@example.net")))
    second.chmod(0o444)
    (folder / "20260309-120020.3").write_bytes(line("c@example.net"))
    assert read(folder) == ["b@example.net", "c@example.net"]
    assert read(folder) == []


def test_a_line_that_cannot_be_processed_goes_into_quarantine_with_the_reason(path: Path) -> None:
    log = Log(f"log:{path}", Limits())
    for item in log.items():
        assert item.finish is not None
        item.finish("attempted 3 times: it ended the process" if item.source.endswith("@0") else None)
    log.close()
    (kept,) = (path.parent / "mail.log.quarantine" / "cur").iterdir()
    (why,) = (path.parent / "mail.log.quarantine" / "why").iterdir()
    assert (kept.read_bytes(), why.read_text()) == (line("a@example.net"), "attempted 3 times: it ended the process")


def test_state_and_dialect_can_be_said(path: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    assert read(path, f"?dialect=postfix&state={state}") == ["a@example.net", "b@example.net"]
    assert sorted(one.name for one in state.iterdir()) == [".mail.log.bounceclass", ".mail.log.bounceclass.lock"]
    assert read(path, f"?dialect=exim&state={tmp_path}") == []


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("log:", "log:: names no path"),
        ("log:/var/log/mail.log?dialect=qmail", f"log:/var/log/mail.log?dialect=qmail: dialect=qmail: known are {', '.join(DIALECTS)}"),
        ("log:/var/log/mail.log?colour=red", "log:/var/log/mail.log?colour=red: has no option colour: known are dialect, state, quarantine"),
    ],
)
def test_a_url_that_does_not_fit_is_an_error_that_says_why(url: str, fault: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Log(url, Limits())
    assert str(caught.value) == fault


def test_a_log_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file or directory"):
        read(tmp_path / "mail.log")
    assert list(tmp_path.iterdir()) == []


def test_a_record_of_ours_that_is_broken_is_said_to_be(path: Path) -> None:
    record = path.with_name(".mail.log.bounceclass")
    record.write_bytes(b'{"head": 7')
    with pytest.raises(InputError, match="delete it, and the log is read from its start"):
        read(path)


def test_two_do_not_read_one_log_at_once(path: Path) -> None:
    log = Log(f"log:{path}", Limits())
    items = log.items()
    next(items)
    with pytest.raises(InputError, match="another bounceclass works on it"):
        read(path)
    log.close()
