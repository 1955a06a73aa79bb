"""Lines of a log joined to records, where its dialect has records of several lines.

    b,2026-03-09 12:00:00+0000,...,"smtp;550 5.1.1 no such user
    see https://example.net/help",...

Only an accounting file of PowerMTA has them. A quote that isn't closed opens nothing: the line is a record by itself then, and so is each that
follows, so none is lost. It isn't closed where a line comes first that begins a record, or no end within bounds.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from bounceclass.mime import charsets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bounceclass.logs.accounting import Powermta
    from bounceclass.logs.reader import LogReader

__all__ = ["join"]

_MOST: Final = 50
"""Lines of a record; a reply of SMTP has fewer."""
_LONGEST: Final = 256 * 1024
"""Octets of one."""


def join(lines: Iterable[bytes], reader: LogReader, *, ended: bool = True) -> Iterator[bytes]:
    """Yield the records of lines, in order and octet by octet; `reader` reads each before the next is asked for.

    Where the lines have not `ended`, a record that is open at their end, and what follows it, isn't given: more will come.
    """
    ahead: deque[bytes] = deque()
    rest = iter(lines)
    while line := ahead.popleft() if ahead else next(rest, b""):
        more = 0
        if (dialect := reader.accounting) and dialect.is_open(charsets.decode(line)):
            found = _reach(line, dialect, ahead, rest)
            if found is None and not ended:
                return
            more = found or 0
        yield line + b"".join(ahead.popleft() for _ in range(more))


def _reach(line: bytes, dialect: Powermta, ahead: deque[bytes], rest: Iterator[bytes]) -> int | None:
    """Return how many lines ahead close a record, 0 where they don't, and None where the lines end before that is known."""
    size, text = len(line), charsets.decode(line)
    for number in range(_MOST):
        if number == len(ahead):
            if not (following := next(rest, b"")):
                return None
            ahead.append(following)
        size += len(ahead[number])
        if size > _LONGEST or dialect.begins(found := charsets.decode(ahead[number])):
            return 0
        text += found
        if not dialect.is_open(text):
            return number + 1
    return 0
