from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from bounceclass import packs
from bounceclass.engine import Engine
from bounceclass.packcheck import check
from bounceclass.settings import Settings
from bounceclass.templates import Group, Literals, Templates, literals, mask, seen

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "FORCE_COLOR": ""}
LIMIT = 2048


def run(*arguments: str | Path, cwd: Path, before: tuple[str, ...] = (), start: str = "", stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    code = f"{start}\nimport sys; from bounceclass.cli.main import run; sys.argv[0] = 'bounceclass'; run()"
    command = [sys.executable, "-c", code, *before, "unknowns", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, cwd=cwd, env=ENVIRONMENT)  # noqa: S603  our own command


def bounce(diagnostic: str, status: str = "5.0.0", action: str = "failed", recipient: str = "user@example.org") -> bytes:
    return f"""From: MAILER-DAEMON@mx.example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain; charset=utf-8

No.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--b--
""".encode()


def notice(subject: str, *lines: str) -> bytes:
    return "\n".join([f"From: MAILER-DAEMON@mx.example.com\nSubject: {subject}\nReturn-Path: <>\n", *lines, ""]).encode()


MAIL = {
    "1.eml": bounce("550 5.0.0 Customer 4711 left the loft at mx3.example.org"),
    "2.eml": bounce("550 5.1.1 no such user here", "5.1.1"),
    "3.eml": bounce("450 the dovecote sleeps", "4.0.0", "delayed"),
    "4.eml": bounce("554 Customer 12 left the loft at mx1.example.org", recipient="b@example.org"),
    "5.eml": notice("Pigeon report 17", "", "The pigeon came back on 12 May.", "", "It was wet.", "It was tired.", "It sleeps."),
    "6.eml": bounce("550 Customer 13 left the loft at mx1.example.org"),
    "7.eml": bounce("450 the dovecote sleeps", "4.0.0", "delayed"),
    "8.eml": bounce("550"),
    "9.eml": b"From: a@example.com\nSubject: hello\n\nhello\n",
}
LOFT = {
    "kind": "reply",
    "count": 3,
    "template": "customer <num> left the loft at <host>",
    "codes": ["550 5.0.0", "554 5.0.0"],
    "example": "550 5.0.0 Customer 4711 left the loft at mx3.example.org",
    "source": "box/1.eml",
    "rule": '[rules.left-the-loft-at]\nreason = ""\nany = ["left the loft at"]\nmatches = ["550 5.0.0 Customer 4711 left the loft at mx3.example.org"]\n',
}
DOVECOTE = {
    "kind": "reply",
    "count": 2,
    "template": "the dovecote sleeps",
    "codes": ["450 4.0.0"],
    "example": "450 the dovecote sleeps",
    "source": "box/3.eml",
    "rule": '[rules.the-dovecote-sleeps]\nreason = ""\nany = ["the dovecote sleeps"]\nmatches = ["450 the dovecote sleeps"]\n',
}
PIGEON = {
    "kind": "notice",
    "count": 1,
    "template": "pigeon report <num> / the pigeon came back on <num> may. / it was wet. / it was tired.",
    "codes": [],
    "example": "Pigeon report 17 / The pigeon came back on 12 May. / It was wet. / It was tired.",
    "source": "box/5.eml",
    "rule": None,
}
WORDLESS = {"kind": "reply", "count": 1, "template": "", "codes": ["550 5.0.0"], "example": "550", "source": "box/8.eml", "rule": None}


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    (tmp_path / "box").mkdir()
    for name, data in MAIL.items():
        (tmp_path / "box" / name).write_bytes(data)
    return tmp_path


def groups(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_no_rule_knows_is_grouped_the_largest_group_first_then_the_one_met_first(mail: Path) -> None:
    done = run("box", "--format", "jsonl", cwd=mail)
    assert (done.returncode, done.stderr, groups(done)) == (0, b"", [LOFT, DOVECOTE, PIGEON, WORDLESS])


def test_json_is_one_array_of_what_jsonl_writes_by_line(mail: Path) -> None:
    done = run("box", "--format", "json", cwd=mail)
    assert (done.returncode, done.stderr, json.loads(done.stdout)) == (0, b"", [LOFT, DOVECOTE, PIGEON, WORDLESS])


def test_the_table_shows_count_template_codes_example_and_source(mail: Path) -> None:
    done = run("box", cwd=mail)
    assert (done.returncode, done.stdout.decode()) == (
        0,
        """\
      3  customer <num> left the loft at <host>
         550 5.0.0, 554 5.0.0
         550 5.0.0 Customer 4711 left the loft at mx3.example.org
         box/1.eml
      2  the dovecote sleeps
         450 4.0.0
         450 the dovecote sleeps
         box/3.eml
      1  (notice) pigeon report <num> / the pigeon came back on <num> may. / it was wet. / it was tired.
         Pigeon report 17 / The pigeon came back on 12 May. / It was wet. / It was tired.
         box/5.eml
      1  (no text)
         550 5.0.0
         550
         box/8.eml
""",
    )
    told = done.stderr.decode().splitlines()
    assert told == ["7 texts that no rule knows; 4 groups", "1 not understood, though from a mail system: look for unread-notice among the defects"]


@pytest.mark.parametrize(
    ("least", "shown", "told"),
    [("1", [3, 2, 1, 1], "4 groups"), ("2", [3, 2], "2 groups of 2 or more"), ("3", [3], "1 group of 3 or more"), ("4", [], "0 groups of 4 or more")],
)
def test_at_least_leaves_out_smaller_groups(least: str, shown: list[int], told: str, mail: Path) -> None:
    assert [group["count"] for group in groups(run("box", "--format", "jsonl", "--at-least", least, cwd=mail))] == shown
    assert run("box", "--at-least", least, cwd=mail).stderr.decode().splitlines()[0] == f"7 texts that no rule knows; {told}"


def test_one_s_own_rules_are_known(mail: Path) -> None:
    (mail / "mine.toml").write_text('[rules.loft]\nreason = "user-unknown"\nany = ["left the loft"]\nmatches = ["550 left the loft"]\n')
    done = run("box", "--format", "jsonl", "--rules", "mine.toml", cwd=mail)
    assert [group["template"] for group in groups(done)] == [DOVECOTE["template"], PIGEON["template"], ""]


def test_mail_comes_from_wherever_classify_takes_it(mail: Path) -> None:
    line = b"From MAILER-DAEMON Tue Jan 13 09:12:44 2026\n"
    box = line + MAIL["1.eml"] + b"\n" + line + MAIL["4.eml"]
    assert [(group["count"], group["source"]) for group in groups(run("-", "--format", "jsonl", cwd=mail, stdin=box))] == [(2, "-:1")]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("box/1.eml",), 0, "1 text that no rule knows; 1 group"),
        (("box/2.eml",), 0, "0 texts that no rule knows; 0 groups"),
        (("nowhere.eml", "box/1.eml"), 1, "bounceclass: nowhere.eml: No such file or directory"),
        ((), 2, "Missing argument 'PATH...'"),
        (("box", "--at-least", "0"), 2, "Invalid value for '--at-least'"),
        (("box", "--format", "csv"), 2, "Invalid value for '--format'"),
        (("box", "--format", "json", "--rules-skeleton"), 2, "--rules-skeleton prints a rule pack: it goes without --format"),
        (("box", "--rules", "nowhere.toml"), 2, "nowhere.toml"),
    ],
)
def test_the_exit_code_tells_how_it_went(arguments: tuple[str, ...], code: int, said: str, mail: Path) -> None:
    done = run(*arguments, cwd=mail)
    assert done.returncode == code
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_without_the_extra_one_error_names_it(mail: Path) -> None:
    done = run("box", cwd=mail, start="import sys; sys.modules['drain3'] = None")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == "bounceclass: drain3 is not installed: pip install 'bounceclass[unknowns]'\n"


def test_other_commands_do_not_import_the_extra(mail: Path) -> None:
    code = "import sys; sys.modules['drain3'] = None; from bounceclass.cli.main import run; run()"
    done = subprocess.run([sys.executable, "-c", code, "classify", "box/1.eml"], capture_output=True, check=False, cwd=mail, env=ENVIRONMENT)  # noqa: S603  our own command
    assert done.returncode == 0


@pytest.mark.parametrize("arguments", [(), ("--rules-skeleton",), ("--format", "json")])
@pytest.mark.parametrize("evil", ["\x1b[31mred", "right \u202eto left", "bell \x07 rings"])
def test_no_stranger_s_text_steers_the_terminal(evil: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(bounce(f"550 the loft is {evil} shut"))
    shown = run("a.eml", *arguments, cwd=tmp_path).stdout.decode()
    assert "the loft is" in shown
    assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown) == []
    if arguments != ("--format", "json"):  # data is whole, and JSON escapes what is below U+0020
        assert "\u202e" not in shown


def test_plugins_are_told_of_nothing(mail: Path) -> None:
    assert run("box", cwd=mail, before=("-p", "file")).returncode == 0
    assert sorted(path.name for path in mail.iterdir()) == ["box"]


SKELETON = """\
# 3 (550 5.0.0, 554 5.0.0): customer <num> left the loft at <host>
# box/1.eml
[rules.left-the-loft-at]
reason = ""
any = ["left the loft at"]
matches = ["550 5.0.0 Customer 4711 left the loft at mx3.example.org"]

# 2 (450 4.0.0): the dovecote sleeps
# box/3.eml
[rules.the-dovecote-sleeps]
reason = ""
any = ["the dovecote sleeps"]
matches = ["450 the dovecote sleeps"]

# 1: pigeon report <num> / the pigeon came back on <num> may. / it was wet. / it was tired.
# box/5.eml
# a notice that no reader knows: a rule can't judge it

# 1 (550 5.0.0): (no text)
# box/8.eml
# no words tell it from others

"""


def test_a_skeleton_is_a_pack_whose_reasons_are_to_be_filled_in(mail: Path) -> None:
    assert run("box", "--rules-skeleton", cwd=mail).stdout.decode() == SKELETON


def test_a_group_that_an_earlier_rule_takes_is_a_comment(tmp_path: Path) -> None:
    for number, text in enumerate(["550 the loft is shut"] * 2 + ["550 because of the frost the loft is shut"]):
        (tmp_path / f"{number}.eml").write_bytes(bounce(text))
    assert run(".", "--rules-skeleton", cwd=tmp_path).stdout.decode().partition("\n\n")[2] == (
        "# 1 (550 5.0.0): because of the frost the loft is shut\n# ./2.eml\n"
        "# rules.the-loft-is-shut takes it; where it means something else, it must stand before that:\n"
        '# [rules.because-of-the-frost-the]\n# reason = ""\n# any = ["because of the frost the loft is shut"]\n'
        '# matches = ["550 because of the frost the loft is shut"]\n\n'
    )


TEXTS = [
    "550 5.0.0 Customer 4711 left the loft at mx3.example.org",
    'host mx.example.org[192.0.2.1] said: 550 "The loft" of <user@example.org> is \\shut\\ (in reply to RCPT TO command)',
    "550-5.0.0 The pigeons of 192.0.2.7\n 550-5.0.0 have flown\n 550 5.0.0 to the south 4a6bd77f-19",
    "554 비둘기가 집에 없습니다 (오류 17)",
    "554 鸽子 不在家 12",
    "550 dove 17 gone",
    "550 the loft is \x1b[31m red",
    "550 see https://loft.example.org/?q=17 for what the pigeons did",
    "550 the same words were said by 2001:db8::1 for " + "a very long time " * 30,
    "550 the same words were said by 2001:db8::1 for the dove",
    "the dove is lost somewhere over the sea",
]


def test_a_filled_in_skeleton_passes_the_check_and_classifies_each_example(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    folder.mkdir()
    for number, text in enumerate(TEXTS):
        (folder / f"{number:02}.eml").write_bytes(bounce(text))
    path = tmp_path / "mine.toml"
    path.write_bytes(run("box", "--rules-skeleton", cwd=tmp_path).stdout.replace(b'reason = ""', b'reason = "members-only"'))
    pack = packs.load(path)
    assert (check(pack, packs.load_ours()), len(pack.rules)) == ([], len(TEXTS))
    engine = Engine(Settings(packs=(str(path),)))
    events = [event for file in sorted(folder.iterdir()) for event in engine.classify(file.read_bytes()).events]
    assert [(str(event.verdict.reason), event.verdict.evidence[0].pack) for event in events] == [("members-only", "mine")] * len(TEXTS)
    assert sorted(event.verdict.evidence[0].rule for event in events) == sorted(pack.rules)
    assert {event.diagnostic for event in events} == {line for rule in pack.rules.values() for line in rule.matches}


def test_an_unfilled_skeleton_is_named_by_the_check(mail: Path) -> None:
    skeleton = mail / "mine.toml"
    skeleton.write_bytes(run("box", "--rules-skeleton", cwd=mail).stdout)
    faults = check(packs.load(skeleton), packs.load_ours())
    assert [fault.where for fault in faults] == ["rules.left-the-loft-at.reason", "rules.the-dovecote-sleeps.reason"]


def test_the_rule_of_the_json_is_that_of_the_skeleton(mail: Path) -> None:
    rules = [tomllib.loads(group["rule"])["rules"] for group in groups(run("box", "--format", "jsonl", cwd=mail)) if group["rule"]]
    assert {name: rule for one in rules for name, rule in one.items()} == tomllib.loads(SKELETON)["rules"]


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("550 5.1.1 customer 4711 left", "customer <num> left"),
        ("550-5.7.1 a pigeon 550 5.7.1 came", "a pigeon came"),
        ("550 #5.1.0 gone", "gone"),
        ("5.4.1 gone", "gone"),
        ("550", ""),
        ("", ""),
        ("<user@example.org>: the dove of User@Example.org", "<addr>: the dove of <addr>"),
        ("192.0.2.1 and 2001:db8::1", "<ip> and <ip>"),
        ("host mx.example.org[192.0.2.1] said: 550 no dove (in reply to RCPT TO command)", "no dove"),
        ("at mx-1.example.org. And a.b.example:25", "at <host>. and <host>:<num>"),
        ("see https://loft.example.org/a?p=17, please", "see <url> please"),
        ("queued as 4A1B2C3D4E5 or 1tXyZ0-000abc-2B", "queued as <id> or <id>"),
        ("code S3150, (tss04)", "code s3150, (tss04)"),
        ("1,024 of 10MB at 2026-01-13 10:00:00", "<num> of <num>mb at <num> <num>"),
        ("status 100...The dove", "status <num>...the dove"),
    ],
)
def test_what_varies_is_masked_and_codes_are_left_out(text: str, template: str) -> None:
    assert mask(text, LIMIT) == template


@pytest.mark.parametrize(
    ("recipient", "text", "template"),
    [
        ("dove-17@example.org", "550 no loft for dove-17.", "no loft for <user>."),
        ("dove-17@example.org", "550 no loft for dove-17-b", "no loft for <id>"),
        ("Dove@example.org", "550 'dove' has no loft", "'<user>' has no loft"),
        ("dove@example.org", "550 dove: no loft", "<user>: no loft"),
        ("dove@example.org", "550 no dove has a loft", "no dove has a loft"),
        ("contact@example.org", "550 contact your postmaster", "contact your postmaster"),
        ("dove@example.org", "550 aucun pigeon «dove»", "aucun pigeon «<user>»"),
        ("a@example.org", "550 (a) no loft", "(a) no loft"),
        (None, "550 'dove' has no loft", "'dove' has no loft"),
    ],
)
def test_the_recipient_s_name_is_masked_where_it_is_no_word_of_the_sentence(recipient: str | None, text: str, template: str) -> None:
    assert mask(text, LIMIT, recipient) == template


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the loft of customer 17 is shut", Literals("any", ("the loft of customer",))),
        ("the loft is shut, 17 pigeons sit outside", Literals("any", ("pigeons sit outside", "the loft is shut"))),
        ("dove 17 gone", Literals("all", ("dove", "gone"))),
        ("the loft of <user@example.org> at 192.0.2.1 is shut", Literals("any", ("the loft of <addr> at <ip> is shut",))),
        ("<user@example.org>: 17 [192.0.2.1]", None),
        ("rejected", None),
        ("no", None),
        ("비둘기가 집에 없습니다 17", Literals("any", ("비둘기가 집에 없습니다",))),
    ],
)
def test_a_rule_asks_for_the_longest_words_that_tell_something(text: str, found: Literals | None) -> None:
    assert literals(mask(text, LIMIT), seen(text, LIMIT)) == found


def grouped(texts: Iterable[str], **options: int) -> Templates:
    templates = Templates(**options)
    for text in texts:
        templates.add("reply", mask(text, LIMIT), code=text[:3], example=text, source=None)
    return templates


def test_words_that_differ_in_a_long_text_become_a_gap() -> None:
    texts = ["550 the pigeon called snow is not at home", "550 the pigeon called rain is not at home"]
    expected = Group(kind="reply", count=2, template="the pigeon called <*> is not at home", codes=("550",), example=texts[0], source=None)
    assert list(grouped(texts).groups()) == [expected]


def test_short_texts_that_differ_in_a_word_stay_apart() -> None:
    texts = ["550 the loft is full", "550 the loft was shut", "550 user full", "550 user shut"]
    assert [group.count for group in grouped(texts).groups()] == [1, 1, 1, 1]


def test_memory_is_bounded_and_frequent_groups_outlive_rare_ones() -> None:
    words = ("snow", "rain", "hail", "wind", "frost", "mist", "heat")
    rare = [f"554 {a} {b} {c} and {d} came" for a in words for b in words for c in words for d in words]
    texts = [text for one in rare for text in ("550 the loft is shut", one)]
    templates = grouped(texts, most=20)
    found = list(templates.groups())
    assert len(found) <= 20
    assert (found[0].count, found[0].template) == (len(rare), "the loft is shut")
    assert templates.texts == len(texts) == sum(group.count for group in found) + templates.forgotten


def test_at_most_twelve_codes_are_kept() -> None:
    (group,) = grouped(f"{code} the loft is shut" for code in range(500, 560)).groups()
    assert (group.count, len(group.codes), group.codes[0]) == (60, 12, "500")
