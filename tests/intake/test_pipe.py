"""`bounceclass deliver`: what an MTA's pipe runs. With 0 the message is on the disk, with 75 it is still the MTA's."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bounceclass.sources.spool import Spool
from tests.runner.conftest import bounce
from tests.servers import require

if TYPE_CHECKING:
    from pathlib import Path

    from tests.intake.postfix import Postfix

MAIL = b"Subject: x\n\nbody\n"
TAGGED = "news-bounces+tag@lists.example.com"
SETTINGS = 'store = {{ url = "sqlite:///{folder}/b.db" }}\nrun = {{ sources = ["mbox:{folder}/a.mbox", {source}] }}\n'


def deliver(*arguments: str, stdin: bytes = MAIL, **environment: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "bounceclass", *arguments]
    known = {name: value for name, value in os.environ.items() if name not in {"RECIPIENT", "ORIGINAL_RECIPIENT", "SENDER"}}
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, env={**known, **environment})  # noqa: S603  our own command
    return done.returncode, done.stderr.decode()


def stored(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "new").iterdir())]


@pytest.mark.parametrize(
    ("options", "environment", "stdin", "kept"),
    [
        ((), {}, MAIL, MAIL),
        ((), {"RECIPIENT": "bounces@lists.example.com", "ORIGINAL_RECIPIENT": TAGGED, "SENDER": ""}, MAIL, b"Return-Path: <>\nDelivered-To: %s\n" % TAGGED.encode() + MAIL),
        ((), {"RECIPIENT": TAGGED, "SENDER": "a@example.com"}, MAIL, b"Return-Path: <a@example.com>\nDelivered-To: %s\n" % TAGGED.encode() + MAIL),
        (("--recipient", TAGGED, "--sender", "<>"), {"RECIPIENT": "other@example.com"}, MAIL, b"Return-Path: <>\nDelivered-To: %s\n" % TAGGED.encode() + MAIL),
        ((), {}, b"From MAILER-DAEMON Mon Mar  9 12:00:00 2026\n" + MAIL, b"Return-Path: <>\n" + MAIL),
        ((), {"SENDER": "b@example.com"}, b"From a@example.com Mon Mar  9 12:00:00 2026\r\n" + MAIL.replace(b"\n", b"\r\n"), b"Return-Path: <b@example.com>\r\n" + MAIL.replace(b"\n", b"\r\n")),
        ((), {"RECIPIENT": "a\nSubject: forged@example.com"}, MAIL, b"Delivered-To: aSubject:forged@example.com\n" + MAIL),
        ((), {}, b"\x00\xff no mail at all", b"\x00\xff no mail at all"),
    ],
)  # fmt: skip
def test_a_message_is_stored_octet_by_octet_below_its_envelope(options: tuple[str, ...], environment: dict[str, str], stdin: bytes, kept: bytes, tmp_path: Path) -> None:
    assert deliver("deliver", str(tmp_path / "box"), *options, stdin=stdin, **environment) == (0, "")
    assert stored(tmp_path / "box") == [kept]


@pytest.mark.parametrize("source", ["maildir:{folder}/box", "lmtp:127.0.0.1:8024?spool={folder}/box"])
def test_the_configuration_says_where(source: str, tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(SETTINGS.format(folder=tmp_path, source=f'"{source.format(folder=tmp_path)}"'))
    assert deliver("--config", str(tmp_path / "b.toml"), "deliver") == (0, "")
    assert stored(tmp_path / "box") == [MAIL]


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("deliver",), MAIL, "no Maildir is named: give one, or configure a source maildir:FOLDER"),
        (("deliver", "{box}"), b"", "standard input is empty"),
        (("deliver", "/proc/nowhere"), MAIL, "not stored: No such file or directory: /proc/nowhere"),
        (("deliver", "--colour", "red"), MAIL, "No such option '--colour'"),
        (("deliver", "a", "b"), MAIL, "unexpected extra argument"),
        (("--config", "nowhere.toml", "deliver"), MAIL, "nowhere.toml"),
    ],
)
def test_whatever_goes_wrong_the_mta_keeps_the_message(arguments: tuple[str, ...], stdin: bytes, said: str, tmp_path: Path) -> None:
    code, error = deliver(*(one.format(box=tmp_path / "box") for one in arguments), stdin=stdin)
    assert (code, said in error) == (75, True), error
    assert not (tmp_path / "box" / "new").exists()


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    spool = Spool(tmp_path / "box")
    spool.make()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        spool.store(MAIL)
    assert [path for name in ("tmp", "new", "cur") for path in (tmp_path / "box" / name).iterdir()] == []


def test_names_sort_by_their_time_and_are_unique(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    stored = [spool.store(MAIL).name for _ in range(20)]
    assert stored == sorted(set(stored), key=stored.index)
    assert len(list((tmp_path / "new").iterdir())) == 20


def test_procmail_hands_its_mail_over(tmp_path: Path) -> None:
    procmail = require({"procmail": "procmail"})["procmail"]
    rules = tmp_path / "rc"
    rules.write_text(f"MAILDIR={tmp_path}\nDEFAULT={tmp_path}/default\nLOGFILE={tmp_path}/log\n:0 w\n| {sys.executable} -m bounceclass deliver {tmp_path}/box\n")
    done = subprocess.run([procmail, "-m", rules], input=b"From MAILER-DAEMON Mon Mar  9 12:00:00 2026\n" + MAIL, capture_output=True, check=False)  # noqa: S603  no shell
    assert (done.returncode, (tmp_path / "default").exists()) == (0, False), done.stderr
    assert stored(tmp_path / "box") == [b"Return-Path: <>\n" + MAIL + b"\n"]  # procmail ends a mail with an empty line


@pytest.mark.parametrize("number", [int(os.environ.get("BOUNCECLASS_PIPE", "100"))])
def test_postfix_pipes_every_bounce_into_the_spool_with_the_address_that_it_was_sent_to(postfix: Postfix, number: int) -> None:
    mails = [(f"news-bounces+t{at}@pipe.test", bounce(at, f"u{at}@example.net")) for at in range(number)]
    postfix.send(mails)
    postfix.drain(number)
    kept = stored(postfix.box)
    addressed = sorted(line.partition(b": ")[2].decode() for raw in kept for line in raw.splitlines() if line.startswith(b"Delivered-To: ") and b"+t" in line)
    assert sorted(set(addressed)) == sorted(address for address, _ in mails)
    assert (len(kept), {raw.split(b"\n", 1)[0] for raw in kept}) == (number, {b"Return-Path: <>"})


def test_postfix_keeps_what_could_not_be_stored_and_comes_again(postfix: Postfix) -> None:
    (postfix.top / "full").write_text("no folder")
    postfix.send([("broken@pipe.test", bounce(1, "ruth@example.net"))])
    for _ in range(100):
        if "status=deferred" in postfix.log.read_text():
            break
        subprocess.run(["sleep", "0.1"], check=True)  # noqa: S607  on PATH
    assert postfix.queued() == 1
    (postfix.top / "full").unlink()
    (postfix.top / "full").mkdir()
    (postfix.top / "full").chmod(0o777)
    postfix.drain()
    assert len(stored(postfix.top / "full" / "box")) == 1
