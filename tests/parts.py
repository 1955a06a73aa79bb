"""Mails put together from parts, for the tests of how they are read."""

from __future__ import annotations

import base64
import quopri
from typing import Final

from bounceclass.message import Message
from bounceclass.model import Defect
from bounceclass.settings import Limits, Settings

STATUS: Final = """Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; user@example.net
Action: failed
Status: 5.1.1
"""
RETURNED: Final = """Message-ID: <one@example.org>
Subject: =?utf-8?q?caf=C3=A9?=
To: user@example.net

the original's body
"""
NOTICE: Final = "Content-Type: text/plain; charset=utf-8\n\nIt did not arrive.\n"


def message(text: str | bytes, settings: Settings | None = None, *, cut: bool = False) -> Message:
    return Message(text.encode() if isinstance(text, str) else text, settings or Settings(), cut=cut)


def limited(text: str | bytes, limits: Limits) -> Message:
    return message(text, Settings(limits=limits))


def multipart(*entities: str, subtype: str = "report", boundary: str = "b=1") -> str:
    parts = "".join(f"--{boundary}\n{entity}\n" for entity in entities)
    return f'Subject: a notice\nContent-Type: multipart/{subtype}; boundary="{boundary}"\n\n{parts}--{boundary}--\n'


def entity(content_type: str, body: str, encoding: str = "") -> str:
    """An entity whose body is really encoded as it says."""
    if encoding == "base64":
        body = base64.encodebytes(body.encode()).decode()
    elif encoding == "quoted-printable":
        body = quopri.encodestring(body.encode()).decode()
    return f"Content-Type: {content_type}\n" + (f"Content-Transfer-Encoding: {encoding}\n" if encoding else "") + f"\n{body}"


REPORT: Final = multipart(NOTICE, entity("message/delivery-status", STATUS), entity("text/rfc822-headers", RETURNED))


def seen(read: Message) -> dict[str, object]:
    """All that readers see of a message."""
    original = read.original()
    return {
        "types": [part.content_type for part in read.parts],
        "headers": list(read.headers.items()),
        "text": read.text(),
        "decoded": [read.decoded(part, 1000) for part in read.parts],
        "original": list(original.items()) if original else None,
        "notice": list(read.notice_headers.items()),
        "parser": read.parser,
        "defects": read.defects,
    }


def defects(*pairs: tuple[str, str]) -> tuple[Defect, ...]:
    return tuple(Defect(code, where) for code, where in pairs)
