"""A log read line by line, in the dialect of the first line that any knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.logs.accounting import Kumomta, Powermta
from bounceclass.logs.exim import Exim
from bounceclass.logs.journal import Journal
from bounceclass.logs.opensmtpd import Opensmtpd
from bounceclass.logs.postfix import Postfix
from bounceclass.logs.record import Dialect, Memory, Message, report_of
from bounceclass.logs.sendmail import Sendmail
from bounceclass.mime import charsets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from bounceclass.logs.syslog import Syslog
    from bounceclass.model import Report

__all__ = ["DIALECTS", "LogReader", "dialect_of"]

_PROGRAMS: Final[dict[str, Callable[[], Syslog]]] = {"sendmail": Sendmail, "opensmtpd": Opensmtpd, "postfix": Postfix}
DIALECTS: Final[dict[str, Callable[[], Dialect]]] = {
    "journald": lambda: Journal([make() for make in _PROGRAMS.values()]), "kumomta": Kumomta, "powermta": Powermta, **_PROGRAMS, "exim": Exim,
}  # fmt: skip
"""By the names that a URL may have; the first that knows a line is taken."""
_KNOWERS: Final = {name: make() for name, make in DIALECTS.items()}


def dialect_of(lines: Iterable[str]) -> str | None:
    """Return the name of the dialect in which the first line is that any knows, None where none is."""
    for line in lines:
        for name, dialect in _KNOWERS.items():
            if dialect.knows(line):
                return name
    return None


class LogReader:
    """Reads the lines of one log in order. Shared by nobody: it remembers."""

    def __init__(self, dialect: str | None = None, known: dict[str, Message] | None = None) -> None:
        """Begin; `dialect` is one of DIALECTS, None finds out by the lines, `known` what an earlier reader of the log remembered."""
        self._dialect: Dialect | None = None if dialect is None else DIALECTS[dialect]()
        self.memory: Final = Memory(known)

    @property
    def is_known(self) -> bool:
        """Whether the dialect is known."""
        return self._dialect is not None

    @property
    def accounting(self) -> Powermta | None:
        """The dialect, where its records may be of several lines."""
        return self._dialect if isinstance(self._dialect, Powermta) else None

    def resume(self, first: bytes) -> None:
        """Take the first line of a log that is read on from further below: an accounting file names its columns there, and nowhere else."""
        if dialect_of([text := charsets.decode(first)]) == "powermta" and (self._dialect is None or self.accounting):
            self._dialect = Powermta(text)

    def read(self, line: bytes, now: datetime, source: str | None = None) -> list[Report]:
        """Return what a line says of recipients, without verdicts; any octets are a line. `now` dates what has no year."""
        text = charsets.decode(line)
        if self._dialect is None and (name := dialect_of([text])):
            self._dialect = DIALECTS[name]()
        if self._dialect is None:
            return []
        return [report_of(outcome, self._dialect.name, source) for outcome in self._dialect.read(text, self.memory, now)]
