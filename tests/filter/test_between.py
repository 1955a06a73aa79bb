"""A filter between mailboxes: a day's mixed mail, what passed, what did not, and that nothing was lost whatever failed meanwhile."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bounceclass.filtering import Pass, rule_on
from bounceclass.settings import Limits
from bounceclass.sources.listener import Listener
from tests.filter.test_pipe import AGAINST, FULL, HELLO, OURS, SAMPLES, below
from tests.mailbox.conftest import own, tokens  # noqa: F401  fixtures
from tests.mailbox.dovecot import PASSWORD, Box
from tests.servers import free_port, install

if TYPE_CHECKING:
    from collections.abc import Callable

    from bounceclass.engine import Engine
    from tests.mailbox.dovecot import Dovecot

DAY = [path.read_bytes() for path in sorted(SAMPLES.glob("*/*.eml")) if path.stat().st_size]


def start(*arguments: str, config: str = "") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bounceclass", *(("--config", config) if config else ()), "filter", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "BOX_PASSWORD": PASSWORD})  # noqa: S603  our own command


def run(*arguments: str, config: str = "") -> tuple[int, str, str]:
    process = start(*arguments, config=config)
    out, error = process.communicate(timeout=300)
    return process.returncode, out.decode(), error.decode()


def fill(folder: Path, mails: list[bytes]) -> str:
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True)
    for number, mail in enumerate(mails):
        (folder / "new" / f"{1_772_539_200 + number}.M{number}.mx").write_bytes(mail)
    return f"maildir:{folder}"


def mails(folder: Path) -> list[bytes]:
    """What lies in a Maildir, without what we have written on top."""
    return sorted(below(path.read_bytes()) for name in ("new", "cur") if (folder / name).exists() for path in (folder / name).iterdir())


@pytest.fixture(scope="module")
def expected(engine: Engine) -> tuple[list[bytes], list[bytes]]:
    """What of the day passes with Pass.SUPPRESS, and what stays."""
    ruled = [(mail, rule_on(engine.classify(mail), Pass.SUPPRESS, mail, None).passes) for mail in DAY]
    return sorted(mail for mail, passes in ruled if passes), sorted(mail for mail, passes in ruled if not passes)


def test_a_day_of_mail_is_parted_exactly_and_none_is_lost(tmp_path: Path, expected: tuple[list[bytes], list[bytes]]) -> None:
    source = fill(tmp_path / "in", DAY)
    code, out, _ = run("--from", source, "--to", f"maildir:{tmp_path}/app", "--rest", f"maildir:{tmp_path}/rest", "--once")
    passed, stayed = expected
    assert (code, out) == (0, f"{len(passed)} passed, {len(stayed)} kept back\n")
    assert (mails(tmp_path / "app"), mails(tmp_path / "rest"), mails(tmp_path / "in")) == (passed, stayed, [])
    assert sorted(mails(tmp_path / "in" / ".Processed")) == sorted(DAY)
    assert 0.2 < len(stayed) / len(DAY) < 0.9


def test_killed_again_and_again_it_loses_nothing_and_gives_each_mail_once_more_at_most(tmp_path: Path, expected: tuple[list[bytes], list[bytes]]) -> None:
    source = fill(tmp_path / "in", DAY)
    arguments = ("--from", source, "--to", f"maildir:{tmp_path}/app", "--rest", f"maildir:{tmp_path}/rest", "--once")
    for _ in range(5):
        process = start(*arguments)
        before, deadline = len(os.listdir(tmp_path / "in" / "new")), time.monotonic() + 60  # noqa: PTH208  names alone
        while len(os.listdir(tmp_path / "in" / "new")) > before - 60 and time.monotonic() < deadline:  # noqa: PTH208  as above
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert run(*arguments)[0] == 0
    assert (mails(tmp_path / "app"), mails(tmp_path / "rest")) == expected


@pytest.mark.parametrize("store", ["sqlite:////nowhere/b.db", "postgresql://127.0.0.1:9/none"])
def test_with_the_database_away_all_of_it_passes(store: str, tmp_path: Path) -> None:
    source = fill(tmp_path / "in", [AGAINST, FULL, OURS, HELLO])
    (tmp_path / "b.toml").write_text(f"[store]\nurl = '{store}'\npatience = 0.2\n")
    code, out, said = run("--from", source, "--to", f"maildir:{tmp_path}/app", "--once", config=str(tmp_path / "b.toml"))
    assert (code, out) == (0, "4 passed, 0 kept back\n"), said
    assert mails(tmp_path / "app") == sorted([AGAINST, FULL, OURS, HELLO])


def test_by_our_policy_the_first_full_mailbox_stays_and_a_dead_one_passes(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", [FULL, AGAINST, OURS, HELLO])
    (tmp_path / "b.toml").write_text(f"own_hosts = ['.example.com']\n[store]\nurl = 'sqlite:///{tmp_path}/b.db'\n[policy]\nmax_age_days = 3650\n")
    assert run("--from", source, "--to", f"maildir:{tmp_path}/app", "--once", config=str(tmp_path / "b.toml"))[:2] == (0, "2 passed, 2 kept back\n")
    assert mails(tmp_path / "app") == sorted([AGAINST, HELLO])


def test_a_target_that_cannot_be_written_keeps_the_mail_where_it_is(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", [AGAINST, HELLO])
    (tmp_path / "app").write_text("no folder")
    code, out, said = run("--from", source, "--to", f"maildir:{tmp_path}/app", "--once")
    assert (code, out) == (75, "0 passed, 0 kept back\n")
    assert "nothing is lost, it is tried again" in said
    assert len(mails(tmp_path / "in")) == 2


def test_what_is_neither_source_nor_target_is_an_error(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", [])
    assert run("--from", source, "--to", "ftp:x", "--once")[0] == 2
    assert run("--from", "ftp:x", "--to", source, "--once")[0] == 2
    assert run("--from", source, "--once")[0] == 2


def test_a_stop_ends_after_the_mail_in_hand(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", [HELLO])
    process = start("--from", source, "--to", f"maildir:{tmp_path}/app")
    while not mails(tmp_path / "app"):
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert (process.communicate(timeout=20)[0], process.returncode) == (b"1 passed, 0 kept back\n", 0)


@pytest.fixture
def lists(own: Callable[..., Dovecot]) -> Dovecot:  # noqa: F811  the fixture
    """A Dovecot that takes mail by LMTP, too, but for nobody@."""
    install("dovecot-lmtpd")
    if not Path("/usr/lib/dovecot/lmtp").exists():
        pytest.skip("not installed: dovecot-lmtpd")
    port = free_port()
    listener = f"service lmtp {{\n  inet_listener lmtp {{\n    address = 127.0.0.1\n    port = {port}\n  }}\n}}"
    server = own(extra=f"protocols = imap pop3 lmtp\nrecipient_delimiter = +\n{listener}\nuserdb {{\n  driver = static\n}}")
    if not hasattr(server, "lmtp"):
        server.ports["lmtp"] = port
    return server


def test_bounces_by_lmtp_go_on_to_the_next_lmtp_server_with_their_envelope(lists: Dovecot, tmp_path: Path) -> None:
    box = Box(lists, "lmtp-user@lists.test")
    here = free_port()
    source = f"lmtp:127.0.0.1:{here}?spool={tmp_path}/spool"
    process = start("--from", source, "--to", f"lmtp:127.0.0.1:{lists.ports['lmtp']}")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            client = smtplib.LMTP("127.0.0.1", here)
            break
        except OSError:
            time.sleep(0.1)
    with client:
        for mail in (AGAINST, OURS, HELLO, FULL):
            client.sendmail("", ["lmtp-user+t1@lists.test"], mail)
    while box.count() < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    out, said = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, b"2 passed, 2 kept back\n"), said
    kept = [path.read_bytes() for path in sorted((box.path / "new").iterdir())]
    assert all(raw.startswith(b"Return-Path: <>\nDelivered-To: <lmtp-user+t1@lists.test>\n") or b"Delivered-To: lmtp-user+t1@lists.test" in raw for raw in kept), kept
    assert sorted(b"Undelivered Mail" in raw for raw in kept) == [False, True]
    assert all(raw.count(b"X-Bounceclass-Filter: pass") == 1 for raw in kept)


def test_what_the_next_server_refuses_for_good_is_put_into_quarantine_and_nobody_is_told_5yz(tmp_path: Path) -> None:
    refusing = free_port()
    program = (
        "import asyncio\nfrom aiosmtpd.controller import Controller\nfrom aiosmtpd.lmtp import LMTP\n"
        "class H:\n    async def handle_RCPT(self, server, session, envelope, address, options):\n        return '550 5.1.1 no such list'\n"
        f"c = Controller(H(), hostname='127.0.0.1', port={refusing})\nc.factory = lambda: LMTP(c.handler)\nc.start()\nimport time\nprint('up', flush=True)\ntime.sleep(60)\n"
    )
    server = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)  # noqa: S603  our own command
    assert server.stdout is not None
    server.stdout.readline()
    source = fill(tmp_path / "in", [b"Return-Path: <>\nDelivered-To: news@lists.test\n" + HELLO, HELLO])
    code, out, said = run("--from", source, "--to", f"lmtp:127.0.0.1:{refusing}", "--once")
    server.kill()
    server.communicate()
    assert (code, out) == (0, "0 passed, 0 kept back, 2 in quarantine\n"), said
    reasons = sorted(path.read_text() for path in (tmp_path / "in" / ".Quarantine" / "why").iterdir())
    assert reasons == ["the next server says 550 5.1.1 no such list", "to whom it was sent isn't known: no Delivered-To or X-Original-To is on top"]


def test_with_the_next_server_away_the_mail_waits_in_the_spool(tmp_path: Path) -> None:
    listener = Listener(f"lmtp:127.0.0.1:{free_port()}?spool={tmp_path}/spool", Limits())
    list(listener.items())
    host, port = listener.url.partition("?")[0].split(":")[1:]
    with smtplib.LMTP(host, int(port)) as client:
        client.sendmail("", ["news@lists.test"], HELLO)
    listener.close()
    code, out, said = run("--from", f"maildir:{tmp_path}/spool", "--to", f"lmtp:127.0.0.1:{free_port()}", "--once")
    assert (code, out, "Connection refused" in said) == (75, "0 passed, 0 kept back\n", True)
    assert len(mails(tmp_path / "spool")) == 1


def test_an_imap_folder_is_filtered_into_another(own: Callable[..., Dovecot]) -> None:  # noqa: F811  the fixture
    box = Box(own(), "filter-user@example.test")
    for mail in (AGAINST, OURS, HELLO, FULL):
        box.put(mail)
    target = box.url("imap", "Bounces", password="env:BOX_PASSWORD")  # noqa: S106  where it is
    code, out, said = run("--from", box.url("imap", "INBOX", processed="Filtered"), "--to", target, "--once")
    assert (code, out) == (0, "2 passed, 2 kept back\n"), said
    state = box.state()
    assert [len(state[name]) for name in ("INBOX", "Bounces", "Filtered")] == [0, 2, 4]
    assert [row[1:] for row in state["Bounces"]] == [(), ()]  # as mail that nobody has read
