"""URLs of mailboxes: what they mean, what is refused, and that no password is ever shown."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import BUILT_IN_SOURCES, open_sources
from bounceclass.config import DEFAULT
from bounceclass.engine import Engine
from bounceclass.errors import MissingExtraError, SettingsError
from bounceclass.settings import Limits, SecretSource
from bounceclass.sources.account import OPTIONS, Account, account_of
from bounceclass.sources.imap import Imap
from tests.runner.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ENV = "password=env:NAME"
KNOWN = ", ".join(("processed", "quarantine", *OPTIONS))


@pytest.mark.parametrize(
    ("url", "shown", "port", "folder", "tls"),
    [
        (f"imaps://ruth%40example.com@mx.example.com/INBOX?{ENV}", "imaps://ruth%40example.com@mx.example.com/INBOX", 993, "INBOX", "tls"),
        (f"imaps://ruth@example.com@mx.example.com?{ENV}", "imaps://ruth%40example.com@mx.example.com", 993, "", "tls"),
        (f"imap://ruth@mx.example.com:1143/A%20b/c?{ENV}", "imap://ruth@mx.example.com:1143/A b/c", 1143, "A b/c", "starttls"),
        (f"imap://ruth@mx.example.com/?{ENV}&cleartext=yes", "imap://ruth@mx.example.com", 143, "", "none"),
        (f"imap://ruth@mx.example.com/?{ENV}&cleartext=no", "imap://ruth@mx.example.com", 143, "", "starttls"),
        (f"imap://ruth@localhost/?{ENV}", "imap://ruth@localhost", 143, "", "none"),
        (f"pop3://ruth@[::1]/?{ENV}", "pop3://ruth@[::1]", 110, "", "none"),
        (f"pop3://ruth@127.0.0.1/?{ENV}&starttls=yes", "pop3://ruth@127.0.0.1", 110, "", "starttls"),
        (f"pop3s://ruth@mx.example.com/?{ENV}", "pop3s://ruth@mx.example.com", 995, "", "tls"),
    ],
)
def test_a_url_says_where_and_how_safely(url: str, shown: str, port: int, folder: str, tls: str) -> None:
    found = account_of(url, ())
    assert (found.shown, found.port, found.folder, found.tls) == (shown, port, folder, tls)


def test_all_of_a_url_is_taken() -> None:
    url = "imaps://ruth@mx.example.com/INBOX?password=file:/run/secrets/mail&ca=/etc/ca.pem&timeout=5&processed=Done"
    assert account_of(url, ("processed",)) == Account(
        shown="imaps://ruth@mx.example.com/INBOX",
        host="mx.example.com",
        port=993,
        user="ruth",
        folder="INBOX",
        tls="tls",
        password=SecretSource(file="/run/secrets/mail"),
        token_command=None,
        ca="/etc/ca.pem",
        timeout=5.0,
        options={"processed": "Done"},
    )


FAULTS = [
    ("imaps://ruth:s3cret@mx.example.com/", "imaps://...: has a password in it, which everybody sees who sees the URL: write ?password=env:NAME or ?password=file:PATH instead"),
    ("imaps://ruth:s3cret/x@mx.example.com/", "imaps://...: its port is no number from 1 to 65535; a password does not belong into the URL: write ?password=env:NAME"),
    ("imaps://ruth:s3cret#x@mx.example.com/", "imaps://...: its port is no number from 1 to 65535; a password does not belong into the URL: write ?password=env:NAME"),
    ("imaps://ruth@/", "imaps://...: names no server: write imaps://USER@SERVER/"),
    (f"imaps://mx.example.com/?{ENV}", "imaps://mx.example.com: names no user: write imaps://USER@mx.example.com/ with %40 for an @ in USER"),
    ("imaps://ruth@mx.example.com/", "imaps://ruth@mx.example.com: needs one of password=env:NAME, password=file:PATH and token_command=COMMAND"),
    (f"imaps://ruth@mx.example.com/?{ENV}&token_command=x", "imaps://ruth@mx.example.com: needs one of password=env:NAME, password=file:PATH and token_command=COMMAND"),
    ("imaps://ruth@mx.example.com/?password=s3cret", "imaps://ruth@mx.example.com: password says where the password is: env:NAME or file:PATH"),
    (f"imaps://ruth@mx.example.com/?{ENV}&pasword=s3cret", f"imaps://ruth@mx.example.com: has no option pasword: known are {KNOWN}"),
    (f"imaps://ruth@mx.example.com/?{ENV}&starttls=yes", "imaps://ruth@mx.example.com: starttls does not go with imaps://, which is encrypted from the start"),
    (f"imap://ruth@mx.example.com/?{ENV}&starttls=yes&cleartext=yes", "imap://ruth@mx.example.com: starttls and cleartext exclude each other"),
    (f"imap://ruth@mx.example.com/?{ENV}&cleartext=sure", "imap://ruth@mx.example.com: cleartext is yes or no"),
    (f"imap://ruth@mx.example.com/?{ENV}&timeout=soon", "imap://ruth@mx.example.com: timeout is a number of seconds, up to 3600"),
    (f"imap://ruth@mx.example.com/?{ENV}#x", "imap://ruth@mx.example.com: has a # in it: write %23"),
    (f"imap://ruth@mx.example.com/Done?{ENV}&processed=Done", "imap://ruth@mx.example.com/Done: processed and quarantine must be other folders than Done"),
    (
        f"pop3s://ruth@mx.example.com/?{ENV}",
        "pop3s://ruth@mx.example.com: POP3 has no folders: write processed=MAILDIR, or processed= which deletes, and quarantine=MAILDIR, of Maildirs on this machine",
    ),
    (f"pop3s://ruth@mx.example.com/INBOX?{ENV}&processed=&quarantine=q", "pop3s://ruth@mx.example.com/INBOX: POP3 has no folders, and no path"),
    (
        "imapss://ruth:s3cret@mx.example.com/",
        f"source imapss://ruth:...@mx.example.com/: nobody knows what that is; built in are {BUILT_IN_SOURCES}",
    ),
]


@pytest.mark.parametrize(("url", "fault"), FAULTS)
def test_what_does_not_fit_is_told_and_no_password_with_it(url: str, fault: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_sources((url,), Engine().plugins, DEFAULT)
    assert str(caught.value) == fault
    assert "s3cret" not in str(caught.value)


def test_a_file_of_certificates_that_can_t_be_read_is_told() -> None:
    with pytest.raises(SettingsError, match=r"imaps://ruth@localhost: ca=/nowhere.pem: No such file or directory"):
        list(Imap(f"imaps://ruth@localhost/?{ENV}&ca=/nowhere.pem", Limits()).items())


def test_without_imapclient_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imapclient", None)
    with pytest.raises(MissingExtraError, match=r"imapclient is not installed: pip install 'bounceclass\[mailbox\]'"):
        list(Imap(f"imap://ruth@localhost/?{ENV}", Limits()).items())


def bounceclass(folder: Path, *arguments: str) -> tuple[int, list[str], list[str]]:
    command = [sys.executable, "-m", "bounceclass", "--config", str(folder / "b.toml"), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  our own command
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def test_sources_of_a_configuration_are_checked_without_a_connection_and_each_fault_is_told_with_its_spot(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    good, bad, worse = f"imaps://ruth@mx.nowhere.test/?{ENV}", "imaps://ruth:s3cret@mx.example.com/", f"pop3s://ruth@mx.nowhere.test/?{ENV}&processed="
    path.write_text(f'[store]\nurl = "sqlite:///{tmp_path}/b.db"\n[run]\nsources = ["{good}", "{bad}", "{worse}"]\n')
    assert config.read(str(path)).run.sources == (good, bad, worse)
    code, out, _ = bounceclass(tmp_path, "config", "check")
    assert (code, [(line.partition(": ")[0], line.rpartition(" - at ")[2]) for line in out]) == (2, [(f"{path}:4", "`run.sources[1]`"), (f"{path}:4", "`run.sources[2]`")])
    path.write_text(path.read_text().replace(f', "{bad}", "{worse}"', ""))
    assert bounceclass(tmp_path, "config", "check")[:2] == (0, [])


def test_quarantine_on_a_server_is_pointed_to_and_that_of_pop3_is_here(tmp_path: Path) -> None:
    sources = [f"imaps://ruth@mx.nowhere.test/INBOX?{ENV}&quarantine=Bad", f"pop3s://ruth@mx.nowhere.test/?{ENV}&processed=&quarantine={tmp_path}/bad"]
    (tmp_path / "b.toml").write_text(f'[store]\nurl = "sqlite:///{tmp_path}/b.db"\n[run]\nsources = {sources}\n'.replace("'", '"'))
    (tmp_path / "bad" / "cur").mkdir(parents=True)
    (tmp_path / "bad" / "why").mkdir()
    (tmp_path / "bad" / "cur" / "one:2,").write_bytes(b"Subject: one\n\n")
    (tmp_path / "bad" / "why" / "one").write_text("it is bad")
    code, out, err = bounceclass(tmp_path, "quarantine", "list")
    assert (code, [line.split()[0] for line in out], out[0].endswith("  it is bad")) == (0, [f"{tmp_path}/bad/cur/one:2,"], True)
    assert err == [
        "bounceclass: imaps://ruth@mx.nowhere.test/INBOX: what is in quarantine is in its folder Bad on the server, not here. A mail program shows it, the log of the run says why; what is moved back is tried again"
    ]
    for command in ("show", "retry"):
        code, out, err = bounceclass(tmp_path, "quarantine", command, sources[0])
        assert (code, out) == (1, [])
        assert err == ["bounceclass: imaps://...: quarantine is a folder on the server: a mail program shows it; what is moved back is tried again"]
