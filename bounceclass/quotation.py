"""What a notice for people says of a recipient: the remote's words that it quotes, else its own.

<user@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1 No such user
(in reply to RCPT TO command)                                    Postfix
user@example.org
Unrouteable address                                              Exim
user@example.org: No MX found for domain                             OpenSMTPD
"""

from __future__ import annotations

import re
from typing import Final

from bounceclass import transcript
from bounceclass.model import clean_text

__all__ = ["find", "find_command", "unfold"]

_BEHIND: Final = re.compile(r">?(?::[ \t]*\n?|\n)[ \t]*((?<=[ \t])\S[^\n]*(?:\n[ \t]+\S[^\n]*){0,20})")
_OPENS: Final = re.compile(r"[ \t]*<?[^\s<>@]{1,64}@[\w.-]{1,255}>?[:.]?(?:\s|$)")


def find(notice: str, recipient: str | None, *, alone: bool, limit: int) -> transcript.Transcript:
    """Return what a notice says of a recipient, NOTHING where it says nothing.

    Of one that is `alone`, the remote's words may stand anywhere; at most `limit` characters are kept.
    """
    lowered, said_of_it = notice.lower(), ""
    place = lowered.find(recipient.lower()) if recipient else -1
    while place >= 0 and recipient:
        paragraph = _paragraph(notice, place)
        said = transcript.read(unfold(paragraph, limit))
        if said.reply_code is not None:
            return said
        said_of_it = said_of_it or _words_behind(paragraph, recipient)
        place = lowered.find(recipient.lower(), place + 1)
    if said_of_it:
        return transcript.read(unfold(said_of_it, limit))
    if alone:
        for paragraph in notice.split("\n\n"):
            said = transcript.read(unfold(paragraph, limit))
            if said.reply_code is not None and said.quoted:
                return said
    return transcript.NOTHING


def find_command(notice: str, recipient: str | None, *, alone: bool) -> str | None:
    """Return the phase that the notice names for a recipient; all of it is about one that is `alone`."""
    place = notice.lower().find(recipient.lower()) if recipient else -1
    about = notice if alone else _paragraph(notice, place) if place >= 0 else ""
    return transcript.find_command(" ".join(about.lower().split()))


def _words_behind(paragraph: str, recipient: str) -> str:
    """Return what stands behind an address: `user@example.org: No MX found`, or indented below it, as Exim has it."""
    match = _BEHIND.match(paragraph, paragraph.lower().find(recipient.lower()) + len(recipient))
    return match[1] if match else ""


def _paragraph(notice: str, place: int) -> str:
    """Return the paragraph about the address at `place`.

    It ends at a blank line, or where a line no deeper than its first one opens with another address.
    """
    start = notice.rfind("\n", 0, place) + 1
    end = notice.find("\n\n", place)
    lines = notice[start : end if end >= 0 else len(notice)].split("\n")
    depth = _depth(lines[0])
    length = next((place for place, line in enumerate(lines) if place and _depth(line) <= depth and _OPENS.match(line)), len(lines))
    return "\n".join(lines[:length])


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def unfold(text: str, limit: int) -> str:
    """Return at most `limit` characters of a text on one line."""
    return clean_text(" ".join(text[:limit].split()))
