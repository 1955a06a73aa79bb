"""What the summary says of the story: the whole of it, as data and as text, on both databases; and that it changes nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.cells import cell_len

from bounceclass.assembly import opened
from bounceclass.cli.summarytext import bar, show
from bounceclass.controls import steers
from bounceclass.model import Action, Decision
from bounceclass.settings import SecretSource
from bounceclass.summary import unknowns
from bounceclass.summary.compiling import compile_summary
from bounceclass.summary.contents import Quarantined, Rates, Summary
from bounceclass.summary.html import page
from bounceclass.summary.wording import Wording
from tests.cli.test_terminal import STYLE, on_terminal
from tests.runner.conftest import ROOT, bounce
from tests.store.conftest import server, url  # noqa: F401  fixtures: both databases
from tests.summary.conftest import HOURS, LISTED, NOW, SINCE, enter, record_sent, tell

if TYPE_CHECKING:
    from bounceclass.assembly import Parts
    from bounceclass.config import Configuration

HERE = Path(__file__).parent
STUCK = Quarantined(source="maildir:/var/mail/bounces", count=2, oldest=SINCE, why="attempted 3 times: RecursionError")


def compiled(parts: Parts, settings: Configuration) -> Summary:
    return compile_summary(parts.store, settings, SINCE, NOW, [STUCK])


def golden(name: str, said: str, request: pytest.FixtureRequest) -> str:
    """What a file holds that `--accept` rewrites."""
    path = HERE / name
    if request.config.getoption("--accept"):
        path.write_text(said, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def test_the_whole_of_it_as_data(filled: Parts, settings: Configuration, request: pytest.FixtureRequest) -> None:
    found = compiled(filled, settings)
    written = msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n"
    assert written == golden("story.json", written, request)
    assert msgspec.json.decode(written, type=Summary) == found


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_whole_of_it_as_text(
    filled: Parts, settings: Configuration, language: str, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    show(compiled(filled, settings), Wording(language))
    said = capsys.readouterr().out
    assert said == golden(f"story-{language}.txt", said, request)
    assert [line for line in said.splitlines() if steers(line)] == []


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_on_a_terminal_it_is_no_wider_than_that(filled: Parts, tmp_path: Path, width: int) -> None:
    assert filled.store
    lines = STYLE.sub("", on_terminal(["--config", str(tmp_path / "bounceclass.toml"), "summary", "--since", SINCE.isoformat(), "--lang", "ko"], width)).splitlines()
    assert max(cell_len(line) for line in lines) <= width
    assert len(lines) < 300
    assert [line for line in lines if steers(line)] == []


def test_of_an_empty_store_every_section_says_that_there_is_nothing(parts: Parts, settings: Configuration, capsys: pytest.CaptureFixture[str]) -> None:
    found = compile_summary(parts.store, settings, SINCE, NOW)
    show(found, Wording("en"))
    said = capsys.readouterr().out
    for key in ("fix_none", "held_none", "suppressions_none", "unknowns_none", "backscatter_none", "duplicates_none", "quarantine_unknown", "rates_unknown"):
        assert Wording("en").say("notes", key) in said.replace("\n", " "), key
    assert "<h2" in page(found, Wording("ko"))


@pytest.mark.parametrize(
    ("sent", "begins", "rates"),
    [
        (0, 0, Rates()),
        (1000, 0, Rates(basis="sent", since=SINCE, of=1000, bounces=22, complaints=0, bounce_rate=0.022, complaint_rate=0.0)),
        (400, 5, Rates(basis="sent", since=SINCE + timedelta(days=5), of=400, bounces=7, complaints=0, bounce_rate=0.0175, complaint_rate=0.0)),
    ],
    ids=["no-log", "log", "log-that-began-later"],
)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_rate_is_of_what_was_sent_or_it_is_not_known(filled: Parts, settings: Configuration, sent: int, begins: int, rates: Rates) -> None:
    record_sent(filled, sent, SINCE + timedelta(days=begins))
    assert compiled(filled, settings).rates == rates


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("delivered", "basis"), [(1, None), (30, "deliveries")])
def test_deliveries_are_what_a_rate_is_of_only_where_they_plainly_are_reported(filled: Parts, settings: Configuration, delivered: int, basis: str | None) -> None:
    for number in range(1000, 1000 + delivered):
        raw = bounce(number, f"glad{number}@paper.test", "250 2.0.0 Ok").replace(b"Action: failed", b"Action: delivered")
        enter(filled, raw.replace(b"Undelivered Mail Returned to Sender", b"Successful Mail Delivery Report"), NOW - HOURS)
    assert compiled(filled, settings).rates.basis == basis


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_store_that_hashes_addresses_tells_what_it_keeps(settings: Configuration, tmp_path: Path) -> None:
    store = msgspec.structs.replace(settings.store, url=f"sqlite:///{tmp_path}/hashed.db", hash_key=SecretSource(secret="0" * 16))
    settings = msgspec.structs.replace(settings, store=store)
    with opened(settings, urls=()) as parts:
        tell(parts)
        found = compiled(parts, settings)
    listed = next(one for one in found.fix if one.what == "listed")
    assert (listed.ip, listed.list, listed.count, listed.example, listed.url) == ("192.0.2.1", "zen.spamhaus.org", 5, None, None)
    assert (found.unknowns.count, found.unknowns.by, found.unknowns.groups) == (3, None, ())
    said = page(found, Wording("en"))
    assert [word for word in ("reader0", "owl2", "the loft is shut", "SPF check failed") if word in said] == []


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_without_drain3_texts_are_grouped_by_equal_wording(filled: Parts, settings: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = compiled(filled, settings).unknowns
    monkeypatch.setitem(sys.modules, "drain3.drain", None)
    found = compiled(filled, settings).unknowns
    assert found == msgspec.structs.replace(usual, by="wording")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_of_very_many_unknown_texts_the_newest_are_grouped(filled: Parts, settings: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bounceclass.summary.compiling.MOST_READ", 2)
    found = compiled(filled, settings).unknowns
    assert (found.count, found.read, found.groups[0].example) == (3, 2, "550 the loft is shut for owl2 today")
    assert unknowns.MOST_READ == 20_000


def test_what_nothing_ties_to_our_mail_tells_nobody_what_to_fix(parts: Parts, settings: Configuration) -> None:
    forged = bounce(1, "a@else.test", LISTED).replace(b"mx.example.com", b"mx.forger.test").replace(b"lists.example.com", b"ours.test")
    enter(parts, forged, NOW - HOURS)
    found = compiled(parts, settings)
    assert (found.fix, found.kinds["bounce"], found.reasons, found.backscatter.none) == ((), 0, (), 1)
    assert [(one.name, one.count) for one in found.backscatter.domains] == [("ours.test", 1)]


def test_a_delay_that_became_a_failure_is_not_counted_beside_it(parts: Parts, settings: Configuration) -> None:
    raw = bounce(1, "a@paper.test", "550 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org")
    enter(parts, raw.replace(b"Action: failed", b"Action: delayed"), NOW - 2 * HOURS)
    enter(parts, raw.replace(b"<1.report", b"<2.report"), NOW - HOURS)
    found = compiled(parts, settings)
    assert (found.kinds["delay"], found.kinds["bounce"], [one.count for one in found.fix]) == (0, 1, [1])


def test_what_incidents_of_one_name_hold_is_told_once_and_old_ones_only_while_they_hold(parts: Parts, settings: Configuration) -> None:
    wait = Decision(action=Action.HOLD, because="too many")
    long_ago, days = SINCE - timedelta(days=9), timedelta(days=1)
    with parts.store.transaction() as ledger:
        for name, closed in (("a", long_ago + days), ("b", long_ago + days), ("c", NOW - days)):
            ledger.brake.open(name, long_ago, "too many")
            ledger.brake.close(name, closed)
        ledger.brake.open("c", NOW - HOURS, "again")
        for key, name in (("1", "b"), ("2", "c"), ("3", "c")):
            ledger.brake.hold(key, wait, NOW - HOURS, name)
    found = compiled(parts, settings)
    assert [(one.name, one.because, one.until, one.held) for one in found.incidents] == [
        ("b", "too many", long_ago + days, 1),
        ("c", "too many", NOW - days, 0),
        ("c", "again", None, 2),
    ]
    assert found.waiting == 3


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_source_that_cannot_be_read_is_told(parts: Parts, tmp_path: Path) -> None:
    (tmp_path / "bounceclass.toml").write_text(f'store = {{ url = "{parts.store.url}" }}\nrun = {{ sources = ["gopher:nowhere"] }}\n', encoding="utf-8")
    done = run("--config", str(tmp_path / "bounceclass.toml"), "summary", "--format", "json")
    (one,) = msgspec.json.decode(done.stdout, type=Summary).quarantine or ()
    assert (done.returncode, one.source, one.count, "nobody knows what that is" in done.stderr) == (1, "gopher:nowhere", None, True)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    return subprocess.run([sys.executable, "-m", "bounceclass", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, env=environment)  # noqa: S603  our own command


def dumped(path: Path) -> list[str]:
    """All that a database has, as SQL."""
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_command_prints_or_writes_it_and_changes_nothing_in_the_store(filled: Parts, tmp_path: Path) -> None:
    dump = dumped(tmp_path / "store.db")
    (tmp_path / "box" / ".Quarantine" / "cur" / "1.M1.mx").write_bytes(b"From: a\n\n")
    given = ("--config", str(tmp_path / "bounceclass.toml"), "summary", "--since", SINCE.isoformat())

    data = run(*given, "--format", "json")
    found = msgspec.json.decode(data.stdout, type=Summary)
    assert (data.returncode, data.stderr, len(found.fix), found.since) == (0, "", len(compile_summary(filled.store, _plain(), SINCE, NOW).fix), SINCE)
    assert found.quarantine is not None
    assert [(one.source, one.count, one.why) for one in found.quarantine] == [(f"maildir:{tmp_path}/box", 1, "why isn't known")]

    text = run(*given)
    assert (text.returncode, text.stderr, text.stdout.splitlines()[0].split("  ")[0]) == (0, "", "What bounced")
    assert "1. 192.0.2.1 has a poor reputation at yahoo" in text.stdout

    html = run(*given, "--html", str(tmp_path / "page.html"), "--lang", "ko")
    assert (html.returncode, html.stdout) == (0, "")
    assert '<html lang="ko">' in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert dumped(tmp_path / "store.db") == dump


def _plain() -> Configuration:
    from bounceclass.config import DEFAULT  # noqa: PLC0415  only here

    return msgspec.structs.replace(DEFAULT, own_hosts=(".example.com",))


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--html", "x.html", "--format", "json"), 2, "--html writes a page"),
        (("--since", "2999-01-01"), 2, "nothing has happened since then"),
        (("--since", "yesterday"), 2, "is no time"),
        (("--lang", "tlh"), 2, "known are en, ko"),
        (("--html", "{folder}/none/x.html"), 1, "No such file or directory"),
    ],
)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_cannot_be_is_said(parts: Parts, tmp_path: Path, options: tuple[str, ...], code: int, said: str) -> None:
    assert parts.store
    done = run("--config", str(tmp_path / "bounceclass.toml"), "summary", *(option.format(folder=tmp_path) for option in options))
    assert (done.returncode, said in done.stderr, done.stdout) == (code, True, "")


@pytest.mark.parametrize(("number", "most", "drawn"), [(0, 9, ""), (1, 1000, "▏"), (500, 1000, "█" * 12), (1000, 1000, "█" * 24)])
def test_a_bar_is_seen_wherever_there_is_something(number: int, most: int, drawn: str) -> None:
    assert bar(number, most) == drawn
