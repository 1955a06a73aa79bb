"""The event key: the same for every report of one failure, so that it counts once.

A DSN, the postmaster's copy of it, the log line and the ESP's webhook tell of one failure; so the key
is made of the *original* message, who was mailed, and what became of it. Never part of it: the
verdict, which a new rule may change.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.addresses import comparable
from bounceclass.model import UNJUDGED, encode

if TYPE_CHECKING:
    from bounceclass.model import Event, Report

__all__ = ["event_key", "mailing_of"]

_BYTES: Final = 16
_QUEUES: Final = frozenset({"exim-log", "kumomta-log", "opensmtpd-log", "postfix-log", "sendmail-log"})
"""Logs that name their events by queue ids, made of time: where the Message-ID isn't known, two attempts are of one mail by them."""


def event_key(report: Report, event: Event, addressed: str | None = None, tag: str | None = None) -> str:
    """Return the key of one event of a report: 32 hexadecimal digits.

    `addressed` is who was mailed, where the caller knows it (a VERP tag); else it is the original
    recipient, else the one named. `tag` is the one that says so.
    """
    who = addressed or event.original_recipient or event.recipient
    parts = (mailing_of(report, tag), comparable(who) if who else "", str(event.kind))
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=_BYTES).hexdigest()


def mailing_of(report: Report, tag: str | None = None) -> str:
    """Return the identity of the original message: our tag, else its Message-ID, else its ENVID, else its queue id, else the report stands for itself.

    The tag comes first, for it alone can't be made up: who replays one with new Message-IDs counts once. The ENVID
    comes last, for only a DSN has it (RFC 3461, 4.4), and no log.
    """
    original = report.original
    if tag:
        return f"tag {tag}"
    if original is not None and original.message_id:
        return f"message-id {original.message_id.strip().strip('<>')}"
    if original is not None and original.envid:
        return f"envid {original.envid}"
    if report.format in _QUEUES and len(report.events) == 1 and (event := report.events[0]).id:
        return f"queue {event.reporting_mta or ''} {event.id}"
    unjudged = tuple(msgspec.structs.replace(event, verdict=UNJUDGED) for event in report.events)
    nameless = msgspec.structs.replace(report, source=None, parser=None, events=unjudged)
    return f"report {hashlib.blake2b(encode(nameless), digest_size=_BYTES).hexdigest()}"
