from __future__ import annotations

import csv
import io
import logging
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from bounceclass_file import Settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bounceclass.addresses import comparable
from bounceclass.engine import Engine
from bounceclass.errors import Refused, SettingsError
from bounceclass.model import Suppression
from tests.plugins.kept import DOCS, HEAD, JUNE, MAY, add, domain, entry, keep

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

# How an entry is written


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("a.csv", {}, HEAD + "user@example.org,,,user-unknown,2026-01-01T00:00:00Z,,k1,policy\n"),
        ("a", {}, HEAD + "user@example.org,,,user-unknown,2026-01-01T00:00:00Z,,k1,policy\n"),
        ("a.csv", {"scope": "news", "until": JUNE, "cause": ("k1", "k2")}, HEAD + "user@example.org,,news,user-unknown,2026-01-01T00:00:00Z,2026-06-01T00:00:00Z,k1 k2,policy\n"),
        ("a.csv", {"address": None, "domain": "example.org"}, HEAD + ",example.org,,user-unknown,2026-01-01T00:00:00Z,,k1,policy\n"),
        ("a.jsonl", {}, '{"address": "user@example.org", "domain": null, "scope": null, "reason": "user-unknown", "since": "2026-01-01T00:00:00Z", "until": null, "cause": ["k1"], "by": "policy"}\n'),
        ("a.txt", {}, "user@example.org\n"),
        ("a.txt", {"address": None, "domain": "example.org"}, "@example.org\n"),
    ],
)
def test_an_entry_is_a_line(tmp_path: Path, name: str, given: dict[str, Any], text: str) -> None:
    add(tmp_path / name, entry(**given))
    assert (tmp_path / name).read_text() == text


def test_the_ending_of_the_path_tells_the_format_unless_it_is_set(tmp_path: Path) -> None:
    add(tmp_path / "a.csv", entry(), format="plain")
    assert (tmp_path / "a.csv").read_text() == "user@example.org\n"


@pytest.mark.parametrize(
    ("address", "cell"),
    [
        ("=1+1@example.org", "\"'=1+1@example.org\""),
        ("+x@example.org", "'+x@example.org"),
        ("-x@example.org", "'-x@example.org"),
        ("@x", "'@x"),
        ("#x@example.org", "\"'#x@example.org\""),
        ("\tx@example.org", "\"'\tx@example.org\""),
        ("＝x@example.org", "\"'＝x@example.org\""),  # noqa: RUF001  what a spreadsheet takes for a formula
        ("'=x@example.org", "\"''=x@example.org\""),
        ("o'brien@example.org", "o'brien@example.org"),
        ("'x@example.org", "'x@example.org"),
        ("a,b@example.org", '"a,b@example.org"'),
        ("a;=b@example.org", '"a;=b@example.org"'),
        ('"a b"@example.org', '"""a b""@example.org"'),
    ],
)
def test_a_cell_is_quoted_and_guarded_and_known_again(tmp_path: Path, address: str, cell: str) -> None:
    path = tmp_path / "a.csv"
    add(path, entry(address), entry(address))
    assert path.read_text() == f"{HEAD}{cell},,,user-unknown,2026-01-01T00:00:00Z,,k1,policy\n"
    keep(path).bounceclass_release(entry(address))
    assert path.read_text() == HEAD


LINE_ENDS = ["\n", "\r", "\r\n", "\0", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
FRAGMENTS = ["", " ", "x", "victim@example.net", "#", "\t", ",", '"', "=cmd()", "@example.net"]


@pytest.mark.parametrize("form", ["csv", "plain"])
@pytest.mark.parametrize("end", LINE_ENDS, ids=ascii)
def test_an_address_that_would_end_a_line_is_refused(tmp_path: Path, form: str, end: str) -> None:
    path = tmp_path / "a"
    kept = keep(path, format=form)
    for before in FRAGMENTS:
        with pytest.raises(Refused, match=r"which no address has|can't stand in a plain file"):
            kept.bounceclass_suppress(entry(f"{before}{end}victim@example.net"))
    assert not path.exists()


@pytest.mark.parametrize(
    "address",
    [
        *(f"{mark}x@example.org" for mark in "=+-@#'\",;:!*|/^(<& \t＝＃"),  # noqa: RUF001  as above
        "a b@example.org", "a\tb@example.org", "a,b@example.org", 'a"b@example.org', "a:b@example.org", "root", "example.org", "user@", "a@b@example.org",
        "a@-example.org", "a\u00a0b@example.org", "a\u202eb@example.org", "a\\b@example.org", "user@example.org #", "user@[192.0.2.1]",
    ],
)  # fmt: skip
def test_a_plain_file_takes_nothing_that_could_be_read_as_more_than_an_address(tmp_path: Path, address: str) -> None:
    with pytest.raises(Refused, match="can't stand in a plain file, where it might be read as something else: use csv or jsonl"):
        add(tmp_path / "a.txt", entry(address))
    assert not (tmp_path / "a.txt").exists()


@pytest.mark.parametrize("address", ["user+tag@example.org", "o'brien@example.org", "a_b.c-d@sub.example.org", "用户@例え.jp", "a#b@example.org", "_x@example.org"])
def test_a_plain_file_takes_ordinary_addresses(tmp_path: Path, address: str) -> None:
    add(tmp_path / "a.txt", entry(address), entry(address))
    assert (tmp_path / "a.txt").read_text() == f"{address}\n"


@pytest.mark.parametrize("name", ["x y", "@example.org", "a@example.org", "x\ny", "#x"])
def test_a_plain_file_takes_no_domain_that_could_be_read_as_an_address(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused):
        add(tmp_path / "a.txt", domain(name))


@pytest.mark.parametrize("form", ["csv", "jsonl", "plain"])
def test_a_name_too_long_to_be_one_is_refused(tmp_path: Path, form: str) -> None:
    with pytest.raises(Refused, match="a name of 70,012 characters"):
        add(tmp_path / "a", entry("x" * 70_000 + "@example.org"), format=form)


def test_an_entry_too_long_for_a_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="longer than a line"):
        add(tmp_path / "a.csv", entry(cause=("k" * 70_000,)))


def unguarded(cell: str) -> str:
    return cell[1:] if re.match("'+[=+\\-@#\t＝＋－＠]", cell) else cell  # noqa: RUF001  as documented


TEXT = st.text(max_size=20).map(lambda text: f"{text}@example.org") | st.text(min_size=1, max_size=20) | st.sampled_from([f"{a}{b}@example.org" for a in FRAGMENTS for b in LINE_ENDS])


@pytest.mark.parametrize("form", ["csv", "jsonl", "plain"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(addresses=st.lists(TEXT, max_size=8, unique_by=comparable))
def test_whatever_is_written_is_read_back_and_nothing_else(tmp_path: Path, form: str, addresses: list[str]) -> None:
    path = tmp_path / f"a.{form}"
    path.unlink(missing_ok=True)
    kept = keep(path, format=form)
    written = []
    for address in addresses * 2:
        try:
            kept.bounceclass_suppress(entry(address))
        except Refused:
            continue
        written.append(address)
    half = len(written) // 2
    assert written[:half] == written[half:]
    data = path.read_bytes() if written else b""
    assert read_by_others(form, data) == written[:half]
    assert len(data.decode().splitlines()) == half + (form == "csv" and half > 0)
    for address in written[:half]:
        kept.bounceclass_release(entry(address))
    assert not written or path.read_text() == (HEAD if form == "csv" else "")


def read_by_others(form: str, data: bytes) -> list[str]:
    """Read by those who know nothing of us, but the guard of a CSV cell."""
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
        assert all(None not in row for row in rows)
        return [unguarded(row["address"]) for row in rows]
    if form == "jsonl":
        return [msgspec.json.decode(line, type=Suppression).address or "" for line in data.split(b"\n") if line]
    return data.decode().splitlines()


def test_undecodable_bytes_are_spelt_out(tmp_path: Path) -> None:
    for name in ("a.csv", "a.jsonl"):
        add(tmp_path / name, entry("caf\udce9@example.org"), entry("caf\udce9@example.org"))
        assert (tmp_path / name).read_bytes().count(b"caf") == 1


# One entry, one line


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
@pytest.mark.parametrize("again", ["user@example.org", "USER@EXAMPLE.ORG", "user@Example.ORG."])
def test_another_spelling_is_the_same_entry_as_it_was_first_written(tmp_path: Path, name: str, again: str) -> None:
    path = tmp_path / name
    add(path, entry())
    before = path.read_text()
    add(path, entry(again, cause=("k2",)))
    assert path.read_text() == before
    keep(path).bounceclass_release(entry(again))
    assert path.read_text() == (HEAD if name == "a.csv" else "")


def test_a_domain_in_unicode_is_the_same_as_in_a_labels(tmp_path: Path) -> None:
    add(tmp_path / "a.txt", entry("x@bücher.example"), entry("x@xn--bcher-kva.example"), entry("x@BÜCHER.example"))
    assert (tmp_path / "a.txt").read_text() == "x@bücher.example\n"


def test_what_differs_in_address_scope_or_kind_is_another_entry(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    all_ = [entry(), entry(scope="news"), entry("user+x@example.org"), domain("example.org"), entry("example.org")]
    add(path, *all_, *all_)
    keep(path).bounceclass_release(entry())
    assert [line.split(",")[:3] for line in path.read_text().splitlines()[1:]] == [
        ["user@example.org", "", "news"], ["user+x@example.org", "", ""], ["", "example.org", ""], ["example.org", "", ""],
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "then", "until"), [(MAY, JUNE, JUNE), (MAY, None, None), (JUNE, MAY, JUNE), (None, MAY, None), (MAY, MAY, MAY)])
def test_the_entry_that_lasts_longer_stays(tmp_path: Path, first: datetime | None, then: datetime | None, until: datetime | None) -> None:
    path = tmp_path / "a.jsonl"
    add(path, entry("other@example.org"), entry(until=first), entry("last@example.org"), entry(until=then, cause=("k2",)))
    rows = [msgspec.json.decode(line, type=Suppression) for line in path.read_bytes().splitlines()]
    changed = until != first
    assert [row.until for row in rows if row.address == "user@example.org"] == [until]
    assert [row.address for row in rows] == ["other@example.org", *(["last@example.org", "user@example.org"] if changed else ["user@example.org", "last@example.org"])]
    assert path.read_bytes().count(b"k2") == changed


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_a_release_of_what_is_not_there_is_no_error(tmp_path: Path, name: str) -> None:
    kept = keep(tmp_path / name)
    kept.bounceclass_release(entry())
    kept.bounceclass_suppress(entry("other@example.org"))
    before = (tmp_path / name).read_text()
    kept.bounceclass_release(entry())
    assert (tmp_path / name).read_text() == before


def test_many_entries_come_and_go(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    kept = keep(path)
    names = [f"user{number}@example.org" for number in range(60)]
    for name in names:
        kept.bounceclass_suppress(entry(name))
    for name in names[::3]:
        kept.bounceclass_release(entry(name))
    for name in names[::6]:
        kept.bounceclass_suppress(entry(name))
    for name in names[1::3]:
        kept.bounceclass_release(entry(name))
    expected = [*names[2::3], *names[::6]]
    assert path.read_text().split() == expected
    keep(path).bounceclass_release(entry(names[6]))
    expected.remove(names[6])
    assert path.read_text().split() == expected


# Scope in a plain file


def test_a_plain_file_holds_the_entries_of_one_scope(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    add(path, entry("a@example.org", scope="news"), entry("b@example.org"), entry("c@example.org", scope="other"), scope="news")
    keep(path, scope="news").bounceclass_release(entry("a@example.org"))
    assert path.read_text() == "a@example.org\n"


def test_a_plain_file_without_a_scope_refuses_an_entry_that_has_one(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="an entry for 'news' alone can't stand in a plain file: set `scope`"):
        add(tmp_path / "a.txt", entry(scope="news"))


def test_a_scope_is_no_setting_of_a_file_with_a_column_for_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="scope is for plain files: a csv file has a column for it"):
        keep(tmp_path / "a.csv", scope="news")


# What a person wrote

HAND = {
    "a.csv": HEAD.encode() + b'hand@example.org\r\n# a comment\n\n"open quote\nbad \xff bytes\nhand2@example.org,,,,,never,,me\n,,,\n' + b"y" * 200_000 + b"\nlast line, left open",
    "a.jsonl": b'{"address": "hand@example.org"}\n{"address": 5}\n{not json\n[]\n\n' + b"[" * 5000 + b"\n\xff\nopen",
    "a.txt": b"# a comment\n\nhand@example.org  # why\n\xff\xfe\n" + b"z" * 200_000 + b"\nopen",
}


@pytest.mark.parametrize("name", HAND)
def test_lines_that_are_not_ours_stay_as_they_are_and_where_they_are(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HAND[name])
    kept = keep(path)
    kept.bounceclass_suppress(entry())
    assert path.read_bytes().startswith(HAND[name] + b"\n")
    with path.open("ab") as file:
        file.write(b"later @ by hand\n")
    kept.bounceclass_release(entry())
    assert path.read_bytes() == HAND[name] + b"\nlater @ by hand\n"


@pytest.mark.parametrize(("name", "line"), [("a.csv", HEAD + "user@example.org\n"), ("a.jsonl", '{"address":"user@example.org"}\n')])
def test_an_entry_that_a_person_added_counts_and_is_not_released(tmp_path: Path, name: str, line: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / name
    path.write_text(line)
    add(path, entry())
    assert path.read_text() == line
    with caplog.at_level(logging.WARNING):
        keep(path).bounceclass_release(entry())
    assert path.read_text() == line
    assert "says nothing of who wrote it stays" in caplog.text
    assert "user@" not in caplog.text


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("email;name\nx@example.org;X\n")
    with pytest.raises(SettingsError, match=r"a\.csv: its first line is not 'address,.*another kind of file, and left alone"):
        add(path, entry())
    assert path.read_text() == "email;name\nx@example.org;X\n"


def test_a_head_as_a_spreadsheet_saves_it_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.strip().encode() + b",note\r\nuser@example.org,,,user-unknown,2026-01-01T00:00:00Z,,k1,policy,called\r\n")
    add(path, entry())
    keep(path).bounceclass_release(entry())
    assert path.read_bytes() == b"\xef\xbb\xbf" + HEAD.strip().encode() + b",note\r\n"


# With the rest


def test_an_engine_asks_it_in_its_thread(tmp_path: Path) -> None:
    plugins = Engine(plugins=[keep(tmp_path / "a.txt")]).plugins
    assert plugins.tell("suppress", suppression=entry(), key="k") == []
    assert plugins.tell("release", suppression=entry("x y"), key="k") == []
    assert [one.fault for one in plugins.tell("suppress", suppression=entry("x y@example.org"), key="k")] != []
    assert (tmp_path / "a.txt").read_text() == "user@example.org\n"


def test_every_setting_is_documented() -> None:
    section = DOCS.read_text(encoding="utf-8").partition("\n## file\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(Settings.__struct_fields__)
