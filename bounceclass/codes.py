"""SMTP reply codes and enhanced status codes: grammar and parsing, no meanings.

    reply code       [2-5] digit digit                   RFC 5321 4.2; its grammar stops at a second digit of 5, servers don't (571)
    enhanced status  (2 / 4 / 5) "." 1*3digit "." 1*3digit   RFC 3463 2

A status is a str ("5.1.1") everywhere, a reply code an int; meanings are in `knowledge`.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from bounceclass.errors import CodeError
from bounceclass.model import clean_text

__all__ = ["REPLY", "STATUS", "Code", "find_status", "is_generic", "parse", "status_class", "subject_of"]

REPLY: Final = r"[2-5][0-9]{2}"
STATUS: Final = r"[245]\.[0-9]{1,3}\.[0-9]{1,3}"

_CODE: Final = re.compile(rf"(?:({REPLY})(?:[ -]+#?({STATUS}))?|({STATUS}))\Z")
# What may not stand before comes behind the first digit: a pattern that begins with a class is tried only where one of it stands.
_STATUS: Final = re.compile(rf"([245](?<![\w.-][245]){STATUS.removeprefix('[245]')})(?![\w-]|\.\d)")


class Code(msgspec.Struct, frozen=True):
    """A reply code, an enhanced status, or both ("550 5.1.1")."""

    reply: int | None
    status: str | None

    def __str__(self) -> str:
        """As on the wire."""
        return " ".join(str(part) for part in (self.reply, self.status) if part is not None)


def parse(text: str) -> Code:
    """Read "550", "5.1.1" or "550 5.1.1"; raise CodeError, naming the text, on anything else."""
    match = _CODE.match(" ".join(text.split()))
    if match is None:
        msg = f"{clean_text(text)!r} is no SMTP code: a reply code is like 550, an enhanced status like 5.1.1"
        raise CodeError(msg)
    reply, beside, alone = match.groups()
    return Code(int(reply) if reply else None, tidy(beside or alone))


def tidy(status: str | None) -> str | None:
    """Return a status without leading zeros in its parts (RFC 3463 2 forbids them): 5.01.001 is 5.1.1."""
    if status is None or len(status) == len("5.1.1"):
        return status
    return ".".join(str(int(part)) for part in status.split("."))


def find_status(text: str) -> str | None:
    """Return the first enhanced status that stands alone in `text`; no IP address, version or host name."""
    match = _STATUS.search(text)
    return tidy(match[1]) if match else None


def status_class(status: str | None) -> int | None:
    """Return the class digit, 2, 4 or 5."""
    return int(status[0]) if status else None


def subject_of(status: str) -> str:
    """Return the status with its class masked, "x.1.1": the key of the registry's rows."""
    return "x" + status[1:]


def is_generic(status: str | None) -> bool:
    """Tell whether a status says nothing but its class: x.0.0, "other undefined status"."""
    return status is None or status.endswith(".0.0")
