r"""Notices without a standard: rows of data, and the one interpreter that reads them.

    Notice(
        name="qmail",
        evidence="QSBMF, cr.yp.to/proto/qsbmf.txt",
        subject=("failure notice",),                     clues: one of these in the subject, lower case
        start=r"^Hi\. This is the ",                     where the notice begins
        recipient=r"^<(?P<recipient>[^\n>]+)>:[ \t]*$",  a line that opens a recipient
        stop=r"^--- ",                                   where the returned mail begins
    )

Within the notice a line opens a recipient, belongs to the last one that was opened, or is shared by
all. A row applies where its clues and its `start` hold; the first that applies and names somebody
reads the mail. What can't be said in a row is a function, in `reader`.
"""

from __future__ import annotations

import re
from collections.abc import Callable  # noqa: TC003  msgspec reads the annotations at run time
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from bounceclass.landmarks import Patterns
from bounceclass.model import Event, Kind
from bounceclass.returned import cut_off
from bounceclass.statement import make_event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounceclass.message import Message
    from bounceclass.mime.headers import Headers

__all__ = ["Notice", "Notices"]


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One dialect. Patterns are `re`, multi-line, tried on the decoded text of the notice.

    `recipient` has a group `recipient`, and may have one `text`: what the line itself says of it. Clues are literals in lower
    case, one of each kind given must hold: in the subject, in From, and in a header field ("x-mailer: acme" is its name and how
    its value begins). Without a clue of sender or header a row reads only mail whose sender is plainly a mail system.
    `evidence` is the software that was run, or the document that the row was taken from.
    """

    name: str
    evidence: str
    subject: tuple[str, ...] = ()
    sender: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    start: str
    recipient: str = ""
    stop: str | None = None
    kind: Kind = Kind.BOUNCE
    reader: Callable[[Message, str], list[Event]] | None = None
    """Reads the notice, from `start` to `stop`, instead of the interpreter."""


class Notices:
    """Rows made ready, in order; never changes once built. Patterns are compiled when a clue first holds."""

    def __init__(self, rows: Iterable[Notice]) -> None:
        """Take the rows; raises ValueError where one has neither a `recipient` group nor a reader, or a pattern is none."""
        self._rows = [_Row(row) for row in rows]
        self._starts = Patterns(row.notice.start for row in self._rows)

    def begins_in(self, text: str) -> bool:
        """Tell whether a notice of any row begins in a text."""
        return any(self._rows[place].patterns[0].search(text) for place in self._starts.possible(text))

    def read(self, message: Message, *, from_daemon: bool) -> tuple[str | None, list[Event]]:
        """Return the name of the row that reads a message, and its events; (None, []) where none does."""
        headers = message.headers
        subject, sender = (headers.get("subject") or "").lower(), (headers.get("from") or "").lower()
        if not from_daemon and not any(row.is_told and row.hints_at(headers, subject, sender) for row in self._rows):
            return None, []
        text = cut_off(message.text())
        for row in map(self._rows.__getitem__, self._starts.possible(text)):
            if (from_daemon or row.is_told) and row.hints_at(headers, subject, sender) and (events := row.read(message, text)):
                return row.notice.name, events
        return None, []


class _Row:
    def __init__(self, notice: Notice) -> None:
        self.notice = notice
        self.is_told = bool(notice.sender or notice.header)
        if notice.reader is None and "(?P<recipient>" not in notice.recipient:
            msg = f"notice {notice.name}: recipient has no group (?P<recipient>...), and there is no reader"
            raise ValueError(msg)
        for pattern in (notice.start, notice.recipient, notice.stop or ""):
            try:
                re.compile(pattern, re.MULTILINE)
            except (re.error, OverflowError, RecursionError) as error:
                msg = f"notice {notice.name}: {pattern!r}: {error}"
                raise ValueError(msg) from error

    @cached_property
    def patterns(self) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str] | None]:
        """The start, the recipient line and the stop."""
        given = (self.notice.start, self.notice.recipient, self.notice.stop)
        return tuple(re.compile(one, re.MULTILINE) if one is not None else None for one in given)  # type: ignore[return-value]

    def hints_at(self, headers: Headers, subject: str, sender: str) -> bool:
        """Tell whether the clues hold; subject and sender are given in lower case."""
        row = self.notice
        return (
            (not row.subject or any(clue in subject for clue in row.subject))
            and (not row.sender or any(clue in sender for clue in row.sender))
            and (not row.header or any(_has(headers, clue) for clue in row.header))
        )

    def read(self, message: Message, text: str) -> list[Event]:
        """Return the events of a notice, none where the row does not apply."""
        start, opens, stop = self.patterns
        first = start.search(text)
        if first is None:
            return []
        last = stop.search(text, first.end()) if stop else None
        notice = text[first.start() : last.start() if last else len(text)]
        if self.notice.reader is not None:
            return self.notice.reader(message, notice)
        shared, said = _recipients(notice, opens)
        return [make_event(message, name, text if text.strip() else "\n".join(shared), kind=self.notice.kind) for name, text in said]


def _has(headers: Headers, clue: str) -> bool:
    name, _, start = clue.partition(":")
    value = headers.get(name)
    return value is not None and value.lower().startswith(start.strip())


def _recipients(notice: str, opens: re.Pattern[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the lines that are about nobody in particular, and each recipient with its own."""
    shared: list[str] = []
    said: list[tuple[str, list[str]]] = []
    for line in notice.split("\n"):
        match = opens.search(line)
        if match:
            text = match["text"] if "text" in opens.groupindex else None
            said.append((match["recipient"], [text] if text else []))
        else:
            (said[-1][1] if said else shared).append(line)
    return shared, [(name, "\n".join(lines)) for name, lines in said]
