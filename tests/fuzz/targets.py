"""What is fuzzed: each target takes bytes and raises where something does not hold; `seeds` is what it starts from."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bounceclass import fields, transcript
from bounceclass.engine import Engine
from bounceclass.errors import KnowledgeError
from bounceclass.message import DELIVERY, Message, as_text
from bounceclass.mime.charsets import codec_of
from bounceclass.mime.parsers import PARSERS, parser_named, read_shape
from bounceclass.model import decode
from bounceclass.packcheck import check, facts_of, require_sound
from bounceclass.packs import Finder, load, our_paths
from bounceclass.settings import DEFAULT, Settings
from tests.fuzz.invariants import hold, hold_of_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["TARGETS", "Target"]

_SAMPLES: Final = Path(__file__).parent.parent.parent / "samples"
_ENGINE: Final = Engine()
_AGAIN: Final = Engine(Settings(keep_headers=("received",)))
_OTHERS: Final = [Engine(Settings(parser=name)) for name in PARSERS if name != DEFAULT.parser]
_LIMIT: Final = 2048
_LINES: Final = ("550 5.1.1 <user@example.org>: user unknown, over 10 MB at 192.0.2.1", "452 4.2.2 mailbox full", "")
_HEAD: Final = b"From: mailer-daemon@mx.example.com\nSubject: failure\nContent-Type: message/delivery-status\n\n"


class Target(NamedTuple):
    """A function to be given bytes, and what it starts from."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]


def read_mail(raw: bytes) -> None:
    """Any bytes give a Report that holds; a status part gives an event; what is remembered changes nothing."""
    report = _ENGINE.classify(raw)
    hold(report)
    assert report == _ENGINE.classify(bytes(bytearray(raw))), "the same bytes, another Report"
    assert report.events == _AGAIN.classify(raw).events, "another Engine, other events"
    message = Message(raw, DEFAULT)
    if _read_alike(message):
        assert [other.classify(raw).events for other in _OTHERS] == [report.events] * len(_OTHERS), "another parser, other events"
    assert report.events or not message.of_type(DELIVERY) or "auto-submitted" in message.headers, "a status part without an event"


def _read_alike(message: Message) -> bool:
    """Tell whether all parsers make the same of every part's fields: of what breaks RFC 2045 or 2231 they may not (tests/mime/test_parsers.py)."""
    for part in message.parts:
        read = [read_shape(parser_named(name), as_text(part.field), part.encoding())[1] for name in PARSERS]
        if len({(codec_of(charset) or "ascii", encoding or "7bit") for charset, encoding in read}) > 1:
            return False
    return True


def read_transcript(raw: bytes) -> None:
    """Any text is read: codes stand within it, offsets lead back into it, and the event of a reply holds."""
    text = raw.decode("utf-8", "replace")
    said = transcript.read(text)
    assert 0 <= said.start <= said.end <= len(text), said
    if said.reply_code is not None:
        assert 200 <= said.reply_code <= 599, said
        assert str(said.reply_code) in text[said.start : said.end], said
    seen = transcript.normalise(text, said.start, min(said.end, said.start + _LIMIT))
    places = [seen.origin(place) for place in range(len(seen.text) + 1)]
    assert places == sorted(places), "offsets run backward"
    assert all(said.start <= place <= said.end for place in places), "an offset outside the reply"
    hold_of_event(_ENGINE.reply(text))


def read_groups(raw: bytes) -> None:
    """A status part of any bytes has an event for each recipient, and its fields are read the same however they end."""
    report = _ENGINE.classify(_HEAD + raw)
    hold(report)
    assert report.events, "a status part without an event"
    for paragraph in fields.paragraphs(raw.decode("utf-8", "replace")):
        for name, value in paragraph.fields:
            assert name == name.lower(), name
            fields.typed(value)
            fields.decode_xtext(fields.address(value))


def load_pack(raw: bytes) -> None:
    """A pack is loaded and sound, or refused with a KnowledgeError; a sound one can be asked anything."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(raw)
        file.flush()
        try:
            pack = load(file.name)
            check(pack)
            require_sound(pack, file.name)
        except KnowledgeError:
            return
    finder = Finder([pack])
    for line in _LINES:
        for match in finder.find_all(facts_of(line, finder)):
            assert match.name in pack.rules, match


def _mails() -> Iterator[bytes]:
    return (path.read_bytes() for path in sorted(_SAMPLES.glob("*/*.eml")))


def _diagnostics() -> set[bytes]:
    reports = (decode(path.read_bytes()) for path in sorted(_SAMPLES.glob("*/*.json")) if path.with_suffix(".eml").exists())
    return {event.diagnostic.encode() for report in reports for event in report.events if event.diagnostic}


def _groups() -> set[bytes]:
    parts = (re.findall(rb"(?ims)^content-type: message/[a-z-]*delivery-status[^\n]*\n(?:[^\n]+\n)*\n(.*?)(?=^--)", raw) for raw in _mails())
    return {part for found in parts for part in found}


def _packs() -> Iterator[bytes]:
    """Yield each rule of ours as a pack of its own: whole packs are too long to be changed well."""
    for path in our_paths():
        yield from (b"[rules." + rule for rule in path.read_bytes().split(b"\n[rules.")[1:40])


TARGETS: Final = {
    "mail": Target(read_mail, _mails),
    "transcript": Target(read_transcript, _diagnostics),
    "groups": Target(read_groups, _groups),
    "packs": Target(load_pack, _packs),
}
