"""Text in cells, text that steers, colour; and what every command prints on a real terminal, as wide as it is."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from bounceclass.cli.terminal import colour_wanted, cut, marked, pad, printable, width_of

if TYPE_CHECKING:
    from pathlib import Path

UNWANTED = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"}
ENVIRONMENT = {key: text for key, text in os.environ.items() if key not in UNWANTED} | {"LC_ALL": "C.UTF-8", "TERM": "xterm"}
STYLE = re.compile(r"\x1b\[[\d;]*m")
WIDTHS = (40, 80, 120)
TEXTS = st.text("ab 1한글漢é\u0301🙂", max_size=30)


def on_terminal(arguments: list[str], width: int, **environment: str) -> str:
    """What a command writes to a terminal of a width, line ends as \\n."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    with subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, "-m", "bounceclass", *arguments], stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL, env=ENVIRONMENT | environment
    ) as process:
        os.close(theirs)
        pieces = []
        while piece := read_terminal(ours):
            pieces.append(piece)
    os.close(ours)
    assert process.returncode == 0
    return b"".join(pieces).decode().replace("\r\n", "\n")


def read_terminal(end: int) -> bytes:
    try:
        return os.read(end, 65536)
    except OSError:  # Linux: nobody has the other end open any more
        return b""


def in_pipe(arguments: list[str], **environment: str) -> str:
    done = subprocess.run([sys.executable, "-m", "bounceclass", *arguments], capture_output=True, check=True, env=ENVIRONMENT | environment)  # noqa: S603  our own command
    return done.stdout.decode()


def lines_of(shown: str) -> list[str]:
    return STYLE.sub("", shown).splitlines()


def too_wide(shown: str, width: int) -> list[str]:
    return [line for line in lines_of(shown) if cell_len(line) > width]


def in_cells(line: str, start: int, end: int) -> str:
    """The letters of a line that begin in the cells start to end."""
    found, place = "", 0
    for char in line:
        found += char if start <= place < end else ""
        place += cell_len(char)
    return found


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("550 5.1.1", 9),
        ("한글", 4),
        ("a한b글c", 7),
        ("漢字", 4),
        ("é", 1),
        ("e\u0301", 1),
        ("\u1112\u1161\u11ab", 2),
        ("🙂", 2),
        ("…", 1),
    ],
)
def test_hangul_and_han_are_two_cells_wide(text: str, width: int) -> None:
    assert width_of(text) == width


@pytest.mark.parametrize(
    ("text", "cells", "expected"),
    [
        ("", 5, ""),
        ("abcde", 5, "abcde"),
        ("abcdef", 5, "abcd…"),
        ("abcdef", 1, "…"),
        ("한국어", 6, "한국어"),
        ("한국어", 5, "한국…"),
        ("한국어", 4, "한…"),
        ("한국어", 1, "…"),
        ("a한국어", 6, "a한국…"),
        ("a한국어", 5, "a한…"),
        pytest.param("abc", 0, ""),
        pytest.param("한국어", 0, ""),
    ],
)
def test_a_text_is_cut_between_letters_and_says_so(text: str, cells: int, expected: str) -> None:
    assert cut(text, cells) == expected


@given(TEXTS, st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_a_text_that_was_cut_is_no_wider_and_begins_as_the_whole(text: str, cells: int) -> None:
    shorter = cut(text, cells)
    assert width_of(shorter) <= cells
    assert shorter == text or (shorter.endswith("…") and text.startswith(shorter[:-1]))


@pytest.mark.parametrize(("text", "cells", "expected"), [("ab", 4, "ab  "), ("한", 4, "한  "), ("한국", 4, "한국"), ("한국어", 4, "한국어"), ("", 2, "  ")])
def test_a_text_is_filled_up_in_cells_not_in_letters(text: str, cells: int, expected: str) -> None:
    assert pad(text, cells) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ~ text", "plain ~ text"),
        ("한국어 é 漢 🙂", "한국어 é 漢 🙂"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb\nc\td\0e", "a\\x0db\\x0ac\\x09d\\x00e"),
        ("\x7f\x08", "\\x7f\\x08"),
        ("\x9b31m\x85", "\\x9b31m\\x85"),
        ("user\u202egro.elpmaxe@", "user\\u202egro.elpmaxe@"),
        ("\u2066a\u2069", "\\u2066a\\u2069"),
        ("\u200e\u200f\u202a\u202b\u202c\u202d", "\\u200e\\u200f\\u202a\\u202b\\u202c\\u202d"),
        ("a\u200bb\ufeffc\u2028d\u2029", "a\\u200bb\\ufeffc\\u2028d\\u2029"),
        pytest.param("a\u061cb", "a\\u061cb"),
    ],
)
def test_a_terminal_shows_remote_text_and_does_not_obey_it(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_no_text_at_all_steers_a_terminal(text: str) -> None:
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", printable(text))


@pytest.mark.parametrize(
    ("terminal", "environment", "wanted"),
    [
        (True, {"TERM": "xterm"}, True),
        (True, {}, True),
        (True, {"TERM": "dumb"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": "0"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
        (False, {"TERM": "xterm"}, False),
        (False, {"TERM": "xterm", "FORCE_COLOR": "1"}, True),
        (False, {"TERM": "xterm", "FORCE_COLOR": ""}, False),
        (True, {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
def test_colour_is_wanted_by_terminal_and_environment(terminal: bool, environment: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001  cells of the table
    for key in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(key, raising=False)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    ours, theirs = os.openpty() if terminal else os.pipe()[::-1]
    with os.fdopen(theirs, "r" if not terminal else "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        assert colour_wanted() is wanted
        monkeypatch.undo()
    os.close(ours)


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        ("550 5.1.1 x", 4, 9, ["550 5.1.1 x", "    ^^^^^"]),
        ("550", 0, 3, ["550", "^^^"]),
        ("한글 550 x", 3, 6, ["한글 550 x", "     ^^^"]),
        ("550 없는 주소", 4, 6, ["550 없는 주소", "    ^^^^"]),
        ("\x1b 550", 2, 5, ["\\x1b 550", "     ^^^"]),
        ("a\u202eb 550", 4, 7, ["a\\u202eb 550", "         ^^^"]),
        ("550 5.1.1 " + "x" * 50, 4, 9, ["550 5.1.1 " + "x" * 29 + "…", "    ^^^^^"]),
    ],
)
def test_without_colour_carets_stand_below_what_is_marked(text: str, start: int, end: int, expected: list[str]) -> None:
    assert marked(text, start, end, 40, on=False) == expected


def test_a_mark_far_into_a_text_is_shown_with_some_words_before_it() -> None:
    line, carets = marked("x" * 200 + " 550 " + "y" * 200, 201, 204, 80, on=False)
    assert re.fullmatch("…x{20,} 550 y{15,}…", line)
    assert line[carets.index("^") : carets.rindex("^") + 1] == "550"


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [("550 5.1.1 x", 4, 9, "550 \x1b[7m5.1.1\x1b[0m x"), ("한글 550", 3, 6, "한글 \x1b[7m550\x1b[0m"), ("550 \x1b[0m", 4, 8, "550 \x1b[7m\\x1b[0m\x1b[0m")],
)
def test_with_colour_what_is_marked_is_reversed(text: str, start: int, end: int, expected: str) -> None:
    assert marked(text, start, end, 40, on=True) == [expected]




@pytest.mark.parametrize(
    ("text", "start", "end", "cells"),
    [
        ("550 5.1.1 " + "y" * 300, 4, 9, 29),
        ("550 5.1.1 " + "한" * 300, 4, 9, 29),
        ("550 5.1.1 " + "한" * 300, 4, 9, 30),
        ("x" * 300 + "550 5.1.1 " + "y" * 300, 304, 309, 69),
        ("x" * 300 + "550 5.1.1 " + "y" * 300, 304, 309, 109),
        pytest.param("x" * 300 + "550 5.1.1 " + "y" * 300, 304, 309, 29),
        pytest.param("한" * 300 + "550 5.1.1 " + "y" * 300, 304, 309, 69),
        pytest.param("550 " + "y" * 300, 4, 304, 69),
        pytest.param("\x1b" * 300 + "550 x", 300, 303, 69),
    ],
)
def test_a_line_around_a_mark_is_no_wider_than_asked(text: str, start: int, end: int, cells: int) -> None:
    assert [line for line in marked(text, start, end, cells, on=False) if width_of(line) > cells] == []


def bounce(recipient: str, diagnostic: str) -> bytes:
    return f"""From MAILER-DAEMON Tue Jan 13 09:12:44 2026
From: MAILER-DAEMON@mx.example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

No.
--b
Content-Type: message/global-delivery-status
Content-Transfer-Encoding: 8bit

Reporting-MTA: dns; mx.example.com

Final-Recipient: utf-8; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; {diagnostic}

--b--

""".encode()


LONG = "a-very-long-local-part-that-no-column-holds" * 2
MAILS = (
    bounce("user@example.org", "550 5.1.1 x"),
    bounce(f"{LONG}@example.org", f"550 5.1.1 {'x' * 400}"),
    bounce("홍길동@example.org", f"550 5.1.1 {'없는 주소 ' * 40}"),
    bounce("홍길동" * 12 + "@example.org", "521 mx.example.org does not accept mail"),
    b"From me Tue Jan 13 09:12:44 2026\nSubject: hello\n\nhello\n",
)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mail") / "상자-with-a-name-that-is-rather-long.mbox"
    path.write_bytes(b"".join(MAILS))
    return path


@pytest.mark.parametrize("width", WIDTHS)
def test_the_table_of_classify_fits_the_terminal(width: int, box: Path) -> None:
    shown = on_terminal(["classify", str(box)], width)
    assert too_wide(shown, width) == []
    assert len(lines_of(shown)) == (1 + 5 if width == 120 else 5 * 2)
    assert [word for line in lines_of(shown) for word in line.split()[:1] if word in {"suppress", "review"}] == ["suppress"] * 4 + ["review"]


REPLIES = ["550 5.1.1 x", "521 a", "", "421 " + "y" * 300, "550 5.1.1 " + "없는 주소 " * 40, "250 ok", "550-5.1.1 a\n550 5.1.1 b"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("recipient", ["user@example.org", LONG, "홍길동" * 20])
def test_the_table_of_reply_fits_the_terminal(width: int, recipient: str) -> None:
    shown = on_terminal(["reply", "--recipient", recipient, *REPLIES], width)
    assert too_wide(shown, width) == []
    assert len(lines_of(shown)) == (1 + len(REPLIES) if width == 120 else len(REPLIES) * 2)




@pytest.mark.parametrize("width", [pytest.param(40), 80, 120])
def test_the_reasons_of_a_verdict_fit_the_terminal(width: int) -> None:
    shown = on_terminal(["reply", "--why", *REPLIES], width)
    assert "decided by codes:x.1.1" in shown
    assert too_wide(shown, width) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_explanations_fit_the_terminal(width: int, language: str) -> None:
    shown = on_terminal(["explain", "--lang", language, "550", "5.1.1", "521", "421", "4.2.2", "299", "5.7.26"], width)
    assert too_wide(shown, width) == []
    assert lines_of(shown)[0].startswith("550 5.1.1  ")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("codes", [["250", "521"], ["550 5.1.1", "421", "5.7.26"]])
def test_comparisons_fit_the_terminal(width: int, language: str, codes: list[str]) -> None:
    shown = on_terminal(["compare", "--lang", language, *codes], width)
    assert too_wide(shown, width) == []
    assert lines_of(shown)[0].strip() == " / ".join(codes)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("codes", [["250", "521"], ["450", "550", "421"]])
def test_the_columns_of_a_comparison_stand_below_their_codes(width: int, language: str, codes: list[str]) -> None:
    table = json.loads(in_pipe(["compare", "--format", "json", "--lang", language, *codes]))["table"]
    lines = lines_of(on_terminal(["compare", "--lang", language, *codes], width))
    start = next(place for place, line in enumerate(lines) if line.split() == codes)
    end = lines.index("", start) if "" in lines[start:] else next(place for place in range(start, len(lines)) if not lines[place].strip())
    left = [lines[start].index(code) for code in codes]
    cells = [[in_cells(line, here, there) for line in lines[start + 1 : end]] for here, there in zip(left, [*left[1:], width], strict=True)]
    expected = ["".join((row[1][place] or "-") for row in table) for place in range(len(codes))]
    assert ["".join("".join(column).split()) for column in cells] == ["".join(text.replace("`", "").split()) for text in expected]


def test_the_columns_of_a_table_stand_below_their_titles_also_with_hangul() -> None:
    title, *rows = lines_of(on_terminal(["reply", "--recipient", "홍길동@example.org", "550 5.1.1 없는 주소", "421 a"], 120))
    left = [title.index(word) for word in title.split()]
    found = [[in_cells(row, here, there).strip() for here, there in zip(left, [*left[1:], 120], strict=True)] for row in rows]
    assert found == [
        ["suppress", "user-unknown", "550 5.1.1", "홍길동@example.org", "550 5.1.1 없는 주소"],
        ["retry", "system-error (delay)", "421", "홍길동@example.org", "421 a"],
    ]


def test_a_terminal_that_does_not_know_its_width_is_taken_for_80() -> None:
    assert too_wide(on_terminal(["compare", "250", "521"], 0), 80) == []
    assert max(map(cell_len, lines_of(on_terminal(["compare", "250", "521"], 0)))) > 60


def test_a_very_wide_terminal_is_not_filled_with_prose() -> None:
    assert too_wide(on_terminal(["explain", "550"], 300), 120) == []


COMMANDS = (["reply", "--why", "550 5.1.1 x"], ["explain", "550"], ["compare", "250", "521"])


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"TERM": "dumb", "FORCE_COLOR": "1"}, True)]
)
def test_a_terminal_gets_colour_unless_it_is_unwanted(arguments: list[str], environment: dict[str, str], coloured: bool) -> None:  # noqa: FBT001  a cell of the table
    shown = on_terminal(arguments, 80, **environment)
    assert (STYLE.search(shown) is not None) is coloured
    assert "\x1b" not in STYLE.sub("", shown)


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_a_pipe_gets_no_colour(arguments: list[str]) -> None:
    assert "\x1b" not in in_pipe(arguments)




@pytest.mark.parametrize("arguments", [pytest.param(COMMANDS[0], id="reply"), COMMANDS[1], COMMANDS[2]])
def test_a_pipe_gets_colour_where_it_is_forced(arguments: list[str]) -> None:
    assert STYLE.search(in_pipe(arguments, FORCE_COLOR="1")) is not None


def test_what_is_marked_on_a_terminal_is_reversed() -> None:
    assert "550 \x1b[7m5.1.1\x1b[0m x\n" in on_terminal(["reply", "--why", "550 5.1.1 x"], 80)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_reply_does_not_steer_the_terminal(width: int) -> None:
    shown = on_terminal(["reply", "--why", "--recipient", "a\x1b[2J\u202eb", "550 5.1.1 \x1b]0;x\x07\r\u202egone"], width, NO_COLOR="1")
    assert set(re.findall("[\x00-\x1f\x7f-\x9f\u202e]", shown)) == {"\n"}
    assert "a\\x1b[2J\\u202eb" in shown
