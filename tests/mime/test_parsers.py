from __future__ import annotations

import os
import shutil
import string
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import flanker  # the package alone is light; nothing of it is parsed here
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceclass.errors import SettingsError
from bounceclass.mime.charsets import codec_of
from bounceclass.mime.parsers import PARSERS, Flanker, build_skeleton, parser_named, read_shape, read_skeleton

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

    from bounceclass.protocols import Parser, Shape

FLANKER: Final = Path(flanker.__file__).parent
REPOSITORY: Final = Path(__file__).parents[2]
DEFAULTS: Final = ("ascii", "7bit")


@pytest.fixture(scope="module")
def every() -> list[Parser]:
    return [parser_named(name) for name in PARSERS]


def wrong(reason: str, *values: object) -> ParameterSet:
    return pytest.param(*values, marks=pytest.mark.xfail(reason=reason, strict=True))


def effect(shape: Shape) -> tuple[str, str]:
    """What is done with a shape: its codec, and how the body is decoded; RFC 2045 5.2 and 6.1 name what holds where nothing is stated."""
    return codec_of(shape[0]) or DEFAULTS[0], shape[1] or DEFAULTS[1]


# --- shapes

STATED = [
    (b"text/plain; charset=utf-8", b"7bit", ("utf-8", "7bit")),
    (b'text/plain; charset="UTF-8"', b"8BIT", ("utf-8", "8bit")),
    (b"TEXT/HTML;CHARSET=us-ascii", b" base64 ", ("us-ascii", "base64")),
    (b"text/plain; charset = utf-8", b"Quoted-Printable", ("utf-8", "quoted-printable")),
    (b"text/plain; format=flowed; charset=utf-8;", b"binary", ("utf-8", "binary")),
    (b'text/plain; name="a b;c"; charset=euc-kr', b"base64; x=y", ("euc-kr", "base64")),
    (b"text/plain;\n charset=iso-2022-jp", b"7bit", ("iso-2022-jp", "7bit")),
    (b"text/plain;\r\n\tcharset=iso-2022-jp", b"base64\r", ("iso-2022-jp", "base64")),
    (b"text/plain; charset*=us-ascii'en'utf-8", b"7bit", ("utf-8", "7bit")),
    (b"text/plain; charset*0=utf; charset*1=-8", b"7bit", ("utf-8", "7bit")),
    (b"text/plain; charset=utf-8;;", b"x-uuencode", ("utf-8", "x-uuencode")),
    (b"text/plain; charset=x-none", b"7-bit", ("x-none", "7-bit")),
]


@pytest.mark.parametrize(("content_type", "encoding", "shape"), STATED)
def test_every_parser_reads_what_a_part_states(every: list[Parser], content_type: bytes, encoding: bytes, shape: Shape) -> None:
    skeleton = build_skeleton(content_type, encoding)
    assert [read_skeleton(parser, skeleton) for parser in every] == [(name, shape) for name in PARSERS]


@pytest.mark.parametrize("field", [b"", b"text/plain", b"text/plain;", b"text/plain; charset=", b"text/plain; format=flowed", b"text"])
@pytest.mark.parametrize("encoding", [None, b""])
def test_every_parser_reads_what_is_not_stated_as_plain_text(every: list[Parser], field: bytes, encoding: bytes | None) -> None:
    skeleton = build_skeleton(field, encoding)
    assert [effect(read_skeleton(parser, skeleton)[1]) for parser in every] == [DEFAULTS] * len(PARSERS)


ODD = [
    (b"text/plain; charset='euc-kr'", b"7bit", ("euc_kr", "7bit")),
    (b'text/plain; x="a;charset=euc-kr"', b"7bit", DEFAULTS),
    (b"text/plain; charset=\xff", b"8bit", ("ascii", "8bit")),
    (b"text/plain; charset=k\xc3\xb6ln", b"8bit", ("ascii", "8bit")),
    (b"text/plain; charset=punycode", b"7bit", DEFAULTS),
    (b"text/plain; charset=" + b"x" * 3000, b"7bit", DEFAULTS),
    (b"text/plain", b'"base64"', ("ascii", '"base64"')),
    (b"text/plain; charset=euc-kr (Korean)", b"7bit", ("euc_kr", "7bit")),
    (b"text/plain", b"base64 (why not)", ("ascii", "base64")),
    wrong("flanker drops a charset whose quote never ends", b'text/plain; charset="euc-kr', b"7bit", ("euc_kr", "7bit")),
    wrong("flanker drops what follows an empty quoted value", b'text/plain; x=""; charset=euc-kr', b"7bit", ("euc_kr", "7bit")),
    wrong("flanker glues two charsets", b"text/plain; charset=euc-kr; charset=euc-kr", b"7bit", ("euc_kr", "7bit")),
    wrong("flanker stops at the second =", b"text/plain; name=a=b; charset=euc-kr", b"7bit", ("euc_kr", "7bit")),
]


@pytest.mark.parametrize(("content_type", "encoding", "expected"), ODD, ids=lambda value: repr(value)[:50])
def test_odd_fields_have_the_same_effect_by_any_parser(every: list[Parser], content_type: bytes, encoding: bytes, expected: tuple[str, str]) -> None:
    skeleton = build_skeleton(content_type, encoding)
    assert [effect(read_skeleton(parser, skeleton)[1]) for parser in every] == [expected] * len(PARSERS)


TOKENS: Final = st.text(string.ascii_letters + string.digits + "-_.+", min_size=1, max_size=20)
QUOTED: Final = st.text(string.ascii_letters + string.digits + " -_.;,:@/()<>[]?=", min_size=1, max_size=20).map(lambda text: f'"{text}"')
CHARSETS: Final = st.sampled_from(["utf-8", "US-ASCII", "iso-8859-1", "euc-kr", "ISO-2022-JP", "gb2312", "windows-1252", "x-unknown"])
OTHER: Final = st.tuples(st.sampled_from(["format", "name", "DelSp", "x-mac-type", "reply-type"]), st.one_of(TOKENS, QUOTED))
ENCODINGS: Final = st.sampled_from(["7bit", "8bit", "binary", "base64", "BASE64", "quoted-printable", "Quoted-Printable", "x-token"])
FOLDS: Final = st.sampled_from([";", "; ", " ; ", ";\n ", ";\r\n\t"])


@st.composite
def content_types(draw: st.DrawFn) -> tuple[bytes, Shape]:
    """A Content-Type as RFC 2045 5.1 has it, beside an encoding, and what they state."""
    charset, encoding, fold = draw(CHARSETS), draw(ENCODINGS), draw(FOLDS)
    written = draw(st.sampled_from([charset, f'"{charset}"']))
    others = draw(st.lists(OTHER, max_size=4, unique_by=lambda pair: pair[0]))
    parameters = [*others, (draw(st.sampled_from(["charset", "Charset", "CHARSET"])), written)]
    field = fold.join(["text/plain", *(f"{name}={value}" for name, value in draw(st.permutations(parameters)))])
    return build_skeleton(field.encode(), encoding.encode()), (charset.lower(), encoding.lower())


@given(content_types())
@settings(max_examples=150, deadline=None)
def test_every_parser_reads_any_well_formed_content_type(made: tuple[bytes, Shape]) -> None:
    skeleton, shape = made
    assert [parser_named(name).shape(skeleton) for name in PARSERS] == [shape] * len(PARSERS)


@given(st.binary(max_size=60), st.none() | st.binary(max_size=20), st.sampled_from(list(PARSERS)))
@settings(max_examples=150, deadline=None)
def test_any_fields_have_a_shape(field: bytes, encoding: bytes | None, parser: str) -> None:
    name, shape = read_skeleton(parser_named(parser), build_skeleton(field, encoding))
    assert (name in PARSERS, [type(word) in {str, type(None)} for word in shape]) == (True, [True, True])


class Broken:
    """A parser of somebody else's that fails."""

    name = "broken"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def shape(self, skeleton: bytes) -> Shape:  # noqa: ARG002  the protocol's
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]

    def decode_header(self, value: str) -> str:
        return value


@pytest.mark.parametrize("answer", [ValueError("no"), AttributeError("start"), RecursionError(), KeyError(), (), None], ids=repr)
@pytest.mark.parametrize("padding", [0, 3000])  # what is remembered, and what is too long for that
def test_a_parser_that_fails_is_replaced_by_the_standard_library(answer: Any, padding: int) -> None:
    field = b"text/plain; x=" + b"y" * padding + b"; charset=euc-kr"
    assert read_shape(Broken(answer), field, b"base64") == ("stdlib", ("euc-kr", "base64"))


def test_a_parser_that_works_is_believed() -> None:
    assert read_shape(Broken(("big5", "8bit")), b"text/plain", b"7bit") == ("broken", ("big5", "8bit"))


def test_flanker_that_fails_on_a_field_is_replaced_by_the_standard_library() -> None:
    assert read_skeleton(Flanker(), build_skeleton(b"text/plain; charset=utf-8", b"\xff")) == ("stdlib", ("utf-8", "\ufffd"))


# --- headers

WORDS = [
    ("plain", "plain"),
    ("a =?utf-8?q?b?= c", "a b c"),
    ("x=?utf-8?q?b?=y", "xby"),
    ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
    ("=?utf-8?q?a?=  =?utf-8?b?Yg==?= c", "ab c"),
    ("=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"),
    ("a =?utf-8?q?=EC=95?= =?utf-8?q?=88?= b", "a 안 b"),  # a character cut in two, as many do
    ("=?utf-8?q?a_b=20?=", "a b "),
    ("=?utf-8*en?q?a_b?=", "a b"),
    ("=?utf-8?q?a b?=", "a b"),
    ("=?UTF-8?B?7ZWc?= <a@example.org>", "한 <a@example.org>"),
    ('"=?utf-8?q?a?=" <b@example.org>', '"a" <b@example.org>'),
    ("=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"),
    ("=?gb2312?b?xOO6ww==?=", "你好"),
    ("=?ks_c_5601-1987?b?x9Gxub7u?=", "한국어"),
    ("=?windows-1252?q?=e9?=", "é"),
    ("=?x-none?q?abc?=", "abc"),
    ("=?utf-8?b?Yg?=", "b"),
    ("=?utf-8?q??=", ""),
    ("=?utf-8?z?a?=", "=?utf-8?z?a?="),
    ("=?utf-8?q?a", "=?utf-8?q?a"),
    ("=?utf-8?b?YQ\x01==?=", "=?utf-8?b?YQ\x01==?="),  # no encoded word has such a character
    ("=?", "=?"),
    ("한국어", "한국어"),
    ("한 =?utf-8?q?b?=", "한 b"),
    ("é =?utf-8?q?b?=", "é b"),
    ("C:\\u0041 =?utf-8?q?b?=", "C:\\u0041 b"),
    ("C:\\Users =?utf-8?q?b?=", "C:\\Users b"),
    ("=?unicode_escape?q?=5Cu0041?=", "\\u0041"),
    ("=?punycode?q?abc-?=", "abc-"),
    ("=?utf-8?q?=ff?=", "\\xff"),
    ("a =?utf-8?B?6YA/Lw==?= b", "a \\xe9\\x80?/ b"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), WORDS)
def test_every_parser_decodes_encoded_words(every: list[Parser], value: str, text: str) -> None:
    assert [parser.decode_header(value) for parser in every] == [text] * len(PARSERS)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8), min_size=1, max_size=4), st.booleans())
@settings(max_examples=150, deadline=None)
def test_every_parser_decodes_any_well_formed_words(texts: list[str], apart: bool) -> None:  # noqa: FBT001  hypothesis gives it
    words = ["=?utf-8?q?" + "".join(f"={byte:02X}" for byte in text.encode()) + "?=" for text in texts]
    value = " then ".join(words) if apart else " ".join(words)
    expected = " then ".join(texts) if apart else "".join(texts)
    assert [parser_named(name).decode_header(value) for name in PARSERS] == [expected] * len(PARSERS)


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("=?_"), max_size=80), st.sampled_from(list(PARSERS)))
@settings(max_examples=200, deadline=None)
def test_any_value_decodes_to_valid_text(value: str, parser: str) -> None:
    assert parser_named(parser).decode_header(value).isprintable() in {True, False}
    parser_named(parser).decode_header(f"=?utf-8?q?{value}?= =?{value}?b?AAAA?=").encode("utf-8")


def test_a_parser_of_another_name_is_an_error() -> None:
    with pytest.raises(SettingsError, match=r"'mime'.*flanker, stdlib"):
        parser_named("mime")


def test_a_parser_is_built_once() -> None:
    assert parser_named("flanker") is parser_named("flanker")


# --- importing flanker, each in a process of its own

IMPORT: Final = "from bounceclass.mime.parsers import Flanker; assert Flanker().decode_header('=?utf-8?q?a?=') == 'a'\n"


def environment(*first: Path) -> dict[str, str]:
    """An environment where these folders are looked in first, and no .pyc is written that would blur the picture."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*first, REPOSITORY))), "PYTHONDONTWRITEBYTECODE": "1"}


def start(code: str, *first: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  our own interpreter
        [sys.executable, "-W", "error", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(*first), cwd=REPOSITORY
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(folder.rglob("*"))}


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A folder with flanker as if just installed, without the tables that an earlier import may have mended."""
    shutil.copytree(FLANKER, tmp_path / "flanker", ignore=shutil.ignore_patterns("__pycache__", "*parsetab.py"))
    return tmp_path


def test_importing_flanker_says_nothing_and_writes_nothing(fresh: Path) -> None:
    before = listing(fresh), listing(FLANKER)
    code = IMPORT + "import flanker, sys; sys.exit(not flanker.__file__.startswith(sys.path[1]))"
    assert finish(start(code, fresh)) == (0, "", "")
    assert (listing(fresh), listing(FLANKER)) == before


def test_importing_the_installed_flanker_says_nothing_and_writes_nothing() -> None:
    before = listing(FLANKER)
    assert finish(start(IMPORT)) == (0, "", "")
    assert listing(FLANKER) == before


def test_importing_flanker_leaves_warnings_ply_and_logging_as_they_were() -> None:
    code = """
import logging, warnings, ply.yacc
before = list(warnings.filters), warnings.showwarning, ply.yacc.yacc, logging.getLogger("flanker").level, list(logging.root.handlers)
from bounceclass.mime.parsers import Flanker
Flanker()
assert (list(warnings.filters), warnings.showwarning, ply.yacc.yacc, logging.getLogger("flanker").level, list(logging.root.handlers)) == before
"""
    assert finish(start(code)) == (0, "", "")


def test_six_processes_may_import_flanker_at_once(fresh: Path) -> None:
    before = listing(fresh)
    processes = [start(IMPORT, fresh) for _ in range(6)]
    assert [finish(process) for process in processes] == [(0, "", "")] * 6
    assert listing(fresh) == before


def test_two_threads_may_import_flanker_at_once(fresh: Path) -> None:
    code = """
import threading, warnings, ply.yacc
from bounceclass.mime.parsers import build_skeleton, parser_named, read_skeleton
before, plain = list(warnings.filters), ply.yacc.yacc
barrier, found = threading.Barrier(2), []


def read():
    barrier.wait()
    parser = parser_named("flanker")
    found.append((parser.decode_header("=?utf-8?q?a?="), read_skeleton(parser, build_skeleton(b"text/plain; charset=big5", b"8bit"))))
threads = [threading.Thread(target=read) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert found == [("a", ("flanker", ("big5", "8bit")))] * 2, found
assert (list(warnings.filters), ply.yacc.yacc) == (before, plain)
"""
    before = listing(fresh)
    assert finish(start(code, fresh)) == (0, "", "")
    assert listing(fresh) == before


DOWNGRADE: Final = """
import logging
logging.basicConfig(format="%(name)s %(levelname)s %(message)s")
import bounceclass
report = bounceclass.classify(b"Subject: =?utf-8?q?x?=\\n\\nbody")
bounceclass.classify(b"")
print(report.parser, report.kind)
"""


@pytest.mark.parametrize(("module", "file"), [("flanker", "flanker/__init__.py"), ("flanker", "flanker.py"), ("ply", "ply.py")])
def test_flanker_that_cannot_be_imported_is_a_logged_downgrade(tmp_path: Path, module: str, file: str) -> None:
    place = tmp_path / file
    place.parent.mkdir(exist_ok=True)
    place.write_text(f"raise ImportError('no {module} today')\n", encoding="utf-8")
    said = f"bounceclass WARNING flanker can't be imported (no {module} today): reading with the standard library\n"
    assert finish(start(DOWNGRADE, tmp_path)) == (0, "stdlib other\n", said)


def test_the_standard_library_reads_without_flanker_being_imported() -> None:
    code = "import sys; from bounceclass.mime.parsers import parser_named; parser_named('stdlib'); sys.exit('flanker' in sys.modules)"
    assert finish(start(code)) == (0, "", "")


def test_a_downgrade_is_silent_where_logging_is_not_set_up(tmp_path: Path) -> None:
    (tmp_path / "flanker.py").write_text("raise ImportError('no flanker today')\n", encoding="utf-8")
    assert finish(start("import bounceclass; print(bounceclass.classify(b'').parser)", tmp_path)) == (0, "stdlib\n", "")


DEFERRED = """
import sys, bounceclass
bounceclass.classify(b"From: a@example.com\\n\\n")
assert "flanker.addresslib._parser.parser" not in sys.modules
from flanker.addresslib.address import parse
assert str(parse("Ruth <ruth@example.com>")) == "ruth@example.com"
"""


def test_flankers_address_parser_is_built_when_somebody_asks_it_and_not_before() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", DEFERRED], capture_output=True, text=True, check=False)  # noqa: S603  our own
    assert (done.returncode, done.stderr) == (0, "")
