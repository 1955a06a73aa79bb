r"""Bytes to valid Unicode text, whatever the label says.

Only charsets of mail are allowed: codecs such as punycode, idna or unicode_escape take minutes on
hostile input. What can't be decoded is spelt `\xNN`, so nothing is lost and any result can be JSON.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import Final

from bounceclass.model import clean_text

__all__ = ["codec_of", "decode", "from_octal", "from_twice"]

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
_GUESSED_BYTES: Final = 4096
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
    """Decode by the label, else as UTF-8, else as what it looks like; never raises.

    Not `whole`: the data were cut, perhaps within a character, which is left out.
    """
    if label is None and data.isascii() and b"\x1b" not in data:
        return data.decode("ascii")
    codec = codec_of(label)
    if b"\x1b" in data and codec in {None, "ascii", "utf-8", "iso8859-1"} and (b"\x1b$" in data or b"\x1b(" in data):
        codec = "iso2022_jp"
    if codec in {None, "ascii", "utf-8"} and data.isascii():
        return data.decode("ascii")
    for name in (_WIDER.get(codec or "", codec), codec, "utf-8", *_MISLABELLED.get(codec or "", ())):
        text = _strict(data, name, whole=whole)
        if text is not None:
            return clean_text(text)
    text = _strict(data, _guess(data), whole=whole)
    return clean_text(data.decode("utf-8", "backslashreplace") if text is None else text)


def _strict(data: bytes, codec: str | None, *, whole: bool) -> str | None:
    if codec is None:
        return None
    try:
        return codecs.getincrementaldecoder(codec)("strict").decode(data, final=whole)
    except (UnicodeError, ValueError):
        return None


def _guess(data: bytes) -> str | None:
    """Ask chardet, which comes with flanker, about the head of the text."""
    try:
        import chardet  # noqa: PLC0415  heavy, and only for mislabelled text
    except ImportError:
        return None
    found = chardet.detect(data[:_GUESSED_BYTES])
    return codec_of(found["encoding"]) if (found["confidence"] or 0) > 0.5 else None  # noqa: PLR2004  better than even


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
