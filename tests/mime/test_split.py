from __future__ import annotations

import string
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceclass.mime.split import Part, Splitter
from bounceclass.settings import Limits

LIMITS: Final = Limits()
Leaf = tuple[str, bytes]


def split(raw: bytes, limits: Limits = LIMITS) -> tuple[list[Leaf], list[tuple[str, str]]]:
    """Return the leaves, as (type, body), and the defects."""
    splitter = Splitter(raw, limits)
    return [(part.content_type, raw[part.body : part.end]) for part in splitter.split(0, len(raw))], list(splitter.defects)


def mixed(boundary: str, *entities: str, parameter: str | None = None) -> str:
    """An entity of type multipart/mixed."""
    head = f"Content-Type: multipart/mixed; {f'boundary={boundary}' if parameter is None else parameter}\n\n"
    return head + "".join(f"--{boundary}\n{entity}\n" for entity in entities) + f"--{boundary}--\n"


PLAIN: Final = "Content-Type: text/plain\n\none"
HTML: Final = "Content-Type: text/html\n\ntwo"
TWO: Final[list[Leaf]] = [("text/plain", b"one"), ("text/html", b"two")]

TYPES = [
    ("", "text/plain"),
    ("Content-Type: text/html", "text/html"),
    ("content-type:TEXT/HTML;charset=utf-8", "text/html"),
    ("Content-Type : text/html", "text/html"),
    ("Content-Type:\n text/html", "text/html"),
    ('Content-Type: "text/html"', "text/html"),
    ("Content-Type: message/global-delivery-status", "message/global-delivery-status"),
    ("Content-Type: text", "text/plain"),
    ("Content-Type: ", "text/plain"),
    ("Content-Type: ;charset=utf-8", "text/plain"),
    ("X-Content-Type: text/html", "text/plain"),
    ("Content-Type: text/plain\nContent-Type: text/html", "text/plain"),
]


@pytest.mark.parametrize(("head", "content_type"), TYPES)
def test_a_mail_of_one_part_is_that_part(head: str, content_type: str) -> None:
    assert split(f"Subject: x\n{head}\n\nbody\n".replace("\n\n\n", "\n\n").encode()) == ([(content_type, b"body\n")], [])


@pytest.mark.parametrize(
    "raw",
    [
        mixed("b", PLAIN, HTML),
        mixed("b", PLAIN, HTML, parameter='boundary="b"'),
        mixed("b", PLAIN, HTML, parameter="boundary='b'"),
        mixed("b", PLAIN, HTML, parameter='Boundary = "b"; type=x'),
        mixed("b", PLAIN, HTML, parameter='type=x;boundary=b;charset="y"'),
        mixed("b", PLAIN, HTML, parameter="\n\tboundary=b"),
        mixed("b", PLAIN, HTML, parameter="report-type=x;\nboundary=b"),  # the fold lost its blank
        mixed("a b", PLAIN, HTML, parameter='boundary="a b"'),
        mixed("=_(a)'+_,-./:=?", PLAIN, HTML, parameter="boundary=\"=_(a)'+_,-./:=?\""),
        mixed("b", PLAIN, HTML, parameter='boundary="b '),  # a quote that never ends, and a blank (RFC 2046 5.1.1)
        mixed("b", PLAIN, HTML).replace("--b\n", "--b \t\n"),
        mixed("b", PLAIN, HTML) + "the epilogue\n--b\nis no part",
        mixed("b", PLAIN, HTML).replace("\n\n--b", "\n\nthe preamble\n--b", 1),
        mixed("b", PLAIN, HTML).removesuffix("\n"),
        mixed("b", PLAIN, HTML).removesuffix("--b--\n") + "--b--  \n",
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_multipart_is_split_at_its_boundary(raw: str, line_end: str) -> None:
    assert split(raw.replace("\n", line_end).encode()) == (TWO, [])


@pytest.mark.parametrize("line", ["--bb", "--b x", "-- b", "x--b", " --b", "--", "-b"])
def test_a_line_that_only_looks_like_the_boundary_is_text(line: str) -> None:
    raw = mixed("b", f"{PLAIN}\n{line}\nmore", HTML)
    assert split(raw.encode()) == ([("text/plain", f"one\n{line}\nmore".encode()), ("text/html", b"two")], [])


def test_an_inner_boundary_that_begins_with_the_outer_closing_delimiter_is_not_it() -> None:
    raw = mixed("b", mixed("b--x", PLAIN), HTML)
    assert split(raw.encode()) == (TWO, [])


def test_an_inner_boundary_may_begin_with_the_outer_one() -> None:
    assert split(mixed("b", mixed("bb", PLAIN), HTML).encode()) == (TWO, [])
    assert split(mixed("bb", mixed("b", PLAIN), HTML).encode()) == (TWO, [])


@pytest.mark.parametrize(
    ("raw", "leaves"),
    [
        ("Content-Type: multipart/mixed; boundary=b\n\n--b\n--b--\n", [("text/plain", b"")]),
        ("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b--\n", [("text/plain", b"")]),
        ("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\n--b--\n", [("text/plain", b"")]),
        ("Content-Type: multipart/mixed; boundary=b\n\n--b\nX: y\n--b--\n", [("text/plain", b"")]),
        ("Content-Type: multipart/mixed; boundary=b\n\n--b--\n", []),
        ("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nno headers\n--b--\n", [("text/plain", b"no headers")]),
    ],
)
def test_parts_without_headers_or_body_are_parts(raw: str, leaves: list[Leaf]) -> None:
    assert split(raw.encode()) == (leaves, [])


BROKEN = [
    (mixed("b", PLAIN, HTML, parameter="boundary=other"), TWO, [("boundary-not-found", "multipart/mixed")]),
    (mixed("b", PLAIN, HTML, parameter="type=x"), TWO, [("boundary-missing", "multipart/mixed")]),
    (mixed("b", PLAIN, HTML, parameter='boundary=""'), TWO, [("boundary-missing", "multipart/mixed")]),
    (mixed("b", PLAIN, HTML).removesuffix("\n--b--\n"), TWO, [("boundary-unclosed", "")]),
    (mixed("b", mixed("c", PLAIN).removesuffix("\n--c--\n"), HTML), TWO, [("boundary-unclosed", "")]),
    ("Content-Type: multipart/mixed; boundary=b\n\nonly text", [("text/plain", b"only text")], [("boundary-not-found", "multipart/mixed")]),
    ("Content-Type: multipart/mixed\n\nonly text\n-- \nme", [("text/plain", b"only text\n-- \nme")], [("boundary-missing", "multipart/mixed")]),
    ("Content-Type: multipart/mixed; boundary=b\n", [("text/plain", b"")], [("boundary-not-found", "multipart/mixed")]),
    ("Content-Type: multipart/mixed; boundary=b\n\n--b", [("text/plain", b"")], [("boundary-unclosed", "")]),
    ("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\ntw", [("text/html", b"tw")], [("boundary-unclosed", "")]),
]


@pytest.mark.parametrize(("raw", "leaves", "defects"), BROKEN)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_broken_structure_is_read_as_far_as_it_goes(raw: str, leaves: list[Leaf], defects: list[tuple[str, str]], line_end: str) -> None:
    expected = [(kind, body.replace(b"\n", line_end.encode())) for kind, body in leaves]
    assert split(raw.replace("\n", line_end).encode()) == (expected, defects)


def test_a_nested_multipart_gives_its_leaves_in_order() -> None:
    raw = mixed("a", mixed("b", PLAIN, mixed("c", HTML)), "Content-Type: message/rfc822\n\nSubject: x\n\n--a is no boundary")
    assert split(raw.encode()) == ([*TWO, ("message/rfc822", b"Subject: x\n\n--a is no boundary")], [])


def nested(depth: int) -> bytes:
    entity = PLAIN
    for level in range(depth):
        entity = mixed(f"b{level}", entity).removesuffix("\n")
    return entity.encode()


@pytest.mark.parametrize(
    ("depth", "types", "defects"),
    [(0, ["text/plain"], []), (3, ["text/plain"], []), (4, ["application/octet-stream"], [("too-deep", "multipart/mixed")])],
)
def test_too_deep_a_nesting_is_not_entered(depth: int, types: list[str], defects: list[tuple[str, str]]) -> None:
    leaves, found = split(nested(depth), Limits(depth=3))
    assert ([kind for kind, _ in leaves], found) == (types, defects)


def test_a_thousand_levels_are_no_recursion_error() -> None:
    leaves, found = split(nested(1000))
    assert ([kind for kind, _ in leaves], found) == (["application/octet-stream"], [("too-deep", "multipart/mixed")])


@pytest.mark.parametrize(("parts", "read", "defects"), [(3, 3, []), (4, 4, []), (5, 4, [("too-many-parts", "multipart/mixed")])])
def test_parts_beyond_the_limit_are_not_read(parts: int, read: int, defects: list[tuple[str, str]]) -> None:
    leaves, found = split(mixed("b", *[PLAIN] * parts).encode(), Limits(parts=5))
    assert (leaves, found) == ([("text/plain", b"one")] * read, defects)


def test_containers_count_as_parts() -> None:
    leaves, found = split(mixed("a", *[mixed("b", PLAIN)] * 5).encode(), Limits(parts=5))
    assert (leaves, found) == ([("text/plain", b"one")] * 2, [("too-many-parts", "multipart/mixed")])


@pytest.mark.parametrize(
    ("head", "encoding", "opaque"),
    [
        ("X: y", None, False),
        ("Content-Transfer-Encoding: 7bit", b"7bit", False),
        ("content-transfer-encoding:BASE64 ", b"base64", True),
        ("Content-Transfer-Encoding : quoted-printable", b"quoted-printable", True),
        ("Content-Transfer-Encoding:\n base64", b"base64", True),
    ],
)
def test_a_part_tells_its_transfer_encoding(head: str, encoding: bytes | None, opaque: bool) -> None:  # noqa: FBT001  a column of the table
    raw = f"{head}\n\nbody".encode()
    part: Part = Splitter(raw, LIMITS).split(0, len(raw))[0]
    assert (part.encoding(), part.encoding_is_opaque()) == (encoding, opaque)


# RFC 2046 5.1.1: bchars; not ending with a blank.
BCHARS: Final = string.ascii_letters + string.digits + "'()+_,-./:=?"
BOUNDARIES: Final = st.builds(str.__add__, st.text(BCHARS + " ", max_size=20), st.sampled_from(BCHARS))
LIKELY: Final = st.sampled_from(["", "text", "-- ", "--", "---", "--x", "Content-Type: text/html", "From here", "."])
LINES: Final = LIKELY | st.text(string.printable[:-5], max_size=10)
BODIES: Final = st.lists(LINES, max_size=5)


@given(BOUNDARIES, st.lists(BODIES, min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=150, deadline=None)
def test_parts_that_were_put_together_come_apart_again(boundary: str, bodies: list[list[str]], line_end: str) -> None:
    texts = ["\n".join(line for line in lines if not line.startswith("--" + boundary)) for lines in bodies]
    raw = mixed(boundary, *(f"Content-Type: text/plain\n\n{text}" for text in texts), parameter=f'boundary="{boundary}"')
    expected = [("text/plain", text.replace("\n", line_end).encode()) for text in texts]
    assert split(raw.replace("\n", line_end).encode()) == (expected, [])


HEADS: Final = [b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: multipart/x;boundary=c"]
PIECES: Final = st.sampled_from([b"--b", b"--b--", b"--c", b"--", b"\n", b"\r\n", b"\n\n", b" ", *HEADS])


@given(st.lists(PIECES | st.binary(max_size=6), max_size=40).map(b"".join), st.integers(1, 6), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_ordered_parts_within_the_limits(raw: bytes, parts: int, depth: int) -> None:
    splitter = Splitter(raw, Limits(parts=parts, depth=depth))
    places = [place for part in splitter.split(0, len(raw)) for place in (part.body, part.end)]
    assert places == sorted(places)
    assert len(places) <= 2 * parts
    assert all(0 <= place <= len(raw) for place in places)
