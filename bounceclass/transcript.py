"""What an SMTP diagnostic says: command, remote host, reply code, enhanced status, text.

Rules of this file:
1. `read` finds what the *refusing host* said. A reply at the head of the text is that host's; one
   that the text introduces ("said:", "last transfail:", "<<<") is nearer to the truth still.
2. A number is a reply code only where one may stand: at the head, behind an introduction, or before
   an enhanced status. Ports, addresses, sizes, years and ids are none.
3. `normalise` gives the text that rules see, and where each character came from.

    host mx.example.org[192.0.2.1] said: 550-5.1.1 No such user (in reply to RCPT TO command)
         `- remote_host                  |   `- enhanced_status             `- command
                                         `- reply_code
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import Final

import msgspec

from bounceclass.codes import REPLY, STATUS, find_status, tidy
from bounceclass.phases import find_command

__all__ = [
    "NOTHING",
    "Normalised",
    "Transcript",
    "find_code",
    "find_host",
    "find_ip",
    "lower",
    "normalise",
    "plain",
    "read",
]


class Transcript(msgspec.Struct, frozen=True, gc=False):
    """What `read` found in `text`; the reply stands at text[start:end], its codes included.

    `quoted` tells that the text introduces the reply as somebody else's words.
    """

    text: str
    reply_code: int | None = None
    enhanced_status: str | None = None
    command: str | None = None
    remote_host: str | None = None
    start: int = 0
    end: int = 0
    quoted: bool = False


NOTHING: Final = Transcript("")

_AT_HEAD: Final = re.compile(rf"[\s\"'(<*]*({REPLY})(?:(?=[ \-]|\Z)|(?=\s)|:(?= ))[ \-]*[#'(\[]*({STATUS})?(?![\d.])")
_CANDIDATE: Final = re.compile(
    rf"([2-5](?<![\w./@#=-][2-5])(?<!\w:[2-5])[0-57][0-9])(?:[ \-]+[#'(\[]*({STATUS})(?![\w.-])|(?=[ \-]|,(?!\d)|[\])](?!\w)|\Z))",
)
_GLUED: Final = re.compile(rf"(?:reply|said|response):({REPLY})(?=[ \-]|\Z)(?:[ \-]+[#'(\[]*({STATUS})(?![\w.-]))?")
_STATUS_AT_HEAD: Final = re.compile(rf"[\s\"'(\[#]*({STATUS})(?![\w-]|\.\d)")

# Words after which a number is a reply: the remote is quoted.
_QUOTES: Final = re.compile(
    r"(?:said|says|replied|responded|answered|to talk to me|was|reason|response|reply|returned|error|message|"
    r"last (?:transfail|error|smtp error|attempt)|did not like our [a-z ]+|"
    r"failed|rejected|refused|diagnostic|status|code|problem|smtp;|>|->|<<<|<--|\||follows:?|session follows -+)"
    r"[:\s\"'(\[=]*\Z",
)
_EXIT: Final = re.compile(r"(?:error|reason)[: ]*\Z")  # "unknown mail system error 255": of a program; a reply of 2yz or 3yz is no reason
# An outer reply that only wraps the one that counts: "554 5.4.7 [internal] ... (last transfail: 452 4.2.2 full)".
_LAST: Final = "last "
_RELAYED: Final = re.compile(r"\bfrom mta\([^()]{0,100}\):\s{0,3}")  # amavis: "451 4.7.1 id=.., from MTA(smtp:[127.0.0.1]:10025): 451 4.7.1 busy"
_INNER: Final = tuple(f"{_LAST}{what}:" for what in ("transfail", "error", "smtp error", "response"))
_EXPIRED: Final = (" message expired", "message expired")
_NOT_CODES: Final = re.compile(r"[ \-]*(?:bytes?|octets?|[kmg]i?b|seconds?|minutes?|hours?|days?|times)\b")
_LOOKBACK: Final = 40

_HOST_LEADS: Final = ("host ", "connect to ", "remote server ", "remote mail server ", "conversation with ", "lost connection with ")
_OUR_HOST: Final = ("client ", "sending ", "sender ", "your ")  # before "host": the one that was refused
_HOST: Final = re.compile(r"(?P<name>[a-z0-9](?:[\w-]*\.)+[a-z0-9][\w-]*|\[[\d.:a-f]+\])(?= ?[\[(]| said| refused| while|[: ]|\Z)")

_DISLIKED: Final = " did not like our "
_DISLIKING: Final = re.compile(rf"(?<!\S)(?P<name>[a-z0-9](?:[\w-]*\.)+[a-z0-9][\w-]*) \[[\d.:a-f]+\]{_DISLIKED}")  # dma


@lru_cache(maxsize=1024)
def read(text: str) -> Transcript:
    """Read a diagnostic; whatever is not stated is None. Never raises."""
    lowered = lower(text)
    host = find_host(lowered)
    found = _find_reply(lowered)
    if found is None:
        command = find_command(lowered)
        status = _STATUS_AT_HEAD.match(lowered)
        stated = tidy(status[1]) if status else find_status(lowered)
        return Transcript(text, None, stated, command, host, 0, _end(lowered, 0))
    match, quoted = found
    start, end = match.start(1), _end(lowered, match.start(1))
    command = find_command(lowered[:start] + lowered[end:])  # the reply's own words may be about another host's phases
    status_text = match[2] or find_status(lowered[match.end() : end])
    if status_text and status_text.endswith(".0.0") and (closer := _STATUS_AT_HEAD.match(lowered, match.end(), end)):
        status_text = closer[1]  # slimta, of a reply whose status does not follow at once: "550 5.0.0 #5.1.1"
    return Transcript(text, int(match[1]), tidy(status_text), command, host, start, end, quoted)


@lru_cache(maxsize=64)
def find_code(lowered: str) -> int | None:
    """Return the reply code alone of a lower-case text."""
    found = _find_reply(lowered)
    return int(found[0][1]) if found else None


def _find_reply(lowered: str) -> tuple[re.Match[str], bool] | None:
    head = _AT_HEAD.match(lowered)
    if head and not _NOT_CODES.match(lowered, head.end()):
        inner = _find_inner(lowered, head)
        return (inner, True) if inner else (head, False)
    weak = None
    for match in _CANDIDATE.finditer(lowered):
        if _NOT_CODES.match(lowered, match.end()):
            continue
        before = lowered[max(0, match.start() - _LOOKBACK) : match.start()]
        if match[1] < "4" and _EXIT.search(before):
            continue
        if match[2] or _QUOTES.search(before):
            return match, True
        if weak is None and (before.rstrip().endswith(":") or (before[-1:] == "(" and lowered[match.end() : match.end() + 1] == " ")):
            weak = match
    if weak is None and ("reply:" in lowered or "said:" in lowered or "response:" in lowered):
        weak = _GLUED.search(lowered)
    return (weak, True) if weak else None


def _find_inner(lowered: str, head: re.Match[str]) -> re.Match[str] | None:
    """Return the reply that an outer one only wraps: introduced as the last, handed on by amavis, or quoted by "expired"."""
    for lead in _INNER if _LAST in lowered else ():
        place = lowered.find(lead)
        if place >= 0 and (inner := _CANDIDATE.search(lowered, place)):
            return inner
    relayed = _RELAYED.search(lowered, head.end()) if "from mta(" in lowered else None
    if relayed and (inner := _CANDIDATE.match(lowered, relayed.end())):
        return inner
    if (head[2] or "").endswith(".4.7") or lowered.startswith(_EXPIRED, head.end()):
        return next((found for found in _CANDIDATE.finditer(lowered, head.end()) if found[2]), None)
    return None


_GLOSS: Final = " 退信原因\uff1a"
"""Alibaba's "reason of the return", its own reading of the reply before it."""


def _end(lowered: str, start: int) -> int:
    """Return where the reply ends: Postfix adds its own words in round brackets, qmail a sentence, Alibaba its reading; Sendmail puts it into some."""
    place = lowered.rfind(" (in reply to ", start)
    place = place if place >= 0 else lowered.rfind(" giving up on ", start)
    place = place if place >= 0 or lowered.isascii() else lowered.find(_GLOSS, start)
    end = len(lowered) if place < 0 else place
    closing = lowered.endswith(")", start, end) and lowered.count(")", start, end) > lowered.count("(", start, end)
    return end - closing


def find_host(lowered: str) -> str | None:
    """Return the remote host that a lower-case text names: "host mx.example.org[192.0.2.1] said".

    A "client host [192.0.2.7]" is we, as the remote host saw us.
    """
    if _DISLIKED in lowered and (match := _DISLIKING.search(lowered)):
        return match["name"]
    for lead in _HOST_LEADS:
        place = lowered.find(lead)
        while place >= 0 and lowered.endswith(_OUR_HOST, 0, place):
            place = lowered.find(lead, place + 1)
        if place >= 0 and (match := _HOST.match(lowered, place + len(lead), place + len(lead) + 255)):
            return match["name"]
    return None


class Normalised:
    """Text as rules see it; `origin` leads back to the text it was made from."""

    __slots__ = ("_end", "_marks", "_origins", "text")

    def __init__(self, text: str, marks: list[int], origins: list[int], end: int) -> None:
        """Keep the text, the places where its offsets shift, and where the original ends."""
        self._end = end
        self.text = text
        self._marks = marks
        self._origins = origins

    def origin(self, place: int) -> int:
        """Return the offset in the original of an offset in `text`."""
        if len(self._marks) == 1:
            return min(self._origins[0] + place, self._end)
        mark = bisect_right(self._marks, place) - 1
        # A mask may be longer than what it stands for.
        furthest = self._origins[mark + 1] if mark + 1 < len(self._origins) else self._end
        return min(self._origins[mark] + place - self._marks[mark], furthest)


# A pattern that begins with a class is tried only where one of it stands, so what may not stand before comes behind it.
_DOTTED: Final = re.compile(r"\.[0-9]{1,3}\.[0-9]")
_IPV4: Final = re.compile(r"[0-9](?<![\w.][0-9])[0-9]{0,2}\.(?:[0-9]{1,3}\.){2}[0-9]{1,3}(?!\w|\.[0-9])")
_IPV6: Final = re.compile(
    r"[0-9a-f](?<![\w:.][0-9a-f])[0-9a-f]{0,3}:"
    r"(?:(?:[0-9a-f]{1,4}:){6}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){0,5}(?::[0-9a-f]{1,4}){1,6})(?![\w:])",
)
_BLANKS: Final = re.compile(r"\s\s+|[^\S ]")
_LOCAL: Final = "abcdefghijklmnopqrstuvwxyz0123456789.!#$%&'*+/=?^_`{|}~-"
_DOMAIN: Final = "abcdefghijklmnopqrstuvwxyz0123456789.-_"
_BLANKLESS: Final = "\u2e80"
"""Where Han, kana and Hangul begin: their text leaves no blank beside an address."""
_CONTINUED: Final = re.compile(rf"({REPLY})([ -])({STATUS})? ?")


def normalise(text: str, start: int = 0, end: int | None = None) -> Normalised:
    """Return text[start:end] in lower case, blanks folded to one, apostrophes straight, addresses as <addr>, IPs as <ip>.

    The codes that each line of a multi-line reply repeats are dropped but for the first; ids stay,
    for S3150 or TSS04 mean something.
    """
    lowered = plain(text[start:end])
    spans = _masks(lowered)
    pieces: list[str] = []
    marks, origins = [0], [start]
    place = length = 0
    for left, right, mask in spans:
        if left < place:
            continue
        pieces += (lowered[place:left], mask)
        length += left - place + len(mask)
        place = right
        marks.append(length)
        origins.append(start + right)
    pieces.append(lowered[place:])
    return Normalised("".join(pieces), marks, origins, start + len(lowered))


def _masks(lowered: str) -> list[tuple[int, int, str]]:
    blanks = "  " in lowered or not lowered.isprintable()  # no other blank is printable
    spans = [(m.start(), m.end(), " ") for m in _BLANKS.finditer(lowered)] if blanks else []
    spans += [(m.start(), m.end(), "<ip>") for pattern in _of_ips(lowered) for m in pattern.finditer(lowered)]
    at = lowered.find("@")
    while at >= 0:
        left, right = _address(lowered, at)
        if left < at < right - 1:
            spans.append((left, right, "<addr>"))
        at = lowered.find("@", right)
    head = _CONTINUED.match(lowered)
    if head:
        spans += _continuations(lowered, head)
    spans.sort()
    return spans


def find_ip(lowered: str) -> tuple[int, int] | None:
    """Return where the first IP address of a lower-case text stands, None where it has none."""
    found = [match.span() for pattern in _of_ips(lowered) if (match := pattern.search(lowered))]
    return min(found, default=None)


def _of_ips(lowered: str) -> list[re.Pattern[str]]:
    """Return the patterns of the addresses that a text has the marks for: an IPv6 one that leaves nothing out has seven colons."""
    found = [_IPV4] if _DOTTED.search(lowered) else []
    if "::" in lowered or lowered.count(":") > 6:  # noqa: PLR2004
        found.append(_IPV6)
    return found


def _address(lowered: str, at: int) -> tuple[int, int]:
    letters = _letters(lowered[at - 1 : at])
    left = len(lowered[:at].rstrip(_LOCAL))
    while left and "\x7f" < lowered[left - 1] < letters:
        left = len(lowered[: left - 1].rstrip(_LOCAL))
    letters = _letters(lowered[at + 1 : at + 2])
    right = len(lowered) - len(lowered[at + 1 :].lstrip(_DOMAIN))
    while right < len(lowered) and "\x7f" < lowered[right] < letters:
        right = len(lowered) - len(lowered[right + 1 :].lstrip(_DOMAIN))
    while right > at + 1 and lowered[right - 1] in ".-":
        right -= 1
    if left and right < len(lowered) and lowered[left - 1] == "<" and lowered[right] == ">":
        return left - 1, right + 1
    return left, right


def _letters(beside: str) -> str:
    """Return before what an address's letters stand: those of scripts without blanks are its own only where one touches the "@"."""
    return _BLANKLESS if beside < _BLANKLESS else "\U0010ffff"


def _continuations(lowered: str, head: re.Match[str]) -> list[tuple[int, int, str]]:
    """Return the spans of codes repeated on later lines: `550-5.1.1 a 550-5.1.1 b 550 5.1.1 c`."""
    code, hyphen, status = head.groups()
    if lowered.find(code, head.end()) < 0:  # of most replies
        return []
    repeats = []
    if status:
        for middle in "- ":
            repeats += _places(lowered, f" {code}{middle}{status} ", head.end() - 1)
    elif hyphen == "-":
        repeats += _places(lowered, f" {code}-", head.end() - 1) + _places(lowered, f" {code} ", head.end() - 1)
    return [(place, place + size, " ") for place, size in repeats]


def _places(text: str, what: str, start: int) -> list[tuple[int, int]]:
    found = []
    place = text.find(what, start)
    while place >= 0:
        found.append((place, len(what)))
        place = text.find(what, place + len(what) - 1)
    return found


_APOSTROPHES: Final = str.maketrans("\u2018\u2019\xb4`", "'" * 4)


def plain(text: str) -> str:
    """Lower case with straight apostrophes, which keeps every offset: doesn`t is doesn't."""
    lowered = lower(text)
    return lowered if lowered.isascii() and "`" not in lowered else lowered.translate(_APOSTROPHES)


def lower(text: str) -> str:
    """Lower case that keeps every offset: a letter whose lower case is longer stays as it is."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
