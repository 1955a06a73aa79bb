from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from bounceclass.cli.output import CSV_KEYS
from bounceclass.logs.reader import DIALECTS
from bounceclass.mime.parsers import PARSERS
from bounceclass.model import Report, decode

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "FORCE_COLOR": ""}
DATA = ("json", "jsonl", "csv")


def run(*arguments: str | bytes | Path, cwd: Path | None = None, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bounceclass", "classify", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, cwd=cwd, env=ENVIRONMENT)  # noqa: S603  our own command


def reports(done: subprocess.CompletedProcess[bytes]) -> list[Report]:
    return [decode(line) for line in done.stdout.splitlines()]


def rows(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))


def group(recipient: str = "user@example.org", diagnostic: str = "550 5.1.1 x", status: str = "5.1.1", action: str = "failed") -> str:
    return f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; {diagnostic}\n"


def bounce(*groups: str) -> bytes:
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
--b
Content-Type: text/rfc822-headers

From: news@example.com
Subject: News
X-Campaign: 4711

--b--
""".encode()


LINE = b"From MAILER-DAEMON Tue Jan 13 09:12:44 2026\n"
UNKNOWN = bounce(group())
BUSY = bounce(group("busy@example.org", "421 x", "4.0.0", "delayed"))
TWO = bounce(group("a@example.org"), group("b@example.org", "450 4.2.2 x", "4.2.2"))
HELLO = b"From: a@example.com\nSubject: hello\n\nhello\n"
SOURCES = ["a.eml", "in/b.eml", "in/c.mbox:1", "in/c.mbox:2", "box/new/1"]
KINDS = ["bounce", "delay", "bounce", "other", "bounce"]


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    for name, data in {"a.eml": UNKNOWN, "in/b.eml": BUSY, "in/c.mbox": LINE + TWO + b"\n" + LINE + HELLO, "in/notes.txt": b"", "box/new/1": UNKNOWN}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "box/cur").mkdir()
    return tmp_path


def test_jsonl_is_one_report_a_line_in_input_order_with_the_source_as_given(mail: Path) -> None:
    done = run("a.eml", "in", "box", "--format", "jsonl", cwd=mail)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [(report.source, str(report.kind)) for report in reports(done)] == list(zip(SOURCES, KINDS, strict=True))


def test_a_report_says_what_became_of_each_recipient(mail: Path) -> None:
    first, _, third, fourth, _ = reports(run("a.eml", "in", "box", "--format", "jsonl", cwd=mail))
    assert (first.version, first.format, first.parser, fourth.events) == (1, "rfc3464", "flanker", ())
    events = [*first.events, *third.events]
    verdicts = [(str(one.verdict.permanence), str(one.verdict.reason), str(one.verdict.scope), str(one.verdict.advice)) for one in events]
    assert [(one.recipient, one.reply_code, one.enhanced_status, *verdict) for one, verdict in zip(events, verdicts, strict=True)] == [
        ("user@example.org", 550, "5.1.1", "permanent", "user-unknown", "address", "suppress"),
        ("a@example.org", 550, "5.1.1", "permanent", "user-unknown", "address", "suppress"),
        ("b@example.org", 450, "4.2.2", "transient", "mailbox-full", "address", "count"),
    ]


def test_json_is_one_array_of_what_jsonl_writes_by_line(mail: Path) -> None:
    lines = run("a.eml", "in", "box", "--format", "jsonl", cwd=mail).stdout.splitlines()
    done = run("a.eml", "in", "box", "--format", "json", cwd=mail)
    assert json.loads(done.stdout) == [json.loads(line) for line in lines]
    assert (done.returncode, done.stdout[-1:], done.stderr) == (0, b"\n", b"")


def test_csv_is_one_row_an_event_with_the_cells_of_the_json(mail: Path) -> None:
    (mail / "timed.eml").write_bytes(UNKNOWN.replace(b"Action: failed", b"Action: failed\nLast-Attempt-Date: Tue, 13 Jan 2026 10:00:00 +0100"))
    arguments = ("a.eml", "in", "box", "timed.eml")
    done = run(*arguments, "--format", "csv", cwd=mail)
    trees: list[dict[str, Any]] = [json.loads(line) for line in run(*arguments, "--format", "jsonl", cwd=mail).stdout.splitlines()]
    expected = []
    for tree in trees:
        for event in tree["events"]:
            evidence = event["verdict"]["evidence"][0]
            flat = {**event, **event["verdict"], "source": tree["source"], "format": tree["format"], "rule": evidence["rule"], "pack": evidence["pack"]}
            expected.append({key: "" if flat[key] is None else str(flat[key]) for key in CSV_KEYS})
    assert rows(done) == expected
    assert [row["source"] for row in rows(done)] == ["a.eml", "in/b.eml", "in/c.mbox:1", "in/c.mbox:1", "box/new/1", "timed.eml"]
    assert rows(done)[-1]["occurred_at"] == "2026-01-13T09:00:00Z"
    assert (done.returncode, done.stderr, done.stdout.count(b"\r\n")) == (0, b"", 7)


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_spreadsheet_runs_no_formula_of_a_stranger(start: str, tmp_path: Path) -> None:
    recipient, diagnostic = f'{start}cmd|"/c calc"!A1@example.org', f"{start}HYPERLINK(1), 550 5.1.1 x"
    (tmp_path / f"{start}1.eml").write_bytes(bounce(group(recipient, diagnostic)))
    (row,) = rows(run("--format", "csv", "--", f"{start}1.eml", cwd=tmp_path))
    assert (row["source"], row["recipient"], row["diagnostic"]) == (f"'{start}1.eml", f"'{recipient}", f"'{diagnostic}")


@pytest.mark.parametrize("text", ['550 5.1.1 "quoted", and, commas', "550 5.1.1 a;b\tc", "550 5.1.1 without =formula", "550 5.1.1 '"])
def test_text_comes_back_from_csv_as_it_was(text: str) -> None:
    (row,) = rows(run("-", "--format", "csv", stdin=bounce(group(diagnostic=text))))
    assert row["diagnostic"] == " ".join(text.split())


@pytest.mark.parametrize(
    ("form", "written"), [("json", b"[]\n"), ("jsonl", b""), ("csv", ",".join(CSV_KEYS).encode() + b"\r\n"), ("table", b"")]
)
def test_of_nothing_nothing_is_written_but_what_the_format_needs(form: str, written: bytes, tmp_path: Path) -> None:
    done = run(".", "--format", form, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, written)


def test_a_table_in_a_pipe_has_one_title_a_row_an_event_and_nothing_is_cut(mail: Path) -> None:
    long = "a" * 60 + "@example.org"
    (mail / "long.eml").write_bytes(bounce(group(long)))
    done = run("a.eml", "in/c.mbox", "long.eml", cwd=mail)
    assert [line.split() for line in done.stdout.decode().splitlines()] == [
        ["ADVICE", "REASON", "CODES", "RECIPIENT", "SOURCE"],
        ["suppress", "user-unknown", "550", "5.1.1", "user@example.org", "a.eml"],
        ["suppress", "user-unknown", "550", "5.1.1", "a@example.org", "in/c.mbox:1"],
        ["count", "mailbox-full", "450", "4.2.2", "b@example.org", "in/c.mbox:1"],
        ["-", "other", "-", "no", "report", "of", "a", "delivery", "in/c.mbox:2"],
        ["suppress", "user-unknown", "550", "5.1.1", long, "long.eml"],
    ]


def test_people_are_told_the_sums(mail: Path) -> None:
    done = run("a.eml", "in", "gone.eml", cwd=mail)
    assert done.stderr.decode().splitlines() == [
        "bounceclass: gone.eml: No such file or directory",
        "4 messages: 2 bounce, 1 delay, 1 other",
        "advice: 2 suppress, 1 retry, 1 count",
        "1 could not be read whole",
        "left out, no mail by their names: 1 (in/notes.txt)",
    ]


def test_one_message_is_told_in_the_singular(mail: Path) -> None:
    assert run("a.eml", cwd=mail).stderr.decode().splitlines() == ["1 message: 1 bounce", "advice: 1 suppress"]


def test_of_many_files_left_out_three_are_named(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / name).touch()
    assert run(".", cwd=tmp_path).stderr.decode().splitlines() == ["0 messages", "left out, no mail by their names: 4 (./a, ./b, ./c, ...)"]


def test_a_person_at_a_terminal_is_told_the_sums_also_where_data_goes_to_a_file(mail: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bounceclass", "classify", "a.eml", "--format", "jsonl"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, check=True, cwd=mail, env=ENVIRONMENT)  # noqa: S603  our own command
    os.close(theirs)
    assert len(reports(subprocess.CompletedProcess(command, 0, done.stdout))) == 1
    assert os.read(ours, 4096).decode().rpartition("\x1b[K")[2].split() == ["1", "message:", "1", "bounce", "advice:", "1", "suppress"]
    os.close(ours)


@pytest.mark.parametrize("form", ["table", *DATA])
def test_what_cannot_be_read_is_named_and_the_rest_is_read(form: str, mail: Path) -> None:
    done = run("gone.eml", "a.eml", "gone/b.eml", "in/b.eml", "--format", form, cwd=mail)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith(b"bounceclass: ")] == [
        b"bounceclass: gone.eml: No such file or directory",
        b"bounceclass: gone/b.eml: No such file or directory",
    ]
    assert (b"a.eml" in done.stdout, b"in/b.eml" in done.stdout, b"gone" in done.stdout) == (True, True, False)


BROKEN = {
    "empty.eml": b"",
    "noise.eml": bytes(range(256)) * 64,
    "nul.eml": b"\0" * 5000,
    "mess.eml": UNKNOWN.replace(b"message/delivery-status", b"message/delivery-status\xff; charset=\0"),
    "open.eml": UNKNOWN[: UNKNOWN.index(b"Final-Recipient")],
    "deep.eml": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth) for depth in range(500)),
    "headless.eml": b"\n\n\n\n",
    "header.eml": b"Subject: " + b"x" * 500_000,
}


def test_no_broken_message_stops_the_rest(tmp_path: Path) -> None:
    names = ["first.eml"]
    (tmp_path / "first.eml").write_bytes(UNKNOWN)
    for name, data in BROKEN.items():
        (tmp_path / name).write_bytes(data)
        (tmp_path / f"after-{name}").write_bytes(UNKNOWN)
        names += [name, f"after-{name}"]
    done = run(*names, "--format", "jsonl", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    found = reports(done)
    assert [report.source for report in found] == names
    assert [str(report.kind) for report in found[::2]] == ["bounce"] * (len(BROKEN) + 1)


def test_of_a_message_beyond_the_limit_the_head_is_read_and_this_is_said(tmp_path: Path) -> None:
    with (tmp_path / "big.eml").open("wb") as file:
        file.write(UNKNOWN)
        file.truncate(32 * 1024 * 1024 + 1)
    done = run("big.eml", "--format", "jsonl", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, b"bounceclass: big.eml: larger than 33554432 bytes; only its head was read\n")
    (report,) = reports(done)
    assert [event.recipient for event in report.events] == ["user@example.org"]
    assert [defect.code for defect in report.defects] == ["message-too-large"]


@pytest.mark.parametrize(("stdin", "sources"), [(UNKNOWN, ["-"]), (LINE + UNKNOWN + b"\n" + LINE + HELLO, ["-:1", "-:2"]), (b"", ["-"])])
def test_standard_input_is_a_message_or_an_mbox(stdin: bytes, sources: list[str]) -> None:
    assert [report.source for report in reports(run("-", "--format", "jsonl", stdin=stdin))] == sources


LOG = (
    b"Mar  9 12:00:00 mx postfix/smtpd[7]: connect from mx.example.org[192.0.2.1]\n"
    b"Mar  9 12:00:01 mx postfix/smtp[9]: 4gYc: to=<a@example.org>, dsn=5.1.1, status=bounced (550 5.1.1 User unknown)\n"
    b"Mar  9 12:00:02 mx postfix/smtp[9]: 4gYd: to=<b@example.org>, dsn=4.2.2, status=deferred (452 4.2.2 Mailbox full)\n"
)


@pytest.mark.parametrize(("name", "data"), [("mail.log", LOG), ("mail.log.2.gz", gzip.compress(LOG)), ("-", LOG)])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_each_line_of_a_log_that_tells_of_a_recipient_is_a_report_named_by_its_number(name: str, data: bytes, jobs: str, tmp_path: Path) -> None:
    if name != "-":
        (tmp_path / name).write_bytes(data)
    done = run(name, "--format", "jsonl", "--jobs", jobs, cwd=tmp_path, stdin=data)
    assert (done.returncode, done.stderr) == (0, b"")
    said = [(report.source, report.format, event.recipient, event.reply_code, str(event.verdict.advice)) for report in reports(done) for event in report.events]
    assert said == [(f"{name}:2", "postfix-log", "a@example.org", 550, "suppress"), (f"{name}:3", "postfix-log", "b@example.org", 452, "count")]


STRANGE = b"Mar  9 12:00:00 mx haraka[7]: [NOTICE] [outbound] recipient rejected: 550 5.1.1 User unknown\n"


@pytest.mark.parametrize(
    "data",
    [
        STRANGE,
        STRANGE * 400,
        b"2026-03-09T12:00:00Z a\n2026-03-09T12:00:01Z b\n",
        b"[2026-03-09 12:00:00] a\n  at main\n\n[2026-03-09 12:00:01] b\n",
        b"@4000000069aeb6c01f2e3d4c delivery 1: failure: x\n@4000000069aeb6c11f2e3d4c status: local 0/10\n",
        b"e.com> rejected\n" + STRANGE,
    ],
)
@pytest.mark.parametrize("name", ["mail.log", "-"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_log_in_a_dialect_that_is_not_read_is_named_and_not_taken_for_one_without_bounces(name: str, data: bytes, jobs: str, tmp_path: Path) -> None:
    (tmp_path / "mail.log").write_bytes(data)
    done = run(name, "--format", "jsonl", "--jobs", jobs, cwd=tmp_path, stdin=data)
    assert (done.returncode, done.stderr.decode()) == (1, f"bounceclass: {name}: looks like a log, but no line is of a dialect that is read: {', '.join(DIALECTS)}\n")
    (report,) = reports(done)
    assert (report.source, report.kind, report.events, [defect.code for defect in report.defects]) == (name, "other", (), ["unknown-log"])


def test_a_log_is_read_whose_first_lines_are_of_other_programs(tmp_path: Path) -> None:
    other = b"Mar  9 12:00:00 mx sshd[7]: Accepted publickey for root\n"
    (tmp_path / "syslog").write_bytes(other * 1000 + LOG)
    done = run("syslog", "--format", "jsonl", cwd=tmp_path)
    assert (done.returncode, done.stderr, [report.source for report in reports(done)]) == (0, b"", ["syslog:1002", "syslog:1003"])


@pytest.mark.parametrize("data", [LOG[: LOG.index(b"\n") + 1], b"2026-03-09 12:00:00 exim 4.96 daemon started\n2026-03-09 12:00:00 1tAbCd-000001-01 Completed\n"])
def test_a_log_of_ours_without_a_recipient_has_no_fault(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "mail.log").write_bytes(data)
    done = run("mail.log", "--format", "jsonl", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("text", [b"{}\n", b'{"type":"Bounce"\n', b"type,name\n", b"2026-03-09 12:00:00 hello\n", b"Mar  9 12:00:00 is when it came\n"])
def test_what_only_begins_like_a_log_is_a_message(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(text)
    done = run("a", "--format", "jsonl", cwd=tmp_path)
    assert (done.returncode, [(report.source, report.parser, report.defects) for report in reports(done)]) == (0, [("a", "flanker", ())])


def test_an_eml_is_a_message_whatever_it_begins_with(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(LOG)
    assert [report.source for report in reports(run("a.eml", "--format", "jsonl", cwd=tmp_path))] == ["a.eml"]


@pytest.mark.parametrize("form", DATA)
def test_the_bytes_of_a_name_that_is_no_utf_8_are_spelt_out(form: str, tmp_path: Path) -> None:
    name = b"caf\xe9.eml"
    (tmp_path / os.fsdecode(name)).write_bytes(UNKNOWN)
    done = run(name, "--format", form, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"caf\\xe9.eml" in done.stdout.replace(b"\\\\", b"\\")


def test_a_file_name_does_not_steer_the_terminal_from_the_table(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J.eml").write_bytes(UNKNOWN)
    assert rb"./a\x1b[2J.eml" in run(".", cwd=tmp_path).stdout




@pytest.mark.parametrize("name", [pytest.param("a\x1b]0;x\x07.txt"), pytest.param("a\u202etxt.lme")])
def test_a_file_name_does_not_steer_the_terminal_from_what_was_left_out(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    assert set(re.findall("[\x00-\x1f\x7f-\x9f\u202e]", run(".", cwd=tmp_path).stderr.decode())) == {"\n"}


def test_a_file_name_does_not_steer_the_terminal_from_a_fault(tmp_path: Path) -> None:
    assert set(re.findall("[\x00-\x1f\x7f-\x9f]", run("a\x1b]0;x\x07.eml", cwd=tmp_path).stderr.decode())) == {"\n"}


PACK = """
[rules.no-pigeon]
reason = "mailbox-full"
any = ["pigeon loft"]
matches = ["550 5.1.1 the pigeon loft is full"]
"""


def test_why_shows_which_rule_decided_on_what_text(tmp_path: Path) -> None:
    (tmp_path / "pigeons.toml").write_text(PACK)
    done = run("-", "--why", "--rules", "pigeons.toml", stdin=bounce(group(diagnostic="550 5.1.1 The Pigeon  Loft is full")), cwd=tmp_path)
    assert done.stdout.decode().splitlines()[1:] == [
        f"{'count':<9}{'mailbox-full':<30}{'550 5.1.1':<14}{'user@example.org':<37}-",
        "         permanent, scope address, confidence 0.9",
        "         decided by pigeons:no-pigeon, over x.1.1",
        "           550 5.1.1 The Pigeon Loft is full",
        "                         ^^^^^^^^^^^",
        "         beside it codes:x.1.1",
        "           550 5.1.1 The Pigeon Loft is full",
        "               ^^^^^",
        "         beside it codes:550",
        "           550 5.1.1 The Pigeon Loft is full",
        "           ^^^",
    ]


@pytest.mark.parametrize("form", DATA)
def test_why_goes_with_the_table_only(form: str, mail: Path) -> None:
    done = run("a.eml", "--why", "--format", form, cwd=mail)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--why" in done.stderr


def test_headers_of_the_original_are_kept_where_asked_for() -> None:
    (report,) = reports(run("-", "--format", "jsonl", "--keep-header", "x-campaign", "--keep-header", "Subject", "--keep-header", "To", stdin=UNKNOWN))
    assert report.original is not None
    assert {name.lower(): text for name, text in report.original.headers} == {"x-campaign": "4711", "subject": "News"}


def test_no_header_of_the_original_is_kept_unasked() -> None:
    (report,) = reports(run("-", "--format", "jsonl", stdin=UNKNOWN))
    assert report.original is not None
    assert report.original.headers == ()


@pytest.mark.parametrize("parser", PARSERS)
def test_the_parser_is_chosen_by_name(parser: str) -> None:
    assert [report.parser for report in reports(run("-", "--format", "jsonl", "--parser", parser, stdin=UNKNOWN))] == [parser]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-", "--format", "xml"),
        ("-", "--parser", "regexp"),
        ("-", "--nope"),
        ("-", "--rules", "gone.toml"),
        ("-", "--rules", "."),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_read(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*arguments, stdin=UNKNOWN, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr
    assert b"Traceback" not in done.stderr


def test_long_work_tells_its_count_and_rate_on_the_terminal_and_nowhere_else(tmp_path: Path) -> None:
    box = tmp_path / "box.mbox"
    box.write_bytes(b"From MAILER-DAEMON Tue Jan 13 09:12:44 2026\nSubject: hello\n\nhello\n\n" * 30_000)
    out = tmp_path / "out.jsonl"
    ours, theirs = pty.openpty()
    with out.open("wb") as file:
        child = subprocess.Popen([sys.executable, "-m", "bounceclass", "classify", "--format", "jsonl", str(box)], stdout=file, stderr=theirs)  # noqa: S603  our own command
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal's end: nobody holds the other side any more
        while data := os.read(ours, 4096):
            shown += data
    os.close(ours)
    assert child.wait() == 0
    assert re.search(rb"\r\x1b\[K\d+ messages, \d+/s ", shown)
    assert shown.replace(b"\r\n", b"\n").endswith(b"\x1b[K30000 messages: 30000 other\n30000 not understood, though from a mail system: look for unread-notice among the defects\n")
    assert out.read_bytes().count(b"\n") == 30_000
