"""Text of others that would steer a terminal, disguise a line or run in a spreadsheet, through everything that prints or writes."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import pytest

from bounceclass.model import Reason, Suppression
from bounceclass.store import open_store
from tests.cli.test_suppressions import Operator
from tests.runner.conftest import bounce

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31mred\u202etxt.exe\u2028\u200f\ufeff\x7f\x85"
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
NAME = f"=ru{HOSTILE}th@example.net"
MAIL = f"""\
From: MAILER-DAEMON@mx.example.com
Subject: Undelivered {HOSTILE}
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain; charset=utf-8

It failed {HOSTILE}
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx{HOSTILE}.example.com

Final-Recipient: rfc822; {NAME}
Original-Recipient: rfc822; {NAME}
Action: failed
Status: 5.1.1
Remote-MTA: dns; {HOSTILE}
Diagnostic-Code: smtp; 550 5.1.1 {HOSTILE} user unknown

--b--
"""
FORMATS = ("table", "json", "jsonl", "csv")
FILE = f"m{HOSTILE}.eml".replace("\x85", "")
COMMANDS = [
    *(["classify", FILE, "--format", form] for form in FORMATS),
    ["classify", FILE, "--why"],
    ["classify", FILE, "--vocabulary", "sisimai", "--format", "csv"],
    *(["reply", f"550 5.1.1 {HOSTILE} gone", "--host", HOSTILE, "--recipient", NAME, "--format", form] for form in FORMATS),
    ["unknowns", FILE],
    ["unknowns", FILE, "--format", "jsonl"],
    ["unknowns", FILE, "--rules-skeleton"],
    ["verify", FILE],
    ["verify", FILE, "--format", "json"],
    *([command, HOSTILE] for command in ("explain", "check", "classify", "verify", HOSTILE)),
    ["compare", "250", HOSTILE],
    ["rules", "export", HOSTILE],
    ["-p", HOSTILE, "classify", FILE],
    ["--config", HOSTILE, "classify", FILE],
    ["classify", FILE, "--format", HOSTILE],
    ["classify", FILE, "--rules", HOSTILE],
    ["run", "--once", f"maildir:{HOSTILE}"],
    ["run", "--once", HOSTILE],
    ["suppressions", "add", HOSTILE],
    ["suppressions", "remove", HOSTILE],
    ["suppressions", "why", NAME],
    ["suppressions", "import", HOSTILE],
]  # fmt: skip
STORED = [
    *(["suppressions", "list", "--format", form] for form in ("table", "csv", "jsonl", "plain")),
    *(["suppressions", "export", "--to", form] for form in ("csv", "jsonl", "plain", "postfix", "ses", "sendgrid", "mailgun", "postmark")),
    ["suppressions", "why", NAME],
    ["suppressions", "why", NAME, "--format", "json"],
    ["outbox", "list"],
    ["outbox", "list", "--format", "jsonl"],
    ["quarantine", "list"],
    ["incidents", "list"],
    ["replay", "--rules", "mine.toml"],
    ["undo", "--since", "1h", "--dry-run"],
]  # fmt: skip


def obeys_nobody(code: int, out: str, err: str) -> None:
    assert code in {0, 1, 2, 75}
    assert out + err or code == 0
    assert STEERING.findall((out + err).replace("\r\n", "\n")) == []
    assert "Traceback" not in err


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / FILE).write_text(MAIL, encoding="utf-8")
    return Operator(folder)


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(arguments).encode("ascii", "replace").decode())
def test_no_command_prints_what_steers(reader: Operator, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(reader.folder)
    obeys_nobody(*reader.run(*arguments))


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """A store that holds such text wherever it can stand."""
    operator = Operator(tmp_path_factory.mktemp("stored"))
    (operator.folder / "mine.toml").write_text('[rules.a]\nreason = "policy"\nany = ["gone"]\nmatches = ["550 gone"]\n')
    operator.run("run", "--once")
    reply = f"550 5.1.1 {HOSTILE.replace(chr(0x2028), '').replace(chr(0x85), '')} gone"
    operator.place.put(bounce(1, "ruth@example.org", reply))
    operator.place.put(MAIL.encode())
    obeys_nobody(*operator.run("run", "--once"))
    store = open_store(f"sqlite:///{operator.folder}/bounces.db")
    from datetime import UTC, datetime  # noqa: PLC0415  only here

    with store.transaction() as ledger:
        ledger.suppress(Suppression(address=NAME, reason=Reason.USER_UNKNOWN, since=datetime.now(UTC), by=HOSTILE, scope=HOSTILE))
        ledger.suppress(Suppression(address=NAME, reason=Reason.USER_UNKNOWN, since=datetime.now(UTC), by=HOSTILE))
        ledger.enqueue(HOSTILE, "bounce", b"{}", HOSTILE, address=NAME)
        ledger.brake.open(HOSTILE, datetime.now(UTC), HOSTILE)
    store.close()
    return operator


@pytest.mark.parametrize("arguments", STORED, ids=" ".join)
def test_no_command_prints_what_steers_from_a_store(keeper: Operator, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(keeper.folder)
    obeys_nobody(*keeper.run(*arguments))


@pytest.mark.parametrize("form", ["csv", "jsonl", "txt"])
def test_the_plugin_file_writes_nothing_that_steers(tmp_path: Path, form: str) -> None:
    operator = Operator(tmp_path)
    (tmp_path / "bad.eml").write_text(MAIL, encoding="utf-8")
    (tmp_path / "p.toml").write_text(f'[plugins.file]\npath = "{tmp_path}/dead.{form}"\n')
    operator.run("--config", str(tmp_path / "p.toml"), "-p", "file", "classify", str(tmp_path / "bad.eml"))
    written = (tmp_path / f"dead.{form}").read_text(encoding="utf-8") if (tmp_path / f"dead.{form}").exists() else ""
    assert STEERING.findall(written) == []


def test_json_keeps_every_character_and_csv_shows_it(reader: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(reader.folder)
    said = "550 5.1.1 \x1b[2J \x9b \u202e x"
    assert json.loads(reader.run("reply", said, "--format", "jsonl")[1])["text"] == said
    (_, row) = csv.reader(io.StringIO(reader.run("reply", said, "--format", "csv")[1]))
    assert row[0] == "550 5.1.1 \\x1b[2J \\x9b \\u202e x"
