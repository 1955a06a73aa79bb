from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bounceclass.cli.diff import KEYS

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "FORCE_COLOR": ""}


def run(*arguments: str, cwd: Path, before: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bounceclass", *before, "classify", *arguments]
    return subprocess.run(command, capture_output=True, check=False, cwd=cwd, env=ENVIRONMENT | environment)  # noqa: S603  our own command


def bounce(*diagnostics: str) -> bytes:
    groups = [
        f"Final-Recipient: rfc822; {'abcdef'[place]}@example.org\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; {text}\n"
        for place, text in enumerate(diagnostics)
    ]
    return f"""From: MAILER-DAEMON@mx.example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

No.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

{chr(10).join(groups)}
--b--
""".encode()


MINE = """
[rules.loft-shut]
reason = "user-unknown"
any = ["the loft is shut"]
matches = ["550 the loft is shut"]

[rules.sick]
reason = "spam"
any = ["the pigeon is sick"]
matches = ["550 the pigeon is sick"]

[rules.gone]
reason = "user-unknown"
any = ["user unknown"]
matches = ["550 user unknown"]

[rules.gone-for-now]
reason = "mailbox-full"
any = ["no such user"]
matches = ["550 no such user"]
"""
MAIL = {
    "1.eml": bounce("550 the loft is shut", "550 5.1.1 user unknown", "550 the pigeon is sick"),
    "2.eml": bounce("550 it was told nowhere"),
    "3.eml": bounce("550 no such user"),
}
UNKNOWN = {"permanence": "permanent", "reason": "undetermined", "scope": "none", "advice": "review", "confidence": 0.3}
GONE = {"permanence": "permanent", "reason": "user-unknown", "scope": "address", "advice": "suppress", "confidence": 0.9}
SPAM = {"permanence": "permanent", "reason": "spam", "scope": "message", "advice": "fix", "confidence": 0.9}
FULL = {"permanence": "permanent", "reason": "mailbox-full", "scope": "address", "advice": "count", "confidence": 0.9}


def change(source: str, recipient: str, before: dict[str, object], after: dict[str, object], rule: str, text: str) -> dict[str, object]:
    newly = after["advice"] == "suppress"
    facts = {"source": source, "kind": "bounce", "recipient": recipient, "newly_suppressed": newly, "before": before, "after": after}
    return {**facts, "rule": rule, "pack": "mine", "text": text}


CHANGES = [
    change("box/1.eml", "a@example.org", UNKNOWN, GONE, "loft-shut", "the loft is shut"),
    change("box/1.eml", "c@example.org", UNKNOWN, SPAM, "sick", "the pigeon is sick"),
    change("box/3.eml", "a@example.org", GONE, FULL, "gone-for-now", "no such user"),
]
COUNT = "3 of 5 events change; 1 newly suppressed\n"


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    (tmp_path / "box").mkdir()
    for name, data in MAIL.items():
        (tmp_path / "box" / name).write_bytes(data)
    (tmp_path / "mine.toml").write_text(MINE)
    return tmp_path


def test_jsonl_has_each_event_whose_verdict_changes_and_no_other(mail: Path) -> None:
    done = run("--rules", "mine.toml", "--diff", "box", "--format", "jsonl", cwd=mail)
    assert [json.loads(line) for line in done.stdout.splitlines()] == CHANGES
    assert (done.returncode, done.stderr.decode()) == (0, COUNT)


def test_json_is_one_array_of_what_jsonl_writes_by_line(mail: Path) -> None:
    done = run("--rules", "mine.toml", "--diff", "box", "--format", "json", cwd=mail)
    assert (json.loads(done.stdout), done.returncode, done.stderr.decode()) == (CHANGES, 0, COUNT)


def test_the_table_shows_before_and_after_and_the_rule_with_its_text(mail: Path) -> None:
    done = run("--rules", "mine.toml", "--diff", "box", cwd=mail)
    assert (done.returncode, done.stderr.decode()) == (0, COUNT)
    assert done.stdout.decode() == (
        """\
suppress a@example.org  box/1.eml
         NEWLY SUPPRESSED
         advice: review -> suppress
         reason: undetermined -> user-unknown
         scope: none -> address
         confidence: 0.3 -> 0.9
         decided by mine:loft-shut
           550 the loft is shut
               ^^^^^^^^^^^^^^^^
fix      c@example.org  box/1.eml
         advice: review -> fix
         reason: undetermined -> spam
         scope: none -> message
         confidence: 0.3 -> 0.9
         decided by mine:sick
           550 the pigeon is sick
               ^^^^^^^^^^^^^^^^^^
count    a@example.org  box/3.eml
         advice: suppress -> count
         reason: user-unknown -> mailbox-full
         decided by mine:gone-for-now
           550 no such user
               ^^^^^^^^^^^^
"""
    )


def test_newly_suppressed_stands_out_in_colour(mail: Path) -> None:
    done = run("--rules", "mine.toml", "--diff", "box", cwd=mail, NO_COLOR="", FORCE_COLOR="1")
    assert "\x1b[31m\x1b[1mNEWLY SUPPRESSED\x1b[0m" in done.stdout.decode()


def test_what_the_configuration_names_counts_on_both_sides(mail: Path) -> None:
    (mail / "bounceclass.toml").write_text('packs = ["mine.toml"]\n')
    (mail / "more.toml").write_text('[rules.told]\nreason = "policy"\nany = ["told nowhere"]\nmatches = ["550 told nowhere"]\n')
    done = run("--rules", "more.toml", "--diff", "box", "--format", "jsonl", cwd=mail, before=("--config", "bounceclass.toml"))
    assert [json.loads(line)["rule"] for line in done.stdout.splitlines()] == ["told"]
    assert done.stderr.decode() == "1 of 5 events change; 0 newly suppressed\n"


@pytest.mark.parametrize(("form", "printed"), [("table", b""), ("json", b"[]\n"), ("jsonl", b"")])
def test_rules_that_change_nothing_print_nothing(form: str, printed: bytes, mail: Path) -> None:
    done = run("--rules", "mine.toml", "--diff", "box/2.eml", "--format", form, cwd=mail)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (0, printed, "0 of 1 events change; 0 newly suppressed\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--diff", "box"), 2, "--diff shows what --rules change: name a rule pack with --rules"),
        (("--diff", "--rules", "mine.toml", "--format", "csv", "box"), 2, "--diff goes with --format table, json, jsonl, not csv"),
        (("--diff", "--rules", "mine.toml", "--why", "box"), 2, "--diff goes without --why, for it always shows the rule, and without --vocabulary"),
        (("--diff", "--rules", "mine.toml", "--vocabulary", "ses", "box"), 2, "--diff goes without --why"),
        (("--diff", "--rules", "nowhere.toml", "box"), 2, "nowhere.toml: No such file or directory"),
        (("--diff", "--rules", "mine.toml"), 2, "Missing argument 'PATH...'"),
        (("--diff", "--rules", "mine.toml", "box", "nowhere.eml"), 1, "3 of 5 events change; 1 newly suppressed\n1 could not be read whole\n"),
    ],
)
def test_the_exit_code_tells_how_it_went(arguments: tuple[str, ...], code: int, said: str, mail: Path) -> None:
    done = run(*arguments, cwd=mail)
    assert done.returncode == code
    assert said in done.stderr.decode()
    assert (b"Traceback" in done.stderr, bool(done.stdout)) == (False, code == 1)


def test_plugins_are_told_of_nothing(mail: Path) -> None:
    before = sorted(path.name for path in mail.iterdir())
    assert run("--rules", "mine.toml", "--diff", "box", cwd=mail, before=("-p", "file")).returncode == 0
    assert sorted(path.name for path in mail.iterdir()) == before


def test_a_plugin_that_can_t_be_used_is_named_once(mail: Path) -> None:
    done = run("--rules", "mine.toml", "--diff", "box", "--format", "jsonl", cwd=mail, before=("-p", "nope"))
    assert done.returncode == 2
    assert done.stderr.decode().count("nope") == 1


def test_no_stranger_s_text_steers_the_terminal(mail: Path) -> None:
    (mail / "evil.eml").write_bytes(bounce("550 the loft is shut \x1b[31m").replace(b"a@example.org", b"a\x1b@example.org"))
    shown = run("--rules", "mine.toml", "--diff", "evil.eml", cwd=mail).stdout
    assert (b"\x1b" in shown, rb"\x1b" in shown) == (False, True)


def test_a_change_is_one_of_five_facts_of_the_verdict() -> None:
    assert KEYS == ("permanence", "reason", "scope", "advice", "confidence")
