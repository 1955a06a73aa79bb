"""What a notice for people says of a recipient: the remote's words that it quotes, else its own.

<user@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1 No such user
(in reply to RCPT TO command)                                    Postfix
user@example.org
Unrouteable address                                              Exim
user@example.org: No MX found for domain                             OpenSMTPD
<user@example.org>... Deferred: Connection refused by mx.example.org.    Sendmail
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from bounceclass import transcript
from bounceclass.mime.charsets import from_octal, from_twice
from bounceclass.model import clean_text
from bounceclass.phases import find_command_in_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Quotation", "decisive", "refusals", "unfold"]

_SEARCHES: Final = 1000
"""How often a recipient is looked for; what is read of a notice has no room for words about so many."""
_ROOM: Final = 512 * 1024
"""Characters that are read of a notice in all: honest ones say of each recipient something else."""
_OVERHEAD: Final = 100
"""What a paragraph costs besides its own length."""
_BEHIND: Final = re.compile(r">?\)?(?:(?::|\.\.\.)[ \t]*+\n?|\n)[ \t]*+((?<=[ \t])\S[^\n]*(?:\n[ \t]+\S[^\n]*){0,20})")
_WORD: Final = re.compile(r"\w+")
_SENTENCE: Final = 10
"""Words that make a paragraph about an address more than a heading, the address's own included."""
_GENERATED: Final = re.compile(r"\n[ \t]+\((?:ultimately )?generated from ([^\s()]{1,320})\)")
"""Exim, of an address that an alias or a forward has made of the one in brackets."""
_BEFORE: Final = re.compile(r"[^\W\u0590-\U0010ffff]|[.+%&#$~-]")
_AFTER: Final = re.compile(r"[^\W\u0590-\U0010ffff]|-|\.[^\W\u0590-\U0010ffff]")
"""What stands beside an address only where it is part of another one; other scripts leave no blank beside theirs."""
_NEXT: Final = re.compile(r"\n([ \t]*)<?[^\s<>@]{1,64}@[\w.-]{1,255}>?[:.]?(?=\s|\Z)")


class Quotation:
    """A notice, asked about one recipient of its report after the other; `spent` once it was read too often.

    Then it says nothing more: a hostile one names its recipients everywhere.
    """

    def __init__(self, notice: str, limit: int) -> None:
        """Take a notice; at most `limit` characters of what it says of a recipient are read."""
        self._notice = notice
        self._lowered = notice.lower()
        self._limit = limit
        self._searches = _SEARCHES
        self._room = _ROOM
        self._heard: tuple[str, ...] | None = None
        self._generated: list[tuple[str, str, str]] | None = None
        self.spent = False

    def __bool__(self) -> bool:
        """Tell whether there is a notice."""
        return bool(self._notice)

    def find(self, recipient: str | None, *, alone: bool) -> transcript.Transcript:
        """Return what the notice says of a recipient, NOTHING where it says nothing.

        Of one that is `alone`, the remote's words may stand anywhere.
        """
        if alone and (heard := decisive(self._refusals())):
            return transcript.read(heard)
        said_of_it = ""
        for paragraph in self._about(recipient):
            said = transcript.read(unfold(paragraph, self._limit))
            if said.reply_code is not None:
                return said
            said_of_it = said_of_it or _words_behind(paragraph, recipient or "")
        if said_of_it:
            return transcript.read(unfold(said_of_it, self._limit))
        return self._of_the_only_one(recipient) if alone else transcript.NOTHING

    def _of_the_only_one(self, recipient: str | None) -> transcript.Transcript:
        """Return what the notice says of its one recipient, wherever it does."""
        for paragraph in self._notice.split("\n\n"):
            said = transcript.read(unfold(paragraph, self._limit))
            if said.reply_code is not None and said.quoted:
                return said
        sentence = next(self._about(recipient), "")
        if len(_WORD.findall(sentence)) >= _SENTENCE and ": " not in sentence.partition("\n")[0]:
            return transcript.read(unfold(sentence, self._limit))
        return transcript.NOTHING

    def find_generated(self, recipient: str | None, diagnostic: str) -> str | None:
        """Return the address that failed where Exim names whom it was generated from: its report has the one that was mailed.

        Of several, the first that was not told yet and of which the notice says what the report does.
        """
        if self._generated is None:
            self._generated = list(self._read_generated()) if "generated from " in self._lowered else []
        wanted, words = (recipient or "").lower(), diagnostic.lower()
        for child in self._generated:
            if child[1] == wanted and words in child[2]:
                self._generated.remove(child)
                return child[0]
        return None

    def is_expanded(self, address: str) -> bool:
        """Tell whether Sendmail says of an address that it was made of another: (expanded from: <user@example.org>)."""
        return "(expanded from: " in self._lowered and any("(expanded from: " in paragraph.lower() for paragraph in self._about(address))

    def complete(self, first: str) -> str | None:
        """Return all lines of a reply of which the report has only the first, "550-5.1.1 No such", as Sendmail's has."""
        if first[3:4] != "-":
            return None
        return next((reply for reply in self._refusals() if reply.startswith(first) and len(reply) > len(first)), None)

    def _refusals(self) -> tuple[str, ...]:
        """Return the refusals of the session that the notice shows, each on one line."""
        if self._heard is None:
            self._heard = tuple(unfold(reply, self._limit) for reply in islice(refusals(self._notice), _SEARCHES)) if "\n<<< " in self._notice else ()
        return self._heard

    def _read_generated(self) -> Iterator[tuple[str, str, str]]:
        """Yield each address that was generated, whom from, and what is said of it, in lower case."""
        for match in islice(_GENERATED.finditer(self._notice), _SEARCHES):
            child = self._notice[self._notice.rfind("\n", 0, match.start()) + 1 : match.start()].strip()
            if "@" in child and " " not in child:
                yield child, match[1].lower(), unfold(_paragraph(self._notice, match.start(1)), self._limit).lower()

    def find_command(self, recipient: str | None, *, alone: bool) -> str | None:
        """Return the phase that the notice names for a recipient; all of it is about one that is `alone`."""
        about = self._lowered if alone else next(self._about(recipient), "").lower()
        return find_command_in_lines(about)

    def _about(self, recipient: str | None) -> Iterator[str]:
        """Yield each paragraph that names a recipient, from the line where it does."""
        name = (recipient or "").lower()
        place = self._search(name, 0) if name else -1
        while place >= 0:
            paragraph = _paragraph(self._notice, place)
            self._room -= len(paragraph) + _OVERHEAD
            if self._room < 0:
                self.spent = True
                return
            yield paragraph
            place = self._search(name, place + 1)

    def _search(self, name: str, start: int) -> int:
        if start == 0:
            self._searches -= 1
        if self._searches < 0 or self.spent:
            self.spent = True
            return -1
        place = self._lowered.find(name, start)
        while place >= 0 and self._is_within_another(place, place + len(name)):
            self._room -= 1
            place = self._lowered.find(name, place + 1) if self._room >= 0 else -1
        self.spent = self._room < 0
        return place

    def _is_within_another(self, start: int, end: int) -> bool:
        """Tell whether what was found is only the end of another address, or its beginning: ann@example.org of joann@example.org."""
        return bool((start and _BEFORE.match(self._lowered, start - 1)) or _AFTER.match(self._lowered, end))


def refusals(session: str) -> Iterator[str]:
    """Yield each refusal in words that Sendmail's transcript of a session has, its lines together: "<<< 550-No such", "<<< 550 user"."""
    lines: list[str] = []
    for line in (*session.split("\n"), ""):
        said = line[4:] if line.startswith("<<< ") else ""
        if lines and not (said and said[:3] == lines[-1][:3] and lines[-1][3:4] == "-"):
            if lines[0][:1] in {"4", "5"} and len(lines[0]) > len("550 "):
                yield "\n".join(lines)
            lines = []
        if said:
            lines.append(said)


def decisive(refused: Sequence[str]) -> str:
    """Return the refusal that ended a session with one recipient: the first for good, else the last; 503 only follows from another."""
    final = (reply for reply in refused if reply.startswith("5") and not reply.startswith("503"))
    return next(final, refused[-1] if refused else "")


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
    text = notice[start : end if end >= 0 else len(notice)]
    depth = _depth(text[: text.find("\n")])
    return text[: next((match.start() for match in _NEXT.finditer(text) if len(match[1]) <= depth), len(text))]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def unfold(text: str, limit: int) -> str:
    """Return at most `limit` characters of a text on one line."""
    line = " ".join(text[:limit].split())
    if line.isascii() and "\\" not in line:
        return line
    return clean_text(from_octal(" ".join(from_twice(text[:limit]).split())))
