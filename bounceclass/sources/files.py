"""Mail in files: single messages, folders of .eml, Maildir, mbox, standard input. Only read.

    bounces/         every *.eml, *.mbox and Maildir below it, in the order of their names
    Maildir/         its new/ and cur/
    box.mbox         each message, as `box.mbox:17`, counted from 1
    notice.eml       one message, whatever it starts with
    mail.log         each line that tells of a recipient, as `mail.log:17`, where the first lines are a log's
    -                one message, an mbox if it starts with "From ", or a log

Of any but an .eml or .mbox the content decides, and it may be compressed. A log of which no dialect knows a line is one report without
events, with a defect that says so: nobody is to take it for a log without bounces.

Memory is bounded by one message: of a larger one than the limit, the head is given, and said to be.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import msgspec

from bounceclass.model import UNKNOWN_LOG, Defect, Kind, Report, clean_text
from bounceclass.sources.segments import open_segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bounceclass.settings import Limits

__all__ = ["Input", "LeftOut", "read_paths", "split_mbox"]

_SUFFIXES: Final = frozenset({".eml", ".mbox", ".mbx"})
_BOXES: Final = frozenset({".mbox", ".mbx"})
# RFC 4155: "From ", an address, the time as asctime has it (or in ISO 8601, as some write); prose has none.
_FROM_LINE: Final = re.compile(
    rb"From \S.{0,300}?\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b.{1,20}?\d{1,2}:\d\d|\d{4}-\d\d-\d\d[ T]\d\d:\d\d)",
)
_QUOTED_FROM: Final = re.compile(rb"^>(>*From )", re.MULTILINE)
_MAILDIR: Final = frozenset({"cur", "new", "tmp"})
_STAMP: Final = rb"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|@[0-9a-f]{24} |\[[A-Z]{4,9}\] )"
"""Of syslog, ISO 8601, or TAI64N (multilog); or a level, where the time is left to another."""
_STAMPED: Final = re.compile(rb"^" + _STAMP, re.MULTILINE)
_SAID: Final = re.compile(rb"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^\s:\[]+(?:\[\d+\])?: ", re.MULTILINE)
# What is cut out of a log, by size, begins within a line.
_LOG_LINE: Final = re.compile(rb"(?:[^\n]{0,8192}\n)?(?:" + _STAMP + rb"|[0-9a-f]{16} (?:smtp|mta|mda) |info: OpenSMTPD )|\{|type,")
_HEAD: Final = 16 * 1024
_PROBE: Final = 5
_DEEPEST: Final = 50
_LINE: Final = 1024 * 1024


class Input(msgspec.Struct, frozen=True, array_like=True):
    """One message by the name it was given under, or the fault that kept it from being read."""

    source: str
    raw: bytes = b""
    fault: str | None = None
    cut: bool = False
    """Whether the message was larger than the limit, so that only its head is here."""
    report: Report | None = None
    """Of a log's line, without verdicts."""


class LeftOut(msgspec.Struct):
    """What stood in a folder and is no mail by its name: the count, and the first few."""

    count: int = 0
    names: list[str] = []

    def add(self, name: str) -> None:
        """Count a file."""
        self.count += 1
        if len(self.names) < 3:  # noqa: PLR2004  enough to be recognised
            self.names.append(name)


def read_paths(paths: Iterable[str], limits: Limits, left_out: LeftOut) -> Iterator[Input]:
    """Yield every message of the paths, in order. A path that can't be read is an Input with its fault."""
    for path in paths:
        if not path:
            yield Input(path, fault="No such file or directory")
        elif path == "-" and sys.stdin is None:
            yield Input(path, fault="standard input is closed")
        elif path == "-":
            yield from _read_stream(sys.stdin.buffer, "-", limits, box=None)
        else:
            yield from _read_path(path, limits, left_out)


def _read_path(path: str, limits: Limits, left_out: LeftOut) -> Iterator[Input]:
    place = Path(path)
    try:
        if place.is_dir():
            yield from _read_folder(place, path, limits, left_out, depth=0)
        else:
            yield from _read_file(place, path, limits)
    except OSError as error:
        yield _failed(path, error)


def _failed(source: str, error: OSError) -> Input:
    return Input(clean_text(source), fault=error.strerror or str(error))


def _read_folder(folder: Path, shown: str, limits: Limits, left_out: LeftOut, *, depth: int) -> Iterator[Input]:
    """Read a folder; links in it are not followed, for mail folders may be written by others."""
    if depth > _DEEPEST:
        yield Input(shown, fault=f"more than {_DEEPEST} folders deep")
        return
    maildir = all((folder / name).is_dir() for name in ("cur", "new"))
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = os.path.join(shown, entry.name)  # noqa: PTH118  the path as it was given: Path drops a leading "./"
        try:
            if maildir and entry.name in _MAILDIR and entry.is_dir(follow_symlinks=False):
                yield from _read_maildir(Path(entry.path), name, limits) if entry.name != "tmp" else ()
            elif entry.is_dir(follow_symlinks=False):
                yield from _read_folder(Path(entry.path), name, limits, left_out, depth=depth + 1)
            elif entry.is_file(follow_symlinks=False) and Path(entry.name).suffix.lower() in _SUFFIXES:
                yield from _read_file(Path(entry.path), name, limits)
            elif not maildir:
                left_out.add(name)
        except OSError as error:
            yield _failed(name, error)


def _read_maildir(folder: Path, shown: str, limits: Limits) -> Iterator[Input]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = os.path.join(shown, entry.name)  # noqa: PTH118  as above
        if not entry.is_file(follow_symlinks=False):
            continue
        try:
            with Path(entry.path).open("rb") as file:
                yield from _read_stream(file, name, limits, box=False)
        except OSError as error:
            yield _failed(name, error)


def _read_file(place: Path, shown: str, limits: Limits) -> Iterator[Input]:
    suffix = place.suffix.lower()
    box = True if suffix in _BOXES else False if suffix == ".eml" else None
    with place.open("rb") if box is not None else open_segment(place) as file:
        yield from _read_stream(file, shown, limits, box=box)


def _read_stream(file: IO[bytes], shown: str, limits: Limits, *, box: bool | None) -> Iterator[Input]:
    """Read one message, an mbox or a log; `box` None: what the first lines say."""
    shown = clean_text(shown)
    if box is None and (dialect := _dialect(file)) is not None:
        yield from _read_log(file, shown, dialect or None)
        return
    head = file.read(_PROBE)
    if box is None:
        box = head == b"From "
    if box:
        yield from (Input(f"{shown}:{number}", raw, cut=cut) for number, (raw, cut) in enumerate(split_mbox(head, file, limits), 1))
        return
    raw = head + file.read(limits.message + 1 - len(head))
    cut = len(raw) > limits.message
    yield Input(shown, raw[: limits.head] if cut else raw, cut=cut)


def _dialect(file: IO[bytes]) -> str | None:
    """Return in which dialect of logs a stream is, "" where that is to be seen, None where it is no log; nothing is taken out of it."""
    peek = getattr(file, "peek", None)
    head = peek(_HEAD)[:_HEAD] if peek else b""
    if not _LOG_LINE.match(head):
        return None
    from bounceclass.logs.reader import dialect_of  # noqa: PLC0415  for logs alone

    return dialect_of(head.decode("utf-8", "surrogateescape").splitlines()) or ("" if _looks_like_log(head) else None)


def _looks_like_log(head: bytes) -> bool:
    """Tell whether a stamp stands before every other line at least, for what is told at length goes on below; and before two, or syslog's form follows it."""
    stamped = len(_STAMPED.findall(head))
    return (stamped > 1 or _SAID.search(head) is not None) and 2 * stamped >= sum(map(bool, head.splitlines()))


def _read_log(file: IO[bytes], shown: str, dialect: str | None) -> Iterator[Input]:
    from bounceclass.logs.joining import join  # noqa: PLC0415  as above
    from bounceclass.logs.reader import LogReader  # noqa: PLC0415  as above

    reader, now, number = LogReader(dialect), datetime.now(UTC), 1
    for record in join(_lines(file.readline(_LINE), file), reader):
        source = f"{shown}:{number}"
        for report in reader.read(record, now, source):
            yield Input(source, record, report=report)
        number += max(1, record.count(b"\n"))
    if not reader.is_known:
        yield Input(shown, report=Report(kind=Kind.OTHER, source=shown, defects=(Defect(UNKNOWN_LOG, "lines"),)))


def split_mbox(head: bytes, file: IO[bytes], limits: Limits) -> Iterator[tuple[bytes, bool]]:
    """Yield each message of an mbox (RFC 4155; mboxrd's quoting undone) and whether it was cut.

    The standard library's reader needs a file that can seek; a pipe can't.
    """
    lines: list[bytes] = []
    size, blank, cut = 0, True, False
    first = head + file.readline(_LINE)
    for line in _lines(first, file):
        if blank and line.startswith(b"From ") and _FROM_LINE.match(line):
            if any(line.strip() for line in lines):
                yield _unquoted(lines), cut
            lines, size, cut = [], 0, False
        size += len(line)
        if size > limits.message and not cut:
            cut = True
            lines = [b"".join([*lines, line])[: limits.head]]
        if not cut:
            lines.append(line)
        blank = not line.strip()
    if lines:
        yield _unquoted(lines), cut


def _lines(first: bytes, file: IO[bytes]) -> Iterator[bytes]:
    line = first
    while line:
        yield line
        line = file.readline(_LINE)


def _unquoted(lines: list[bytes]) -> bytes:
    raw = b"".join(lines)
    return _QUOTED_FROM.sub(rb"\1", raw) if b"\n>" in raw else raw
