"""Mail addresses as they are compared: never as they are reported, for those are kept as written."""

from __future__ import annotations

import string
import unicodedata
from typing import Final

__all__ = ["comparable"]

_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


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
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return unicodedata.normalize("NFC", domain).lower()
