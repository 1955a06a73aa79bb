"""Mail addresses as they are compared: never as they are reported, for those are kept as written. And the one that a header names."""

from __future__ import annotations

import re
import string
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["comparable", "mailbox"]

_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_DOMAIN: Final = re.compile(r"[\w.-]+", re.ASCII)
_LONGEST_DOMAIN: Final = 255
_PIECE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\\.|[^"\\()<>,;]+|.', re.DOTALL)


def comparable(address: str) -> str:
    """Return the form in which two spellings of one address are equal.

    The domain as A-labels in lower case (RFC 5890), the local part in NFC with ASCII letters in lower
    case; nothing else: dots and +tags mean something. What is no address is treated as a local part.
    """
    local, mark, domain = address.strip().rpartition("@")
    if not mark:
        local, domain = domain, ""
    return unicodedata.normalize("NFC", local).translate(_LOWER) + mark + _a_labels(domain)


def _a_labels(domain: str) -> str:
    domain = domain.rstrip(".")
    if domain.isascii():
        return domain.lower()
    try:
        labels = domain[: _LONGEST_DOMAIN + 1].encode("idna").decode("ascii").lower()
    except UnicodeError:
        labels = ""
    # IDNA 2003 folds U+FF20 FULLWIDTH COMMERCIAL AT to "@": what gives no host name stays as it is.
    return labels if len(domain) <= _LONGEST_DOMAIN and _DOMAIN.fullmatch(labels) else unicodedata.normalize("NFC", domain).lower()


def mailbox(value: str) -> str | None:
    """Return the address of a From field as written (RFC 5322 3.4); None where it names none, or several.

    Angle brackets hold the address, whatever the display name looks like; comments hold none. The
    standard library's parseaddr takes another in some of these (CVE-2023-27043), and recurses.
    """
    found = [name for name in _mailboxes(value) if name.strip("@")]
    addresses = [name for name in found if "@" in name] or found  # a comma in a name that is not quoted
    if len(addresses) != 1 or addresses[0].count("@") > 1 + addresses[0].startswith('"'):
        return None
    return addresses[0] if addresses[0].startswith('"') or not re.search(r"\s", addresses[0]) else None


def _mailboxes(value: str) -> Iterator[str]:
    depth, plain, within = 0, "", False
    angle: str | None = None
    for piece in _PIECE.findall(value):
        if piece in "()":
            depth = max(0, depth + (1 if piece == "(" else -1))
        elif depth:
            continue
        elif piece in "<>":
            within = piece == "<"
            angle = "" if within else angle
        elif piece in ",;" and not within:
            yield (plain if angle is None else angle).strip()
            plain, angle = "", None
        elif within:
            angle = (angle or "") + piece
        else:
            plain += piece
    yield (plain if angle is None else angle).strip()
