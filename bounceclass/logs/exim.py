r"""Exim's mainlog (spec, "Log files").

    2026-03-09 12:00:00 1tAbCd-000001-01 <= b+tag@lists.example.com U=list P=local S=512 id=digest.1@lists.example.com
    2026-03-09 12:00:01 1tAbCd-000001-01 ** ruth@example.net R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.1]: SMTP error
        from remote mail server after RCPT TO:<ruth@example.net>: 550 5.1.1 User unknown
    2026-03-09 12:00:01 1tAbCd-000001-01 == paul@example.net R=dnslookup T=remote_smtp defer (-44) H=mx.example.net [192.0.2.1]: ...
    2026-03-09 12:00:01 1tAbCd-000001-01 => anna@example.net R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.1] C="250 OK"
    2026-03-09 12:00:01 1tAbCd-000001-01 Completed

What prints nothing, or is beyond ASCII, stands there as `\n` or `\320\237`, octet by octet.
An address that was redirected stands before the one that was mailed, a pipe or a file too: `=> ruth@office.example.net <ruth@example.net>`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bounceclass.logs.escapes import unescape
from bounceclass.logs.record import Memory, Outcome
from bounceclass.logs.stamps import read_stamp
from bounceclass.model import Kind

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Exim"]

_QUEUE: Final = r"[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}"
# Through syslog Exim's own stamp stands there as well, unless syslog_timestamp is off.
_SYSLOG: Final = r"([\w.-]+) exim\S*\[\d+\]: (?:\d{4}-\d\d-\d\d \S+ (?:[+-]\d{4} )?)?"
_LINE: Final = re.compile(rf" (?:{_SYSLOG})?(?:\[\d+\] )?({_QUEUE}) (\S+) ?(.*)\Z", re.DOTALL)
_KNOWN: Final = re.compile(rf" {_QUEUE} (?:<=|=>|->|\*\*|==|Completed)")
_ADDRESS: Final = re.compile(r"([|/].{0,1000}?(?= <\S+@)|\"(?:[^\"\\]|\\.)*\"@\S+|\S+)(?: \(([^\s)]+@[^\s)]+)\))?(?: <([^\s>]+@[^\s>]+)>)?")
_HOST: Final = re.compile(r" H=([\w.-]+)(?: \(\S+\))? \[([0-9A-Fa-f.:]+)\]")
_ID: Final = re.compile(r" id=(\S+)")
_CONFIRMED: Final = re.compile(r' C="((?:[^"\\]|\\.)*)"')
_KINDS: Final = {"=>": Kind.DELIVERY, "->": Kind.DELIVERY, "**": Kind.BOUNCE, "==": Kind.DELAY}
_DEFER: Final = re.compile(r" defer \(-?\d+\)(?: H=[^\s]+(?: \[[^\]]+\])?)?: ?")
_GIVEN_UP: Final = "retry timeout exceeded"
"""Written after what was said last in the bounce, and alone in the log."""
_NOT_TRIED: Final = "retry time not reached"
_FAILED: Final = re.compile(r"^[^:]*?(?: [A-Z]{1,3}=\S+)*(?: H=\S+(?: \(\S+\))? \[[^\]]+\](?::\d+)?)?(?: [A-Z]{1,3}=\S+)*: ?")


class Exim:
    """Lines of the mainlog, or of syslog."""

    name = "exim-log"

    def knows(self, line: str) -> bool:
        """See Dialect."""
        return _KNOWN.search(line[:160]) is not None

    def read(self, line: str, memory: Memory, now: datetime) -> list[Outcome]:
        """See Dialect."""
        at, end = read_stamp(line, now)
        found = _LINE.match(line, end)
        if found is None:
            return []
        host, queue, flag, rest = found[1], found[2], found[3], found[4].rstrip()
        if flag == "Completed":
            memory.forget(queue)
        elif flag == "<=":
            message, said = memory.of(queue), _ID.search(rest)
            message.sender = None if rest.startswith("<>") else rest.partition(" ")[0] or None
            message.message_id = said[1] if said else None
        elif kind := _KINDS.get(flag):
            return _outcome(queue, kind, rest, host, at, memory)
        return []


def _outcome(queue: str, kind: Kind, rest: str, host: str | None, at: datetime | None, memory: Memory) -> list[Outcome]:  # noqa: PLR0913, PLR0917  what a line has
    address = _ADDRESS.match(rest)
    if address is None:
        return []
    final, parent = address[1].rstrip(":"), address[3] or address[2]
    if "@" not in final:
        final, parent = parent or final, None
    message, remote = memory.of(queue), _HOST.search(rest)
    if kind is Kind.DELIVERY:
        confirmed = _CONFIRMED.search(rest)
        words = confirmed[1] if confirmed else ""
    else:
        shape = _DEFER.search(rest, address.end()) if kind is Kind.DELAY else _FAILED.match(rest[address.end() :])
        start = 0 if shape is None else shape.end() if kind is Kind.DELAY else address.end() + shape.end()
        words = unescape(rest[start or address.end() :].lstrip(": ").rstrip())
    if words.startswith(_NOT_TRIED):
        return []
    if kind is Kind.DELAY:
        message.put_off(final, None, words)
    elif (last := message.deferred.pop(final, None)) and words == _GIVEN_UP:
        words = f"{last[1]}: {words}"
    return [
        Outcome(
            kind=kind,
            recipient=final,
            original_recipient=parent,
            said=words,
            queue=queue,
            remote_mta=remote[1] if remote else None,
            reporting_mta=host,
            at=at,
            message_id=message.message_id,
            sender=message.sender,
        )
    ]
