"""The log of a run: one line a record, as text or JSON, on standard error.

    2026-03-09T12:00:00.125Z WARNING incident: user-unknown, everywhere: further decisions of its kind are held
    {"time":"2026-03-09T12:00:00.125Z","level":"warning","message":"...","logger":"bounceclass","incident":"..."}

What a record carries besides (`extra={"source": ..., "plugin": ...}`) are fields of JSON; text has them at the end, where
the message does not say them already. Nothing that others wrote begins a line or steers a terminal, and addresses
are concealed at the very end, so that it doesn't matter who logged what.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import msgspec

from bounceclass.controls import escape_json, printable
from bounceclass.isolation import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from bounceclass.service.concealment import Concealment
    from bounceclass.settings import LogSettings

__all__ = ["PEOPLE", "Lines", "log_to"]

LOG: Final = logging.getLogger("bounceclass")
PEOPLE: Final = frozenset({"recipient", "address"})
"""Fields that name somebody, in whatever form."""
_OTHERS: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})
_LONGEST: Final = 8192
_FRAMES: Final = 8
_CAUSES: Final = 4
_PLAIN: Final = re.compile(r'[^\s"=]+')
_PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG: Final = 7


class Lines(logging.Formatter):
    """Makes a record a line."""

    def __init__(self, form: str, conceal: Concealment, *, journal: bool = False) -> None:
        """Take `text` or `json`, and whether journald reads it: it has the time already, and takes the priority from the front."""
        super().__init__()
        self._json = form == "json"
        self._conceal = conceal
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        message = self._clean(_message(record))
        fields = dict(self._fields(record))
        if self._json:
            told = {"time": _time(record.created), "level": record.levelname.lower(), "message": message, "logger": record.name}
            return escape_json(msgspec.json.encode(told | fields)).decode()
        fields.pop("traceback", None)
        start = f"<{_priority(record.levelno)}>" if self._journal else f"{_time(record.created)} "
        said = (f" {name}={_quoted(value)}" for name, value in fields.items() if str(value) not in message)
        return f"{start}{record.levelname} {message}{''.join(said)}"

    def _fields(self, record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
        for name, value in vars(record).items():
            if name not in _OTHERS and value is not None:
                yield name, self._field(name, value)
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            yield "error", self._clean(_described(error))
            yield "at", " < ".join(_frames(error.__traceback__))
            yield "traceback", "\n".join(self._clean(line) for line in "".join(traceback.format_exception(error)).splitlines())

    def _field(self, name: str, value: object) -> object:
        if isinstance(value, (bool, int, float)):
            return value
        return printable(self._conceal.person(str(value))) if name in PEOPLE else self._clean(str(value))

    def _clean(self, text: str) -> str:
        return self._conceal.text(printable(text if len(text) <= _LONGEST else text[:_LONGEST].rpartition(" ")[0] + " ..."))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # whoever logged it gave other arguments than the message takes
        return f"{record.msg} {record.args!r}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _priority(level: int) -> int:
    """Return syslog's number of a level."""
    return next((number for least, number in _PRIORITIES if level >= least), _DEBUG)


def _quoted(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else msgspec.json.encode(text).decode()


def _described(error: BaseException) -> str:
    """Return an exception, and what led to it, in one line."""
    said: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(said) < _CAUSES:
        said.append(describe(cause))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "; from ".join(said)


def _frames(trace: TracebackType | None) -> Iterator[str]:
    """Yield where it was raised, then who called, and so on."""
    for frame in reversed(traceback.extract_tb(trace)[-_FRAMES:]):
        yield f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}"


def log_to(stream: TextIO, settings: LogSettings, conceal: Concealment) -> None:
    """Log to a stream from now on, as the settings say: ours at their level, of other libraries warnings, and what nobody has caught."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines(settings.format, conceal, journal=_is_journal(stream)))
    ours, every = LOG, logging.getLogger()
    for log in (ours, every):
        for old in [one for one in log.handlers if isinstance(one.formatter, Lines)]:
            log.removeHandler(old)
        log.addHandler(handler)
    ours.propagate = False
    ours.setLevel(settings.level.upper())
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda told: _uncaught(told.exc_type, told.exc_value, told.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is not None and not isinstance(error, (SystemExit, KeyboardInterrupt)):
        LOG.critical("nobody expected this", exc_info=(kind, error, trace))


def _is_journal(stream: TextIO) -> bool:
    """Tell whether a stream goes to journald, by what systemd says of it (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        told = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{told.st_dev}:{told.st_ino}"
