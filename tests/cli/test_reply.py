from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import bounceclass
from bounceclass.controls import printable
from bounceclass.model import encode

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "FORCE_COLOR": ""}
KEYS = ["text", "reply_code", "enhanced_status", "permanence", "reason", "scope", "advice", "confidence", "details", "evidence"]
COLUMNS = ["text", "reply_code", "enhanced_status", "permanence", "reason", "scope", "advice", "confidence", "rule", "pack"]


def run(*arguments: str | bytes | Path, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bounceclass", "reply", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, cwd=cwd, env=ENVIRONMENT)  # noqa: S603  our own command


def answers(*arguments: str | bytes | Path, stdin: bytes = b"", cwd: Path | None = None) -> list[dict[str, Any]]:
    done = run("--format", "jsonl", *arguments, stdin=stdin, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.splitlines()]


def words(answer: dict[str, Any]) -> tuple[object, ...]:
    return tuple(answer[key] for key in ("text", "reply_code", "enhanced_status", "permanence", "reason", "scope", "advice"))


VERDICTS = [
    ("550 5.1.1 x", 550, "5.1.1", "permanent", "user-unknown", "address", "suppress"),
    ("550 4.2.2 x", 550, "4.2.2", "transient", "mailbox-full", "address", "count"),
    ("450 4.2.2 x", 450, "4.2.2", "transient", "mailbox-full", "address", "count"),
    ("5.1.1 x", None, "5.1.1", "permanent", "user-unknown", "address", "suppress"),
    ("421 x", 421, None, "transient", "system-error", "system", "retry"),
    ("521 mx.example.org does not accept mail", 521, None, "permanent", "domain-no-mail", "domain", "suppress"),
    ("550 x", 550, None, "permanent", "undetermined", "none", "review"),
    ("450 x", 450, None, "transient", "undetermined", "none", "review"),
    ("250 x", 250, None, "undetermined", "delivered", "none", "ignore"),
    ("x", None, None, "undetermined", "undetermined", "none", "review"),
    ("", None, None, "undetermined", "undetermined", "none", "review"),
]


def test_each_argument_gets_a_verdict() -> None:
    assert [words(answer) for answer in answers("--", *(row[0] for row in VERDICTS))] == VERDICTS


def test_each_line_of_standard_input_gets_a_verdict() -> None:
    assert [words(answer) for answer in answers(stdin="".join(f"{row[0]}\n" for row in VERDICTS).encode())] == VERDICTS


def test_a_verdict_is_flat_and_is_what_the_library_says() -> None:
    text = "550 5.1.1 x"
    (answer,) = answers(text)
    assert list(answer) == KEYS
    assert answer == {"text": text, "reply_code": 550, "enhanced_status": "5.1.1", **json.loads(encode(bounceclass.reply(text).verdict))}


ODD = [
    (b"550 5.1.1 x", "550 5.1.1 x"),
    (b"", ""),
    (b"   ", "   "),
    (b"\t550 x\t", "\t550 x\t"),
    (b"550 x\r", "550 x"),
    (b"550 5.1.1 caf\xe9 \xff\xfe", "550 5.1.1 caf\\xe9 \\xff\\xfe"),
    (b"550 \0 x", "550 \0 x"),
    (b"\0", "\0"),
    ("550 5.1.1 없는 주소 🙂".encode(), "550 5.1.1 없는 주소 🙂"),
    (b"550 \xed\xa0\x80 x", "550 \\xed\\xa0\\x80 x"),
    (b"550 \x1b[2J\x7f\x0b\x0c\x1c\x85", "550 \x1b[2J\x7f\x0b\x0c\x1c\\x85"),
    ("550 \x85 \u2028 x".encode(), "550 \x85 \u2028 x"),
    (b'550 "quoted", \\ and \'', '550 "quoted", \\ and \''),
    (b"=1+1", "=1+1"),
    (b"-h", "-h"),
    (b"550 5.1.1 " + b"x" * 200_000, "550 5.1.1 " + "x" * 200_000),
    (b"550 5.1.1 last", "550 5.1.1 last"),
]


@pytest.mark.parametrize("end", [b"\n", b""])
def test_every_line_is_answered_in_order_whatever_bytes_it_holds(end: bytes) -> None:
    found = answers(stdin=b"\n".join(line for line, _ in ODD) + end)
    assert [answer["text"] for answer in found] == [text for _, text in ODD]
    assert [found[0]["reason"], found[-1]["reason"]] == ["user-unknown", "user-unknown"]


def test_every_argument_is_answered_whatever_bytes_it_holds() -> None:
    lines = [(line, text) for line, text in ODD if b"\0" not in line and b"\r" not in line and len(line) < 100_000]
    assert [answer["text"] for answer in answers("--", *(line for line, _ in lines))] == [text for _, text in lines]


def test_a_code_in_the_digits_of_another_script_is_none() -> None:
    assert [words(answer)[1:3] for answer in answers("5\u0665\u0660 x", "550 5.1.\u0661 x")] == [(None, None), (550, None)]


def test_a_carriage_return_within_a_line_ends_no_line() -> None:
    assert [answer["text"] for answer in answers(stdin=b"550 a\r550 b\r\n550 c\r\r\n")] == ["550 a\r550 b", "550 c"]


@pytest.mark.parametrize("stdin", [b"", b"\n", b"\n\n\n"])
def test_blank_lines_are_answered_and_no_line_is_not(stdin: bytes) -> None:
    assert [answer["text"] for answer in answers(stdin=stdin)] == [""] * stdin.count(b"\n")


def test_an_argument_may_hold_a_reply_of_several_lines() -> None:
    text = "550-5.1.1 a\r\n550-5.1.1 b\n550 5.1.1 c"
    first, second = answers(text, "421 x")
    assert words(first) == (text, 550, "5.1.1", "permanent", "user-unknown", "address", "suppress")
    assert second["text"] == "421 x"


def test_standard_input_is_not_read_where_there_are_arguments() -> None:
    assert [answer["text"] for answer in answers("421 x", stdin=b"550 5.1.1 x\n")] == ["421 x"]


@pytest.mark.parametrize(
    ("options", "text", "verdict"),
    [
        (("--command", "rcpt"), "552 x", ("permanent", "mailbox-full", "address", "count")),
        (("--command", "body"), "552 x", ("permanent", "too-large", "message", "fix")),
        (("--command", "rcpt"), "550 x", ("permanent", "undetermined", "address", "count")),
        (("--command", "body", "--host", "mx.example.org", "--recipient", "user@example.org"), "550 x", ("permanent", "undetermined", "none", "review")),
    ],
)
def test_the_phase_in_which_it_was_said_counts(options: tuple[str, ...], text: str, verdict: tuple[str, ...]) -> None:
    (answer,) = answers(*options, text)
    assert words(answer)[3:] == verdict


PACK = """
[providers.pigeon-post]
hosts = ["pigeons.example"]
domains = ["loft.example"]

[rules.full-loft]
reason = "mailbox-full"
provider = "pigeon-post"
any = ["no room"]
matches = ["host mx.pigeons.example[192.0.2.1] said: 550 no room"]
"""


@pytest.mark.parametrize(
    ("options", "rule", "provider"),
    [
        (("--host", "mx.pigeons.example"), "full-loft", "pigeon-post"),
        (("--host", "MX.Pigeons.Example."), "full-loft", "pigeon-post"),
        (("--recipient", "user@loft.example"), "full-loft", "pigeon-post"),
        (("--host", "mx.example.org"), "x.7.1", None),
        ((), "x.7.1", None),
    ],
)
def test_who_said_it_and_about_whom_chooses_the_provider(options: tuple[str, ...], rule: str, provider: str | None, tmp_path: Path) -> None:
    (tmp_path / "pack.toml").write_text(PACK)
    (answer,) = answers("--rules", "pack.toml", *options, "550 5.7.1 no room x", cwd=tmp_path)
    assert (answer["evidence"][0]["rule"], answer["details"]["provider"]) == (rule, provider)


def rule_for(name: str, reason: str) -> str:
    return f'[rules.{name}]\nreason = "{reason}"\nany = ["pigeon loft"]\nmatches = ["550 pigeon loft"]\n'


@pytest.mark.parametrize(("order", "reason", "pack"), [(("one.toml", "two.toml"), "virus", "one"), (("two.toml", "one.toml"), "mailbox-full", "two")])
def test_packs_are_asked_in_the_order_given_and_before_the_codes(order: tuple[str, str], reason: str, pack: str, tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(rule_for("first", "virus"))
    (tmp_path / "two.toml").write_text(rule_for("second", "mailbox-full"))
    (answer,) = answers("--rules", order[0], "--rules", order[1], "550 5.1.1 pigeon loft", cwd=tmp_path)
    assert (answer["reason"], answer["evidence"][0]["pack"], answer["evidence"][0]["overrode"]) == (reason, pack, "x.1.1")




@pytest.mark.parametrize(
    "text",
    [
        "reason = ",
        '[rules.a]\nreason = "policy"\nany = "pigeon"',
        '[rules.a]\nreason = "policy"\nmood = "grim"',
        '[rules.a]\nreason = "policy"\nany = ["pigeon"]\npattern = "(pigeon"',
        pytest.param('[rules.a]\nreason = "policy"\nany = ["pigeon"]\nstatus = ["5.1"]'),
        pytest.param('[rules.a]\nreason = "policy"\nany = ["pigeon"]\nconfidence = 2.0'),
        pytest.param('[rules.a]\nreason = "policy"\nany = ["pigeon"]\npattern = "(?P<mood>pigeon)"'),
    ],
)
def test_a_pack_that_cannot_be_used_is_an_error_that_names_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(text)
    done = run("--rules", "bad.toml", "--format", "jsonl", "550 5.1.1 pigeon", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"bounceclass: bad")


def test_json_is_one_array() -> None:
    lines = [row[0] for row in VERDICTS]
    done = run("--format", "json", "--", *lines)
    assert json.loads(done.stdout) == answers("--", *lines)
    assert (done.returncode, done.stdout[-1:], done.stderr) == (0, b"\n", b"")


@pytest.mark.parametrize(("form", "written"), [("json", b"[]\n"), ("jsonl", b""), ("csv", ",".join(COLUMNS).encode() + b"\r\n"), ("table", b"")])
def test_of_no_line_nothing_is_written_but_what_the_format_needs(form: str, written: bytes) -> None:
    done = run("--format", form)
    assert (done.returncode, done.stdout, done.stderr) == (0, written, b"")


def test_csv_is_one_row_a_line_with_the_cells_of_the_json() -> None:
    stdin = b"\n".join(line for line, _ in ODD if not line.startswith((b"=", b"-", b"\t")) and b"\0" not in line)
    done = run("--format", "csv", stdin=stdin)
    expected = []
    for answer in answers(stdin=stdin):
        first = answer["evidence"][0] if answer["evidence"] else {"rule": None, "pack": None}
        cells = {**answer, **first, "text": printable(answer["text"])}
        expected.append({key: "" if cells[key] is None else str(cells[key]) for key in COLUMNS})
    csv.field_size_limit(1_000_000)
    assert list(csv.DictReader(io.StringIO(done.stdout.decode(), newline=""))) == expected
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_runs_no_formula_of_a_stranger(start: str) -> None:
    text = f'{start}cmd|"/c calc"!A1, 550 5.1.1 x'
    done = run("--format", "csv", "--", text)
    shown = text.replace("\r", "\\x0d")
    assert [row["text"] for row in csv.DictReader(io.StringIO(done.stdout.decode(), newline=""))] == [f"'{shown}"]


def test_a_reply_of_several_lines_is_one_row_of_csv() -> None:
    text = "550-5.1.1 a\n550 5.1.1 b"
    done = run("--format", "csv", text, "421 x")
    assert [row["text"] for row in csv.DictReader(io.StringIO(done.stdout.decode(), newline=""))] == [text, "421 x"]


def test_a_table_has_one_title_and_a_row_a_line() -> None:
    done = run("--recipient", "user@example.org", stdin=b"550 5.1.1 x\n\n421 x\nx\x1b[2J\xff\n")
    assert (done.returncode, done.stderr) == (0, b"")
    assert [line.split() for line in done.stdout.decode().splitlines()] == [
        ["ADVICE", "REASON", "CODES", "RECIPIENT", "SOURCE"],
        ["suppress", "user-unknown", "550", "5.1.1", "user@example.org", "550", "5.1.1", "x"],
        ["review", "undetermined", "(other)", "-", "user@example.org"],
        ["retry", "system-error", "(delay)", "421", "user@example.org", "421", "x"],
        ["review", "undetermined", "(other)", "-", "user@example.org", "x\\x1b[2J\\xff"],
    ]


def test_why_marks_the_matched_text_with_carets_where_there_is_no_colour() -> None:
    done = run("--why", "550 5.1.1 없는 것들")
    assert done.stdout.decode().splitlines()[2:] == [
        "         permanent, scope address, confidence 0.8",
        "         decided by codes:x.1.1",
        "           550 5.1.1 없는 것들",
        "               ^^^^^",
        "         beside it codes:550",
        "           550 5.1.1 없는 것들",
        "           ^^^",
    ]


def test_why_marks_wide_letters_by_their_cells(tmp_path: Path) -> None:
    (tmp_path / "pack.toml").write_text('[rules.gone]\nreason = "user-unknown"\nany = ["없는 주소"]\nmatches = ["550 없는 주소"]\n')
    done = run("--why", "--rules", "pack.toml", "550 그건 없는 주소 입니다", cwd=tmp_path)
    assert done.stdout.decode().splitlines()[3:6] == ["         decided by pack:gone", "           550 그건 없는 주소 입니다", "                    ^^^^^^^^^"]


def test_why_names_what_was_found_beside_the_reason(tmp_path: Path) -> None:
    (tmp_path / "pack.toml").write_text(PACK)
    done = run("--why", "--rules", "pack.toml", "--host", "mx.pigeons.example", "550 5.7.1 no room", cwd=tmp_path)
    assert done.stdout.decode().splitlines()[2:4] == [
        "         permanent, scope address, confidence 0.97; provider pigeon-post",
        "         decided by pack:full-loft, over x.7.1",
    ]


def test_why_says_of_a_blank_line_that_nothing_is_known() -> None:
    assert run("--why", "").stdout.decode().splitlines()[2:] == ["         undetermined, scope none, confidence 0"]


@pytest.mark.parametrize(
    "arguments", [("--command", "helo", "550 x"), ("--format", "xml", "550 x"), ("--nope",), ("--rules", "gone.toml", "550 x"), ("--host",)]
)
def test_wrong_usage_is_told_and_nothing_is_judged(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr
    assert b"Traceback" not in done.stderr
