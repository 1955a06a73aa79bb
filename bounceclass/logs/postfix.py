"""Postfix: maillog and syslog.

    Mar  9 12:00:01 mx postfix/cleanup[7]: 4gYc: message-id=<digest.1@lists.example.com>
    Mar  9 12:00:01 mx postfix/qmgr[8]: 4gYc: from=<b+tag@lists.example.com>, size=512, nrcpt=1 (queue active)
    Mar  9 12:00:02 mx postfix/smtp[9]: 4gYc: to=<ruth@example.net>, relay=mx.example.net[192.0.2.1]:25, delay=1.2,
        delays=0.1/0/0.5/0.6, dsn=5.1.1, status=bounced (host mx.example.net[192.0.2.1] said: 550 5.1.1 User unknown
        (in reply to RCPT TO command))
    Mar  9 12:00:02 mx postfix/qmgr[8]: 4gYc: removed

Written after postfix-3.7's src/global/log_adhoc.c and src/qmgr. What expired is told by `status=expired` of the sender alone:
then each recipient that waits was given up, for what was last said of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bounceclass.logs.record import Memory, Outcome, is_passed_on
from bounceclass.logs.syslog import Syslog
from bounceclass.model import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from bounceclass.logs.syslog import Entry

__all__ = ["Postfix"]

_HEAD: Final = re.compile(r"[^\s\[/]*postfix[^\s\[]*(?:\[\d+\])?:")
_MESSAGE: Final = re.compile(r"([0-9A-Za-z]{4,30}): (.*)\Z", re.DOTALL)
_FIELD: Final = re.compile(r"(to|orig_to|from|relay|dsn|status|message-id|resent-message-id)=(<[^>]*>|\"[^\"]*\"|[^,\s]*)")
_KINDS: Final = {"bounced": Kind.BOUNCE, "deferred": Kind.DELAY, "SOFTBOUNCE": Kind.DELAY, "sent": Kind.DELIVERY, "undeliverable": Kind.BOUNCE}


class Postfix(Syslog):
    """Lines of syslog or of `maillog_file`."""

    name = "postfix-log"

    def knows(self, line: str) -> bool:
        """See Dialect."""
        return _HEAD.search(line[:200]) is not None

    def takes(self, entry: Entry) -> bool:
        """See Syslog."""
        return "postfix" in entry.program

    def said(self, entry: Entry, memory: Memory) -> list[Outcome]:
        """See Syslog."""
        found = _MESSAGE.match(entry.text)
        return _said(found[1], found[2], entry.host, entry.at, memory) if found else []


def _said(queue: str, text: str, host: str, at: datetime | None, memory: Memory) -> list[Outcome]:
    """Read what follows the queue id."""
    if text == "removed":
        memory.forget(queue)
        return []
    head, _, rest = text.partition("status=")
    fields = {name: value[1:-1] if value[:1] in {"<", '"'} else value for name, value in _FIELD.findall(head)}
    if not fields:
        return []
    if fields.get("to"):
        return _of_recipient(queue, fields, rest, host, at, memory)
    message = memory.of(queue)
    message.message_id = fields.get("message-id") or message.message_id
    message.sender = fields.get("from") or message.sender
    if not rest.startswith("expired"):
        return []
    waiting, message.deferred = list(message.deferred.items()), {}
    return [_outcome(queue, Kind.BOUNCE, {"to": to, "dsn": dsn or ""}, words, host, at, memory) for to, (dsn, words) in waiting]


def _of_recipient(queue: str, fields: dict[str, str], rest: str, host: str, at: datetime | None, memory: Memory) -> list[Outcome]:  # noqa: PLR0913, PLR0917  what a line has
    message = memory.of(queue)
    status, _, words = rest.partition(" ")
    kind = _KINDS.get(status)
    if kind is None:
        return []
    words = words[1:-1] if words.startswith("(") and words.endswith(")") else words
    if kind is Kind.DELAY:
        message.put_off(fields["to"], fields.get("dsn") or None, words)
    else:
        message.deferred.pop(fields["to"], None)
    return [_outcome(queue, kind, fields, words, host, at, memory)]


def _outcome(queue: str, kind: Kind, fields: dict[str, str], words: str, host: str, at: datetime | None, memory: Memory) -> Outcome:  # noqa: PLR0913, PLR0917  what a line has
    message, relay = memory.of(queue), fields.get("relay", "")
    name = relay.partition("[")[0]
    return Outcome(
        kind=kind,
        recipient=fields["to"],
        original_recipient=fields.get("orig_to") or None,
        said=words,
        status=fields.get("dsn") or None,
        queue=queue,
        remote_mta=None if name in {"", "none", "local", "virtual"} else name,
        reporting_mta=host or None,
        passed_on=kind is Kind.DELIVERY and is_passed_on(relay, words),
        at=at,
        message_id=message.message_id,
        sender=message.sender,
    )
