"""systemd's journal, read by the real journalctl out of journals that systemd's own converter wrote."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bounceclass.errors import InputError
from bounceclass.settings import Limits
from bounceclass.sources.journal import Journal
from tests.servers import REQUIRED, install, require

CONVERTER = Path("/lib/systemd/systemd-journal-remote")
START = 1_773_057_600_000_000
SAID = "host mx.example.net[192.0.2.1] said: 550 5.1.1 User unknown (in reply to RCPT TO command)"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    require({"journalctl": "systemd"})
    if not CONVERTER.exists():
        install("systemd-journal-remote")
    if not CONVERTER.exists() and not REQUIRED:
        pytest.skip(f"not installed: {CONVERTER}")
    folder = tmp_path / "journal"
    folder.mkdir()
    return folder


def write(journal: Path, number: int, *entries: tuple[str, str]) -> None:
    """Add a journal with entries (identifier, message), each a second after the one before."""
    fields = [
        f"__REALTIME_TIMESTAMP={START + (100 * number + at) * 1_000_000}\n__MONOTONIC_TIMESTAMP={at + 1}\n_BOOT_ID={number:032x}\n_HOSTNAME=mx\n"
        f"SYSLOG_FACILITY={2 if name.startswith('postfix') else 10}\nSYSLOG_IDENTIFIER={name}\n_SYSTEMD_UNIT={name.partition('/')[0]}.service\nMESSAGE={message}\n\n"
        for at, (name, message) in enumerate(entries)
    ]
    exported = journal.parent / "export"
    exported.write_text("".join(fields), "utf-8")
    done = subprocess.run([CONVERTER, f"--output={journal}/{number}.journal", exported], capture_output=True, text=True, check=False)  # noqa: S603  no shell
    assert done.returncode == 0, done.stderr


def bounced(recipient: str) -> tuple[str, str]:
    return "postfix/smtp", f"4gYc: to=<{recipient}>, relay=mx.example.net[192.0.2.1]:25, delay=1, dsn=5.1.1, status=bounced ({SAID})"


def read(journal: Path, options: str = "", *, finish: bool = True) -> list[tuple[str | None, str | None]]:
    """Recipient and Message-ID of what a new reader gives, each finished."""
    source = Journal(f"journal:{journal.parent}?directory={journal}{options}", Limits())
    found = []
    for item in source.items():
        found += [(report.events[0].recipient, report.original.message_id if report.original else None) for report in item.reports or ()]
        if finish and item.finish is not None:
            item.finish(None)
    source.settle()
    source.close()
    return found


def test_each_entry_of_postfix_is_met_once_and_what_was_said_before_is_remembered(journal: Path) -> None:
    write(journal, 1, ("postfix/cleanup", "4gYc: message-id=<m1@lists.example.com>"), bounced("a@example.net"), ("sshd", "4gYc: to=<x@example.net>, status=bounced (550 no)"))
    assert read(journal) == [("a@example.net", "m1@lists.example.com")]
    assert read(journal) == []
    write(journal, 2, bounced("b@example.net"))
    assert read(journal) == [("b@example.net", "m1@lists.example.com")]


def test_what_is_not_finished_is_met_again(journal: Path) -> None:
    write(journal, 1, bounced("a@example.net"), bounced("b@example.net"))
    assert read(journal, finish=False) == read(journal) == [("a@example.net", None), ("b@example.net", None)]


def test_only_a_unit_can_be_asked_for(journal: Path) -> None:
    write(journal, 1, bounced("a@example.net"))
    assert read(journal, "&unit=exim.service") == []
    assert read(journal, "&unit=postfix.service") == [("a@example.net", None)]


def test_what_journalctl_complains_of_is_the_error(journal: Path) -> None:
    (journal.parent / "journal.bounceclass").write_text('{"cursor": "nonsense"}')
    with pytest.raises(InputError, match="journalctl: Failed to seek to cursor: Invalid argument"):
        read(journal)


def test_a_record_that_is_broken_is_said_to_be(journal: Path) -> None:
    (journal.parent / "journal.bounceclass").write_text("{")
    with pytest.raises(InputError, match="delete it, and the journal is read from its start"):
        read(journal)
