"""Reports to read: a status part, the notice beside it, and what the plainest of them comes to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from bounceclass import dsn
from bounceclass.message import Message
from bounceclass.model import Event, Kind
from bounceclass.settings import Limits, Settings

DATE: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ABOUT: Final = "Reporting-MTA: dns; mx.example.com\n\n"
GROUP: Final = """Final-Recipient: rfc822; user@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 5.1.1 No such user
"""
GENERIC: Final = "Final-Recipient: rfc822; user@example.org\nAction: failed\nStatus: 5.0.0\n"
EVENT: Final = Event(
    kind=Kind.BOUNCE,
    recipient="user@example.org",
    action="failed",
    reply_code=550,
    enhanced_status="5.1.1",
    diagnostic="550 5.1.1 No such user",
    diagnostic_type="smtp",
    remote_mta="mx.example.org",
    reporting_mta="mx.example.com",
    occurred_at=DATE,
)
BARE: Final = msgspec.structs.replace(EVENT, reply_code=None, diagnostic=None, diagnostic_type=None, remote_mta=None)


def report(status: str, notice: str = "", headers: str = "", kind: str = "delivery-status") -> str:
    return f"""Date: Mon, 05 Jan 2026 10:00:00 +0100
From: Mail Delivery System <mailer-daemon@mx.example.com>
To: owner@lists.example.com
{headers}Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

{notice}
--b
Content-Type: message/{kind}

{status}
--b--
"""


def message(mail: str, limits: Limits | None = None) -> Message:
    return Message(mail.encode(), Settings(limits=limits or Limits()))


def read(status: str, notice: str = "", headers: str = "") -> list[Event]:
    return dsn.read(message(report(status, notice, headers)))


def changed(event: Event = EVENT, **fields: object) -> Event:
    return msgspec.structs.replace(event, **fields)
