r"""Sendmail's syslog.

    Mar  9 12:00:01 mx sm-mta[7]: 629C01Ab000007: from=<b+tag@lists.example.com>, size=512, class=-30, nrcpts=1,
        msgid=<digest.1@lists.example.com>, proto=ESMTP, daemon=MTA, relay=localhost [127.0.0.1]
    Mar  9 12:00:02 mx sm-mta[9]: 629C01Ab000007: to=<ruth@example.net>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=84373,
        relay=mx.example.net. [192.0.2.1], dsn=5.1.1, reply=550 5.1.1 User unknown, stat=User unknown
    Mar  9 12:00:02 mx sm-mta[9]: 629C01Ab000007: to=<paul@example.net>,<anna@example.net>, ..., dsn=2.0.0, stat=Sent (Ok: queued as 4gYd)
    Mar  9 12:00:02 mx sm-mta[9]: 629C01Ab000007: to=<leo@example.net>, ..., dsn=4.2.2, stat=Deferred: 452 4.2.2 Mailbox full
    Mar 14 12:00:02 mx sm-mta[9]: 629C01Ab000007: 62EC02Ab000009: DSN: Cannot send message for 5 days

Written after sendmail-8.17's deliver.c, logdelivery(). The last tells that each recipient that waits was given up, for what was last said of it.

`stat=User unknown` and `stat=Service unavailable` aren't what the remote said but Sendmail's words for the kind of command that was refused
(sysexits.h): any 550 at RCPT TO is the first, even a block. What was said stands in `reply=`, which older ones don't write: there only the status is
read. And 5.1.1, 5.1.3 and 5.1.6 stand also for a 550, 553 and 551 that stated none, so without a reply they are doubted; so is a reply of
which only the first line stands there (`550-`), and states no status.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bounceclass.codes import STATUS
from bounceclass.logs.escapes import unescape
from bounceclass.logs.record import Memory, Outcome, is_passed_on
from bounceclass.logs.syslog import Syslog
from bounceclass.model import Kind

if TYPE_CHECKING:
    from bounceclass.logs.syslog import Entry

__all__ = ["Sendmail"]

# 8.12 and later: 14 characters; before: 8 to 12, with the process id at the end.
_QUEUE: Final = r"[0-9A-Za-z]{8,20}"
_MESSAGE: Final = re.compile(rf"({_QUEUE}): (?:(to|from)=(.*)|{_QUEUE}: (?:DSN|return to sender): Cannot send message\b.*)\Z", re.DOTALL)
_PROGRAM: Final = re.compile(r" (?:sendmail|sm-mta|sm-msp-queue)\[\d+\]: ")
_TO: Final = re.compile(rf"\]: (?:\[ID [^\]]{{1,50}}\] )?{_QUEUE}: to=")
_AFTER_LIST: Final = re.compile(r", (?:ctladdr|delay)=")
_NAME: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^,"])+')
_LONGEST_LIST: Final = 2048
"""Characters: SYSLOG_BUFSIZE is half of them."""
_RELAY: Final = re.compile(r"(\S+?)\.? \[([^\]\s]+)\]\Z")
_NO_ADDRESS: Final = ('"|', "|", '"/', "/", ":include:")
_CLASSES: Final = {"2": Kind.DELIVERY, "4": Kind.DELAY, "5": Kind.BOUNCE}
_REFUSED: Final = frozenset({"User unknown", "Service unavailable", "Data format error", "Remote protocol error"})
"""By sysexits.h, whatever the remote said; all else Sendmail has found out itself (Host unknown, Connection refused by ...)."""
_GUESSED: Final = frozenset({"5.1.1", "5.1.3", "5.1.6"})
"""Put in for a 550, 553 or 551 at RCPT TO that states no status (usersmtp.c, smtprcptstat())."""
_STATED: Final = re.compile(STATUS)


class Sendmail(Syslog):
    """Lines of syslog, of the daemon and of the queue runners."""

    name = "sendmail-log"

    def knows(self, line: str) -> bool:
        """See Dialect."""
        head = line[:4000]
        return _PROGRAM.search(head) is not None or (", stat=" in head and ", delay=" in head and _TO.search(head) is not None)

    def takes(self, entry: Entry) -> bool:
        """See Syslog."""
        return "postfix" not in entry.program and _MESSAGE.match(entry.text) is not None

    def said(self, entry: Entry, memory: Memory) -> list[Outcome]:
        """See Syslog."""
        found = _MESSAGE.match(entry.text)
        if found is None:
            return []
        queue, what, rest = found.groups()
        if what == "to":
            return _of_recipients(queue, rest, entry, memory)
        message = memory.of(queue)
        if what == "from":
            fields = _fields(f"from={rest}")
            message.sender, message.message_id = (fields.get(name, "").strip("<>") or None for name in ("from", "msgid"))
            return []
        waiting, message.deferred = list(message.deferred.items()), {}
        return [_outcome(queue, Kind.BOUNCE, {"to": to, "dsn": dsn or ""}, words, entry, memory) for to, (dsn, words) in waiting]


def _fields(text: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition("=") for part in text.split(", "))}


def _of_recipients(queue: str, text: str, entry: Entry, memory: Memory) -> list[Outcome]:
    after = _AFTER_LIST.search(text)
    if after is None or after.start() > _LONGEST_LIST:
        return []
    rest, reply, stat = _told(text[after.start() + 2 :])
    fields, message = _fields(rest), memory.of(queue)
    kind = _kind(stat, fields.get("dsn", ""))
    if kind is None:
        return []
    said = unescape(reply if reply is not None else _found_out(stat))
    fields |= {"stat": stat} | ({"guessed": "yes"} if kind is Kind.BOUNCE and _is_guess(fields, reply, stat) else {})
    outcomes = []
    for to in _recipients(text[: after.start()].removesuffix("[more]"), fields.get("ctladdr", "")):
        if kind is Kind.DELAY:
            message.put_off(to, fields.get("dsn") or None, said)
        else:
            message.deferred.pop(to, None)
        outcomes.append(_outcome(queue, kind, fields | {"to": to}, said, entry, memory))
    return outcomes


def _told(text: str) -> tuple[str, str | None, str]:
    """Return the fields, what was said if it stands there, and what became of it."""
    fields, _, stat = text.partition(", stat=")
    before, marked, _ = fields.partition(", reply=")
    return before, fields[len(before) + len(", reply=") :] if marked else None, stat


def _kind(stat: str, dsn: str) -> Kind | None:
    """Return what became of it: by the status, which no remote can put there; older ones write none."""
    if stat.startswith("Deferred"):
        return Kind.DELAY
    if dsn and not stat.startswith("quarantined"):
        kind = _CLASSES.get(dsn[0])
        return kind if kind is Kind.DELAY or stat != "queued" else None
    return Kind.DELIVERY if stat.startswith("Sent") else Kind.BOUNCE if stat in _REFUSED or stat.startswith("Host unknown") else None


def _found_out(stat: str) -> str:
    """Return what somebody has said or found out, without Sendmail's words for any refusal."""
    if stat in _REFUSED or stat == "queued":
        return ""
    deferred, _, words = stat.partition(": ")
    if deferred == "Deferred":
        return words
    return stat.removeprefix("Sent").strip(" ()") if stat.startswith("Sent") else stat


def _is_guess(fields: dict[str, str], reply: str | None, stat: str) -> bool:
    """Tell whether a host said something that isn't all here, and its status may not be what is."""
    if _RELAY.match(fields.get("relay", "")) is None:
        return False
    if reply is None:
        return stat in _REFUSED and fields.get("dsn") in _GUESSED
    return reply[3:4] == "-" and _STATED.search(reply) is None


def _recipients(whom: str, alias: str) -> list[str]:
    """Return whom a list names; of a program or a file the alias that has it."""
    owner = alias.partition(" ")[0].strip("<>")
    found = []
    for name in (one.strip() for one in _NAME.findall(whom)):
        bare = name[name.rfind("<") + 1 : -1] if name.endswith(">") and "<" in name else name
        found.append(owner if name.startswith(_NO_ADDRESS) and "@" in owner else bare)
    return [one for one in found if one]


def _outcome(queue: str, kind: Kind, fields: dict[str, str], said: str, entry: Entry, memory: Memory) -> Outcome:  # noqa: PLR0913, PLR0917  what a line has
    message, relay = memory.of(queue), _RELAY.match(fields.get("relay", ""))
    stat = fields.get("stat", "")
    return Outcome(
        kind=kind,
        recipient=fields["to"],
        said=said,
        status=fields.get("dsn") or None,
        queue=queue,
        remote_mta=relay[1] if relay and not relay[1].startswith("[") and "..." not in relay[1] else None,
        reporting_mta=entry.host or None,
        label=stat if kind is Kind.BOUNCE and stat in _REFUSED else None,
        guessed="guessed" in fields,
        passed_on=kind is Kind.DELIVERY and relay is not None and is_passed_on(relay[2], said),
        at=entry.at,
        message_id=message.message_id,
        sender=message.sender,
    )
