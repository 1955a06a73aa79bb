"""The MIME parsers behind one small interface: flanker first, a compiled one to choose, the standard library as the net.

A parser never sees a message. It reads a *skeleton*, a mail of nothing but the Content-Type or the
transfer encoding of a part that matters, with a dot for a body; what it says of a field is
remembered, for parts have few. And it decodes encoded words.
"""

from __future__ import annotations

import email
import email.header
import email.message
import importlib.util
import logging
import re
import sys
import threading
import warnings
from contextlib import contextmanager
from functools import cache, lru_cache, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from bounceclass.errors import SettingsError
from bounceclass.mime.charsets import codec_of, decode
from bounceclass.model import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bounceclass.protocols import Parser, Shape

__all__ = ["PARSERS", "FastMailParser", "Flanker", "Stdlib", "build_skeleton", "parser_named", "read_shape", "read_skeleton"]

_LOG: Final = logging.getLogger("bounceclass")
_LOG.addHandler(logging.NullHandler())
_ENCODED: Final = re.compile(r"=\?[!->@-~]{1,80}\?[bqBQ]\?[!->@-~ ]*\?=(?:\s+=\?[!->@-~]{1,80}\?[bqBQ]\?[!->@-~ ]*\?=)*")
_LABEL: Final = re.compile(r"=\?([^?*\s]{1,40})")
_CACHED_BYTES: Final = 2048


def build_skeleton(content_type: bytes, encoding: bytes | None) -> bytes:
    """Return the skeleton of a part given as raw values of Content-Type and Content-Transfer-Encoding."""
    stated = b"Content-Transfer-Encoding: " + encoding + b"\n" if encoding else b""
    return b"Content-Type: " + (content_type or b"text/plain") + b"\n" + stated + b"\n.\n"


def read_shape(parser: Parser, content_type: bytes, encoding: bytes | None) -> tuple[str, Shape]:
    """Return who read the fields of a part, and its shape; the standard library where `parser` fails."""
    # Each field by itself: there are fewer of them than pairs.
    by_whom, (charset, _) = _read_field(parser, content_type, None)
    if encoding is None:
        return by_whom, (charset, None)
    also, (_, stated) = _read_field(parser, b"", encoding)
    return by_whom if also == parser.name else also, (charset, stated)


def _read_field(parser: Parser, content_type: bytes, encoding: bytes | None) -> tuple[str, Shape]:
    short = len(content_type) + len(encoding or b"") <= _CACHED_BYTES
    return (_remembered if short else _read_one)(parser, content_type, encoding)


def _read_one(parser: Parser, content_type: bytes, encoding: bytes | None) -> tuple[str, Shape]:
    return read_skeleton(parser, build_skeleton(content_type, encoding))


_remembered = lru_cache(maxsize=1024)(_read_one)


def read_skeleton(parser: Parser, skeleton: bytes) -> tuple[str, Shape]:
    """Return who read the skeleton, and its shape; the standard library where `parser` fails."""
    try:
        charset, encoding = parser.shape(skeleton)
    except Exception as error:  # noqa: BLE001  a parser may fail in any way on hostile headers
        _LOG.debug("%s could not read a skeleton: %r", parser.name, error)
        net = Stdlib()
        return net.name, net.shape(skeleton)
    return parser.name, (charset, encoding)


class Stdlib:
    """`email` with policy compat32, which reads anything."""

    name = "stdlib"

    def shape(self, skeleton: bytes) -> Shape:
        """See Parser."""
        return _shape(email.message_from_bytes(skeleton))

    def decode_header(self, value: str) -> str:
        """See Parser."""
        return clean_text(_ENCODED.sub(_decode_words, value))


def _decode_words(run: re.Match[str]) -> str:
    """Decode encoded words with nothing but blanks between them, which don't count (RFC 2047 6.2)."""
    try:
        pieces = email.header.decode_header(run[0])
    except (email.errors.HeaderParseError, ValueError):
        return run[0]
    return "".join(decode(piece, label) if isinstance(piece, bytes) else piece for piece, label in pieces)


def _is_sound(value: str) -> bool:
    """Tell whether flanker can decode a value: it would take any codec and any character for a word's, and drops a word that is not of its charset."""
    if any(codec_of(label) is None for label in _LABEL.findall(value)) or "=?" in _ENCODED.sub("", value):
        return False
    try:
        for run in _ENCODED.finditer(value):
            for piece, label in email.header.decode_header(run[0]):
                if isinstance(piece, bytes):
                    piece.decode(codec_of(label or "ascii") or "ascii")
    except (email.errors.HeaderParseError, ValueError):
        return False
    return True


def _shape(part: Any) -> Shape:  # noqa: ANN401  email's types say less than it returns
    try:
        charset = part.get_content_charset()
    except (LookupError, ValueError):
        charset = None
    return _word(charset), _word(part.get("content-transfer-encoding"))


class Flanker:
    """flanker's MIME parser."""

    name = "flanker"

    def __init__(self) -> None:
        """Import flanker; raises ImportError where that fails."""
        self._from_string, self._mime_to_unicode = _import_flanker()

    def shape(self, skeleton: bytes) -> Shape:
        """See Parser."""
        part = self._from_string(skeleton.decode("utf-8", "surrogateescape"))
        return _word(part.charset), _word(part.content_encoding.value)

    def decode_header(self, value: str) -> str:
        """See Parser."""
        if not _is_sound(value):
            return Stdlib().decode_header(value)
        try:
            return clean_text(str(self._mime_to_unicode(value)))
        except Exception as error:  # noqa: BLE001  flanker raises what its codecs raise
            _LOG.debug("flanker could not decode a header: %r", error)
            return Stdlib().decode_header(value)


def _word(value: object) -> str | None:
    """Return a value in lower case without its comment (RFC 2045 5.1) and parameters, None where it is empty."""
    return str(value).partition(";")[0].partition("(")[0].strip().lower() or None if value else None


_IMPORT_LOCK: Final = threading.RLock()
_ADDRESSES: Final = "flanker.addresslib.address"
"""flanker's address parser: half of the time that its import takes, and never asked by what we call."""


def _import_flanker() -> tuple[Any, Any]:
    """Import flanker without its side effects: no file written, nothing on stderr, no warning. Its address parser waits until somebody asks it."""
    with _quietly():
        if _ADDRESSES not in sys.modules:
            _defer(_ADDRESSES)
        from flanker.mime import from_string  # noqa: PLC0415
        from flanker.mime.message.headers.encodedword import mime_to_unicode  # noqa: PLC0415
    logging.getLogger("flanker").addHandler(logging.NullHandler())
    return from_string, mime_to_unicode


@contextmanager
def _quietly() -> Iterator[None]:
    """Let ply build its parsers in silence.

    flanker 0.9.11 makes it rewrite its tables inside site-packages at each first import, which races between
    processes and complains where that folder is read-only.
    """
    with _IMPORT_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ply.yacc  # noqa: PLC0415  as flanker itself: at the first parse

        plain = ply.yacc.yacc
        # A partial, for ply looks at its caller's frame: a function of ours would stand in between.
        ply.yacc.yacc = partial(plain, write_tables=False, check_recursion=False, errorlog=ply.yacc.NullLogger())
        try:
            yield
        finally:
            ply.yacc.yacc = plain


class _Deferred(ModuleType):
    """A module that is executed when something of it is asked for. importlib's own LazyLoader does so at the next `import` already."""

    def __getattr__(self, name: str) -> object:
        """Execute it, and become a plain module."""
        spec = self.__spec__
        if spec is None or spec.loader is None or name.startswith("__"):
            raise AttributeError(name)
        with _quietly():
            if isinstance(self, _Deferred):  # nobody has meanwhile
                self.__class__ = ModuleType  # type: ignore[assignment]  # before it imports what imports it
                spec.loader.exec_module(self)
        return getattr(self, name)


def _defer(name: str) -> None:
    """Put a module in its place that is executed later."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return
    module = sys.modules[name] = _Deferred(name)
    module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, spec.origin
    module.__package__, _, attribute = name.rpartition(".")
    setattr(sys.modules[module.__package__], attribute, module)


class FastMailParser:
    """fast-mail-parser, which is compiled (extra `fast`). It splits and unfolds; a charset stands among parameters, which it leaves to `email`."""

    name = "fast-mail-parser"

    def __init__(self) -> None:
        """Import it; raises ImportError where that fails."""
        from fast_mail_parser import parse_email  # noqa: PLC0415  an extra

        self._parse = parse_email

    def shape(self, skeleton: bytes) -> Shape:
        """See Parser."""
        return _shape(_fields(self._parse(skeleton, mode="metadata").headers))

    def decode_header(self, value: str) -> str:
        """See Parser."""
        if not _is_sound(value):
            return Stdlib().decode_header(value)
        text = clean_text(self._parse(f"Subject: {value}\n\n", mode="metadata").subject)
        # A word that lacks its padding, or a character that is cut between two words.
        return Stdlib().decode_header(value) if "=?" in text or "\ufffd" in text else text


def _fields(headers: Mapping[str, Sequence[str]]) -> email.message.Message:
    fields = email.message.Message()
    for name, values in headers.items():
        fields[name] = values[0]
    return fields


PARSERS: Final[dict[str, type[Flanker | Stdlib | FastMailParser]]] = {"flanker": Flanker, "stdlib": Stdlib, "fast-mail-parser": FastMailParser}


@cache
def parser_named(name: str) -> Parser:
    """Return a parser; one that can't be imported is replaced by the standard library, with a word.

    Raises SettingsError for a name that is none.
    """
    if name not in PARSERS:
        msg = f"parser = {name!r}: known are {', '.join(PARSERS)}"
        raise SettingsError(msg)
    try:
        return PARSERS[name]()
    except ImportError as error:
        _LOG.warning("%s can't be imported (%s): reading with the standard library", name, error)
        return Stdlib()
