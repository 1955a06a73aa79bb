"""Every kind of path, given by itself or met in a folder, and what keeps one from being read."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from errno import EACCES, ENOENT
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bounceclass.settings import DEFAULT, Limits
from bounceclass.sources.files import Input, LeftOut, read_paths, split_mbox

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = DEFAULT.limits
SMALL = Limits(message=100, head=10)
MAIL = b"Subject: a\n\nbody\n"
LINE = b"From user@example.org Tue Jan 13 09:12:44 2026\n"
BOX = LINE + MAIL + b"\n" + LINE + b"Subject: b\n\n"
NOBODY = 65534


def read(*paths: str, limits: Limits = LIMITS) -> list[Input]:
    return list(read_paths(paths, limits, LeftOut()))


def sources(*paths: str) -> list[str]:
    return [item.source for item in read(*paths)]


def put(name: str, data: bytes = MAIL) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(data)


def messages(data: bytes, limits: Limits = LIMITS) -> list[tuple[bytes, bool]]:
    return list(split_mbox(data[:5], io.BytesIO(data[5:]), limits))


@contextmanager
def without_privileges() -> Iterator[None]:
    """As nobody where we are root, whom no permission keeps out."""
    root = os.geteuid() == 0
    if root:
        try:
            os.seteuid(NOBODY)
        except PermissionError:
            pytest.skip("root is kept out of no file, and this root may not become somebody else")
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.eml", MAIL, [Input("a.eml", MAIL)]),
        ("a.EML", BOX, [Input("a.EML", BOX)]),
        ("a.eml", b"", [Input("a.eml", b"")]),
        ("a.eml", b"Sub", [Input("a.eml", b"Sub")]),
        ("a.eml", b">From x\n>From y\n", [Input("a.eml", b">From x\n>From y\n")]),
        ("notice", MAIL, [Input("notice", MAIL)]),
        ("notice.txt", b"\x00\xff\r", [Input("notice.txt", b"\x00\xff\r")]),
        ("notice", b"", [Input("notice", b"")]),
        ("box", BOX, [Input("box:1", LINE + MAIL + b"\n"), Input("box:2", LINE + b"Subject: b\n\n")]),
        ("box.mbox", BOX, [Input("box.mbox:1", LINE + MAIL + b"\n"), Input("box.mbox:2", LINE + b"Subject: b\n\n")]),
        ("box.MBX", LINE, [Input("box.MBX:1", LINE)]),
        ("box.mbox", MAIL, [Input("box.mbox:1", MAIL)]),
        ("box.mbox", b"From", [Input("box.mbox:1", b"From")]),
        ("box.mbox", b"", []),
    ],
)
def test_a_file_is_one_message_or_an_mbox_by_its_name_else_by_its_first_line(name: str, data: bytes, expected: list[Input]) -> None:
    put(name, data)
    assert read(name) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (MAIL, [Input("-", MAIL)]),
        (BOX, [Input("-:1", LINE + MAIL + b"\n"), Input("-:2", LINE + b"Subject: b\n\n")]),
        (b"", [Input("-", b"")]),
        (b"Fro", [Input("-", b"Fro")]),
    ],
)
def test_standard_input_is_one_message_or_an_mbox_by_its_first_line(data: bytes, expected: list[Input], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read("-") == expected


def test_a_file_named_like_standard_input_is_read_by_a_longer_name() -> None:
    put("-", MAIL)
    assert read("./-") == [Input("./-", MAIL)]


def test_a_pipe_is_read_as_a_file_is() -> None:
    end, other = os.pipe()
    os.write(other, BOX)
    os.close(other)
    assert sources(f"/dev/fd/{end}") == [f"/dev/fd/{end}:1", f"/dev/fd/{end}:2"]
    os.close(end)


@pytest.mark.parametrize(
    ("written", "body"),
    [
        (b">From a\n", b"From a\n"),
        (b">>From a\n", b">From a\n"),
        (b">>>>From a\n", b">>>From a\n"),
        (b"x\n>From a\n\n>From b\n", b"x\nFrom a\n\nFrom b\n"),
        (b"> From a\n", b"> From a\n"),
        (b" >From a\n", b" >From a\n"),
        (b">Fromage\n", b">Fromage\n"),
        (b">from a\n", b">from a\n"),
        (b"a >From b\n", b"a >From b\n"),
        (b">From a\r\n", b"From a\r\n"),
    ],
)
def test_the_quoting_of_an_mboxrd_is_undone(written: bytes, body: bytes) -> None:
    put("box.mbox", LINE + b"Subject: a\n\n" + written)
    assert read("box.mbox") == [Input("box.mbox:1", LINE + b"Subject: a\n\n" + body)]


@pytest.mark.parametrize(
    "line",
    [
        b"From user@example.org Tue Jan 13 09:12:44 2026",
        b"From user@example.org Tue Jan  3 09:12:44 2026\r",
        b"From user@example.org  Tue Jan 13 09:12:44 2026  ",
        b"From MAILER-DAEMON Tue Jan 13 09:12:44 CET 2026",
        b"From - Tue Jan 13 09:12:44 2026",
        b"From user@example.org Tue Jan 13 09:12:44 2026 +0100",
        b"From user@example.org Tue Jan 13 09:12 2026",
        b'From "a b"@example.org Tue Jan 13 09:12:44 2026',
    ],
)
def test_a_from_line_behind_a_blank_line_opens_a_message(line: bytes) -> None:
    put("box.mbox", LINE + MAIL + b"\n" + line + b"\n" + MAIL)
    assert read("box.mbox") == [Input("box.mbox:1", LINE + MAIL + b"\n"), Input("box.mbox:2", line + b"\n" + MAIL)]




@pytest.mark.parametrize(
    "body",
    [
        b"\nFrom here on it is prose\n",
        b"\nFrom\n",
        b"\nFrom \n",
        b"\nFromage 2026\n",
        b"\n From user@example.org Tue Jan 13 09:12:44 2026\n",
        b"\nfrom user@example.org Tue Jan 13 09:12:44 2026\n",
        b"no blank line before\nFrom user@example.org Tue Jan 13 09:12:44 2026\n",
        pytest.param(b"\nFrom the summer of 2019\n"),
        pytest.param(b"\nFrom 10:00 on, call extension 4711\n"),
    ],
)
def test_a_from_line_that_opens_no_message_belongs_to_the_body(body: bytes) -> None:
    put("box.mbox", LINE + MAIL + body)
    assert read("box.mbox") == [Input("box.mbox:1", LINE + MAIL + body)]


@pytest.mark.parametrize("name", ["gone.eml", "gone.mbox", "gone", "gone/a.eml", "link"])
def test_a_file_that_is_missing_is_named_with_its_fault_and_the_rest_is_read(name: str) -> None:
    put("a.eml")
    Path("link").symlink_to("nowhere")
    assert read("a.eml", name, "a.eml") == [Input("a.eml", MAIL), Input(name, fault=os.strerror(ENOENT)), Input("a.eml", MAIL)]


def test_an_empty_path_is_no_folder() -> None:
    put("a.eml")
    assert read("") == [Input("", fault=os.strerror(ENOENT))]


@pytest.mark.parametrize("folder", ["box", "box/cur"])
def test_a_file_that_may_not_be_read_is_named_with_its_fault_and_the_rest_is_read(folder: str) -> None:
    Path("box/new").mkdir(parents=True)
    for name in ("a", "b", "c"):
        put(f"{folder}/{name}.eml")
    Path(f"{folder}/b.eml").chmod(0)
    with without_privileges():
        found = read("box", f"{folder}/b.eml")
    fault = Input(f"{folder}/b.eml", fault=os.strerror(EACCES))
    assert found == [Input(f"{folder}/a.eml", MAIL), fault, Input(f"{folder}/c.eml", MAIL), fault]


@pytest.mark.parametrize("mode", [0o000, 0o111, 0o444], ids=oct)
def test_a_folder_that_may_not_be_listed_or_entered_is_named_with_its_fault_and_the_rest_is_read(mode: int) -> None:
    for name in ("in/a/1.eml", "in/b/1.eml", "in/c/1.eml"):
        put(name)
    Path("in/b").chmod(mode)
    with without_privileges():
        found = read("in", "in/b")
    Path("in/b").chmod(0o755)
    fault = Input("in/b", fault=os.strerror(EACCES))
    assert found == [Input("in/a/1.eml", MAIL), fault, Input("in/c/1.eml", MAIL), fault]


def test_a_folder_is_read_in_the_order_of_names_with_all_that_is_below() -> None:
    for name in ("b/2.eml", "b/1/x.eml", "b.eml", "a.mbox", "c/d/e/f.EML", "c/empty.eml", "B.eml"):
        put(f"in/{name}", BOX if name == "a.mbox" else MAIL)
    assert sources("in") == ["in/B.eml", "in/a.mbox:1", "in/a.mbox:2", "in/b/1/x.eml", "in/b/2.eml", "in/b.eml", "in/c/d/e/f.EML", "in/c/empty.eml"]


@pytest.mark.parametrize(
    ("given_path", "expected"),
    [
        ("in", ["in/a.eml", "in/b/c.mbox:1"]),
        ("in/", ["in/a.eml", "in/b/c.mbox:1"]),
        ("./in", ["./in/a.eml", "./in/b/c.mbox:1"]),
        ("in/../in", ["in/../in/a.eml", "in/../in/b/c.mbox:1"]),
        (".", ["./in/a.eml", "./in/b/c.mbox:1"]),
        ("./in/a.eml", ["./in/a.eml"]),
        ("in//b/c.mbox", ["in//b/c.mbox:1"]),
    ],
)
def test_a_message_is_named_by_the_path_as_it_was_given(given_path: str, expected: list[str]) -> None:
    put("in/a.eml")
    put("in/b/c.mbox", LINE + MAIL)
    assert sources(given_path) == expected


def test_paths_are_read_in_the_order_in_which_they_were_given_twice_if_given_twice() -> None:
    put("a.eml")
    put("in/b.eml")
    assert sources("in", "a.eml", "in") == ["in/b.eml", "a.eml", "in/b.eml"]


def test_a_path_is_opened_only_when_its_turn_comes() -> None:
    put("a.eml")
    inputs = read_paths(["a.eml", "b.eml"], LIMITS, LeftOut())
    assert next(inputs) == Input("a.eml", MAIL)
    put("b.eml", BOX)
    assert next(inputs) == Input("b.eml", BOX)


def test_a_maildir_is_read_by_place_not_by_name() -> None:
    for name in ("cur/1700000000.M1P1.mx:2,S", "new/1700000001.M1P1.mx", "new/0.mbox", "tmp/1700000002.M1P1.mx", "tmp/x.eml", "dovecot-uidlist"):
        put(f"box/{name}", BOX)
    left_out = LeftOut()
    found = list(read_paths(["box"], LIMITS, left_out))
    assert found == [Input(f"box/{name}", BOX) for name in ("cur/1700000000.M1P1.mx:2,S", "new/0.mbox", "new/1700000001.M1P1.mx")]
    assert left_out == LeftOut()


def test_the_folders_of_a_maildir_are_maildirs_too() -> None:
    for name in ("cur/1", "new/2", ".Sent/cur/3", ".Sent/new/4", ".Sent/tmp/5"):
        put(f"in/box/{name}")
    Path("in/box/tmp").mkdir()
    assert sources("in") == ["in/box/.Sent/cur/3", "in/box/.Sent/new/4", "in/box/cur/1", "in/box/new/2"]


def test_a_folder_named_cur_beside_no_new_is_a_folder_as_any_other() -> None:
    put("in/cur/1")
    put("in/cur/2.eml")
    put("in/tmp/3.eml")
    assert sources("in") == ["in/cur/2.eml", "in/tmp/3.eml"]


def test_an_empty_folder_and_an_empty_maildir_give_nothing() -> None:
    for name in ("in", "box/cur", "box/new", "box/tmp"):
        Path(name).mkdir(parents=True)
    assert read("in", "box") == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), LeftOut()),
        (("a.txt",), LeftOut(1, ["in/a.txt"])),
        (("b/eml", "a.eml.gz", "c.msg", "d", "e.emlx"), LeftOut(5, ["in/a.eml.gz", "in/b/eml", "in/c.msg"])),
    ],
)
def test_what_is_no_mail_by_its_name_is_left_out_and_counted(names: tuple[str, ...], expected: LeftOut) -> None:
    put("in/x.eml")
    for name in names:
        put(f"in/{name}")
    left_out = LeftOut()
    assert [item.source for item in read_paths(["in"], LIMITS, left_out)] == ["in/x.eml"]
    assert left_out == expected


def test_a_file_given_by_itself_is_mail_by_whatever_name() -> None:
    put("a.txt")
    left_out = LeftOut()
    assert list(read_paths(["a.txt"], LIMITS, left_out)) == [Input("a.txt", MAIL)]
    assert left_out == LeftOut()


def test_a_link_in_a_folder_is_not_followed() -> None:
    put("secret.eml")
    put("elsewhere/a.eml")
    put("in/real.eml")
    Path("in/file.eml").symlink_to("../secret.eml")
    Path("in/folder").symlink_to("../elsewhere")
    Path("in/loop").symlink_to(".")
    Path("in/nowhere.eml").symlink_to("nowhere")
    left_out = LeftOut()
    assert list(read_paths(["in"], LIMITS, left_out)) == [Input("in/real.eml", MAIL)]
    assert left_out == LeftOut(4, ["in/file.eml", "in/folder", "in/loop"])


def test_a_link_in_a_maildir_is_not_followed() -> None:
    put("secret")
    put("elsewhere/cur/1")
    put("box/cur/2")
    Path("box/cur/1").symlink_to("../../secret")
    Path("box/new").mkdir()
    Path("box/.Sent").symlink_to("../elsewhere")
    assert sources("box") == ["box/cur/2"]


def test_a_link_that_was_given_is_followed() -> None:
    put("real/a.eml")
    Path("folder").symlink_to("real")
    Path("file.eml").symlink_to("real/a.eml")
    assert sources("folder", "file.eml") == ["folder/a.eml", "file.eml"]


@pytest.mark.parametrize(("folder", "left"), [("in", 1), ("box/cur", 0)])
def test_a_fifo_in_a_folder_is_not_waited_for(folder: str, left: int) -> None:
    put(f"{folder}/b.eml")
    Path("box/new").mkdir(parents=True)
    os.mkfifo(f"{folder}/a.eml")
    left_out = LeftOut()
    found = list(read_paths([folder.partition("/")[0]], LIMITS, left_out))
    assert (found, left_out.count) == ([Input(f"{folder}/b.eml", MAIL)], left)


def test_folders_within_folders_without_end_do_not_stop_the_rest() -> None:
    put("a.eml")
    folders = [f"in{'/d' * depth}" for depth in range(1200)]
    for folder in folders:
        Path(folder).mkdir()
    try:
        found = sources("in", "a.eml")
    finally:
        for folder in reversed(folders):
            Path(folder).rmdir()
    assert found[-1:] == ["a.eml"]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (99, Input("a.eml", b"x" * 99)),
        (100, Input("a.eml", b"x" * 100)),
        (101, Input("a.eml", b"x" * 10, cut=True)),
        (5000, Input("a.eml", b"x" * 10, cut=True)),
    ],
)
def test_of_a_message_beyond_the_limit_the_head_is_given(size: int, expected: Input) -> None:
    put("a.eml", b"x" * size)
    assert read("a.eml", limits=SMALL) == [expected]


@pytest.mark.parametrize(("lines", "cut"), [(4, False), (5, False), (6, True), (500, True)])
def test_in_an_mbox_only_the_message_beyond_the_limit_is_cut(lines: int, cut: bool) -> None:  # noqa: FBT001  a cell of the table
    long = LINE + b"\n" + b"123456789\n" * lines
    put("box.mbox", LINE + b"a\n\n" + long + b"\n" + LINE + b"b\n")
    middle = Input("box.mbox:2", long[:10] if cut else long + b"\n", cut=cut)
    assert read("box.mbox", limits=SMALL) == [Input("box.mbox:1", LINE + b"a\n\n"), middle, Input("box.mbox:3", LINE + b"b\n")]


def test_the_head_of_a_message_may_end_within_a_line() -> None:
    limits = Limits(message=100, head=60)
    assert messages(LINE + b"x" * 500 + b"\n", limits) == [(LINE + b"x" * (60 - len(LINE)), True)]


class Measured(io.BytesIO):
    """A file that remembers how much was asked of it at once."""

    most = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.most = max(self.most, len(line))
        return line


@pytest.mark.parametrize("before", [LINE, b""])
def test_a_line_without_end_is_read_in_pieces(before: bytes) -> None:
    file = Measured(before + b"From " + b"x" * 3_000_000)
    found = list(split_mbox(file.read(5), file, Limits(message=1000, head=10)))
    assert [cut for _, cut in found] == [True]
    assert file.most <= 1024 * 1024
