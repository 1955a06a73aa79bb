r"""Bytes to valid Unicode text, whatever the label says.

Only charsets of mail are allowed: codecs such as punycode, idna or unicode_escape take minutes on
hostile input. What can't be decoded is spelt `\xNN`, so nothing is lost and any result can be JSON.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from functools import lru_cache
from typing import Final

from bounceclass.model import clean_text

__all__ = ["GUESSED", "codec_of", "decode", "decode_telling", "from_octal", "from_twice"]

GUESSED: Final = "charset-guessed"
"""The defect of text that is of no charset which it names: it was read as what it looks like."""

_ALLOWED: Final = frozenset(
    (
        "ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7",
        "big5", "big5hkscs", "cp949", "euc_kr", "johab", "iso2022_kr", "gb2312", "gbk", "gb18030", "hz",
        "euc_jp", "euc_jis_2004", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_ext", "shift_jis", "cp932",
        *(f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)), "tis-620",
        "cp437", "cp850", "cp852", "cp866", "cp874", *(f"cp{page}" for page in range(1250, 1259)),
        "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic",
    ),
)  # fmt: skip
_WIDER: Final = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "iso8859-1": "cp1252"}
_MISLABELLED: Final = {"iso2022_jp": ("euc_jp", "cp932"), "cp932": ("euc_jp",), "euc_jp": ("cp932",)}
_SHIFTING: Final = frozenset(name for name in _ALLOWED if name.startswith(("utf-16", "utf-32", "utf-7", "iso2022", "hz")))
"""Charsets in which ASCII bytes may be something else."""
_SEARCHED_BYTES: Final = 64 * 1024
_GUESSED_BYTES: Final = 1024
_WRITTEN: Final = "LMNPZ"
"""Categories of what stands in text: letters, marks, numbers, punctuation, separators."""
_FOREIGN: Final = re.compile(r"[^\0-\x7f]")
_PAIR: Final = re.compile(rb"[\x80-\xff]{2}")
_LOST: Final = re.compile("[\udc80-\udcfd]")
"""A byte that is no UTF-8; FE and FF alone are damage, not words."""
_OCTET: Final = re.compile(rb"\\([23][0-7]{2})")


@lru_cache(maxsize=256)
def codec_of(label: str | None) -> str | None:
    """Return Python's name of a charset that mail may use, None for any other label."""
    if not label:
        return None
    try:
        name = codecs.lookup(label.partition("(")[0].strip().strip("\"'")).name
    except (LookupError, ValueError):
        return None
    return name if name in _ALLOWED else None


def decode(data: bytes, label: str | None = None, *, whole: bool = True) -> str:
    """Return the text alone of `decode_telling`."""
    return decode_telling(data, label, whole=whole)[0]


def decode_telling(data: bytes, label: str | None = None, *, whole: bool = True, among: bytes | None = None) -> tuple[str, str | None]:
    """Decode by the label, else as UTF-8, else as what it looks like: then tell that charset too. Never raises.

    Not `whole`: the data were cut, perhaps within a character, which is left out. `among` is what the data stand in,
    by which the charset is told; it is told once.
    """
    if label is None and data.isascii() and b"\x1b" not in data:
        return data.decode("ascii"), None
    codec = codec_of(label)
    if b"\x1b" in data and codec in {None, "ascii", "utf-8", "iso8859-1"} and (b"\x1b$" in data or b"\x1b(" in data):
        codec = "iso2022_jp"
    if codec not in _SHIFTING and data.isascii():
        return data.decode("ascii"), None
    for name in (_WIDER.get(codec or "", codec), codec, "utf-8", *_MISLABELLED.get(codec or "", ())):
        text = _strict(data, name, whole=whole)
        if text is not None:
            return clean_text(text), None
    guessed = _guess((among or data)[:_SEARCHED_BYTES])
    text = _strict(data, guessed, whole=whole)
    if text is None:
        return clean_text(data.decode("utf-8", "backslashreplace")), None
    return clean_text(text), guessed


def _strict(data: bytes, codec: str | None, *, whole: bool) -> str | None:
    if codec is None:
        return None
    try:
        return codecs.getincrementaldecoder(codec)("strict").decode(data, final=whole)
    except (UnicodeError, ValueError):
        return None


@lru_cache(maxsize=4)  # a header block is asked about for each of its fields
def _guess(data: bytes) -> str | None:
    """Tell the charset by the lines that are not ASCII; None where they are UTF-8 but for a few bytes, or no words."""
    foreign = b"\n".join([line for line in data.split(b"\n") if not line.isascii()])[:_GUESSED_BYTES]
    as_utf8 = foreign.decode("utf-8", "surrogateescape")
    lost = len(_LOST.findall(as_utf8))
    if 2 * lost <= len(_FOREIGN.findall(as_utf8)):
        return None
    codec = _ask(foreign if _PAIR.search(foreign) else data[:_GUESSED_BYTES])  # of letters that stand alone, the words around tell
    text = _strict(foreign, codec, whole=False)
    return codec if text is not None and all(unicodedata.category(char)[0] in _WRITTEN for char in _FOREIGN.findall(text)) else None


def _ask(data: bytes) -> str | None:
    """Ask chardet, which comes with flanker, of what mail is written in. It is never sure of so little text, but seldom wrong."""
    try:
        from chardet import EncodingEra, detect  # noqa: PLC0415  heavy, and only for mislabelled text
    except ImportError:  # or older than 6
        return None
    return codec_of(detect(data, encoding_era=EncodingEra.MODERN_WEB | EncodingEra.LEGACY_ISO)["encoding"])


def from_octal(text: str) -> str:
    r"""Undo what Exim's string_printing() makes of octets that are no ASCII: "Empf\344nger"."""
    if "\\" not in text:
        return text
    octets, found = _OCTET.subn(lambda match: bytes([int(match[1], 8)]), text.encode("utf-8", "replace"))
    return decode(octets) if found else text


def from_twice(text: str) -> str:
    """Undo UTF-8 that was taken for Latin-1 and encoded again, as Nodemailer hands on a reply."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
