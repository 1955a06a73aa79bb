"""What programs say by way of syslog: the head of each line, and which program it names.

    Mar  9 12:00:02 mx postfix/smtp[9]: 4gYc: to=<ruth@example.net>, ...
    2026-03-09T12:00:02+01:00 mx smtpd[9]: 1f2e3d4c5b6a7988 mta delivery ...
    Mar  9 12:00:02 mx mail.info sendmail[9]: [ID 801593 mail.info] 629C00Ab000009: to=<ruth@example.net>, ...

The last shows what BusyBox and Solaris put between. journald has the same parts in fields of their own (`journal`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from bounceclass.logs.stamps import read_stamp

if TYPE_CHECKING:
    from datetime import datetime

    from bounceclass.logs.record import Memory, Outcome

__all__ = ["Entry", "Syslog"]

_HEAD: Final = re.compile(r" (\S+) (?:[a-z0-9]+\.[a-z]+ )?([^\s\[]+?)(?:\[\d+\])?: (?:\[ID \d+ \w+\.\w+\] )?(.*)\Z", re.DOTALL)

_LONGEST: Final = 16 * 1024
"""Characters of a line that are looked at: more than any of these programs writes."""


class Entry(NamedTuple):
    """What a program said, and when. A line without a head is all text."""

    host: str
    program: str
    text: str
    at: datetime | None


class Syslog:
    """A dialect that is told by the program, or by the text."""

    name: str

    def knows(self, line: str) -> bool:
        """See Dialect."""
        raise NotImplementedError

    def takes(self, entry: Entry) -> bool:
        """Tell whether an entry is of this log."""
        raise NotImplementedError

    def said(self, entry: Entry, memory: Memory) -> list[Outcome]:
        """Return what an entry says that this log takes."""
        raise NotImplementedError

    def read(self, line: str, memory: Memory, now: datetime) -> list[Outcome]:
        """See Dialect."""
        line = line[:_LONGEST]
        at, end = read_stamp(line, now)
        found = _HEAD.match(line, end)
        entry = Entry(found[1], found[2], found[3].rstrip(), at) if found else Entry("", "", line[end:].strip(), at)
        return self.said(entry, memory) if self.takes(entry) else []
