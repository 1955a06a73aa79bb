"""Mail servers of providers and of Windows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bounceclass.notice import Notice
from bounceclass.statement import ADDRESS, by_recipient, make_event

if TYPE_CHECKING:
    from bounceclass.message import Message
    from bounceclass.model import Event

__all__ = ["NOTICES"]

# [<00>] XMail bounce: Rcpt=[user@example.org];Error=[550 5.1.1 No such user]
#
# [<01>] Error sending message [1793700000.1.mail] from [mail.example.com].
_XMAIL: Final = Notice(
    name="xmail",
    evidence='XMail, the source of what it writes for a failed message: "[<00>] XMail bounce: Rcpt=[%s];Error=[%s]"',
    start=r"\A\s*\[<00>\] XMail bounce: ",
    recipient=rf"^\[<00>\] XMail bounce: Rcpt=\[(?P<recipient>{ADDRESS})\];Error=\[(?P<text>.*?)\]?$",
    stop=r"^\[<0[1-9]>\]",
)

# Your message did not reach some or all of the intended recipients.
# ...
# user@example.org
#    Error Type: SMTP
#    Remote server (192.0.2.1) issued an error.
#    hMailServer sent: RCPT TO:<user@example.org>
#    Remote server replied: 550 5.1.1 No such user
#
# hMailServer
#
# All but the lines below the address can be worded otherwise by the server's owner.
_HMAILSERVER: Final = Notice(
    name="hmailserver",
    evidence="hMailServer, SMTPDeliverer.cpp, ExternalDelivery.cpp, SMTPClientConnection.cpp and hm_servermessages",
    start=rf"^[ \t]*{ADDRESS}[ \t]*\n[ \t]*Error Type: ",
    recipient=rf"^[ \t]*(?P<recipient>{ADDRESS})[ \t]*$",
    stop=r"^hMailServer[ \t]*$",
)

# Hi. This is the James mail server at mail.example.com.
# I'm afraid I wasn't able to deliver your message to the following addresses.
# This is a permanent error; I've given up. Sorry it didn't work out. Below
# I include the list of recipients and the reason why I was unable to deliver
# your message.
#
# user@example.org
# Remote mail server told me: 550 5.1.1 No such user
_LISTED: Final = re.compile(rf"^(?P<recipient>{ADDRESS})[ \t]*$", re.MULTILINE)


def _read_james(message: Message, notice: str) -> list[Event]:
    listed = list(_LISTED.finditer(notice))
    return [make_event(message, match["recipient"], notice[listed[-1].end() :]) for match in listed]


_JAMES: Final = Notice(
    name="james",
    evidence="Apache James, remote/delivery/Bouncer.java, DSNBounce.java",
    start=r"^Hi\. This is the James mail server at ",
    reader=_read_james,
)

# Error message below:
# 550 5.1.1 No such user
#
# Message details:
#   MAIL FROM: list@example.com
#   RCPT TO: user@example.org
#            other@example.org
_DETAILS: Final = re.compile(
    rf"(?:\AError message below:(?P<why>.*?))?^Message details:\n(?: {{2}}[^\n]*\n){{0,3}}? {{2}}RCPT TO: (?P<to>{ADDRESS}(?:\s+{ADDRESS}$)*)",
    re.MULTILINE | re.DOTALL,
)


def _read_james_notice(message: Message, notice: str) -> list[Event]:
    match = _DETAILS.match(notice)
    return [make_event(message, name, match["why"] or "") for name in match["to"].split()] if match else []


_JAMES_NOTICE: Final = Notice(
    name="james-notice",
    evidence="Apache James, redirect/NotifyMailetsMessage.java, of the mailets Bounce and NotifySender",
    start=r"^(?:Error message below:|Message details:\n(?=(?: {2}[^\n]*\n){0,3} {2}RCPT TO: ))",
    stop=r"^ {2}(?:From|To|CC|Size)\b[^\n:]*: ?",
    reader=_read_james_notice,
)

# Your message cannot be delivered to the following recipients:
#
#   Recipient address: user@example.org
#   Reason: Remote SMTP server has rejected address
#   Diagnostic code: smtp;550 5.1.1 No such user
#   Remote system: dns;mx.example.org (mx.example.org ESMTP)
_ADDRESSED: Final = re.compile(rf"^[ \t]+Recipient address: (?P<recipient>{ADDRESS})[ \t]*$", re.MULTILINE)
_REASON: Final = re.compile(r"^[ \t]+Reason: (?P<reason>[^\n]*)", re.MULTILINE)
_REPLY: Final = re.compile(r"^[ \t]+Diagnostic code: smtp;[ ]*(?P<reply>[^\n]*(?:\n {3,}[^\n]+)*)", re.MULTILINE)
_SYSTEM: Final = re.compile(r"^[ \t]+Remote system: dns;[ ]*(?P<host>[^\s;]+)", re.MULTILINE)


def _read_messaging_server(message: Message, notice: str) -> list[Event]:
    events = []
    for name, about in by_recipient(_ADDRESSED, notice):
        said, host = _REPLY.search(about) or _REASON.search(about), _SYSTEM.search(about)
        events.append(make_event(message, name, said[1] if said else about, host=host[1] if host else None))
    return events


_MESSAGING_SERVER: Final = Notice(
    name="messaging-server",
    evidence="CPython, Lib/test/test_email/data/msg_16.txt; Sun Java System Messaging Server 6.2, quoted in a fax program's tests",
    start=r"^Your message cannot be delivered to the following recipients:",
    reader=_read_messaging_server,
)

# Could not deliver message to the following recipient(s):
#
# Failed Recipient: user@example.org
# Reason: Remote host said: 550 5.1.1 No such user
#
#    -- The header and top 20 lines of the message follows --
_SMARTERMAIL: Final = Notice(
    name="smartermail",
    evidence="support.rackteam.com/kb/a136; pastebin.com/UHskrjFA",
    start=r"^Could not deliver message to the following recipient\(s\):",
    recipient=rf"^[ \t]*Failed Recipient: (?P<recipient>{ADDRESS})[ \t]*$",
    stop=r"^[ \t]*-- The header and top \d+ lines of the message follow",
)

# The attached message had PERMANENT fatal delivery errors.
#
# Failed address: user@example.org
#
# --- Session Transcript ---
#  Thu 2026-11-26 10:00:01: --> RCPT To:<user@example.org>
#  Thu 2026-11-26 10:00:01: <-- 550 5.1.1 No such user
#
# Later versions, in the language of the server:
#
# = Greetings from the MDaemon mail system at example.com =
#
#     Queue-ID: pd50000000001.msg
# ...
#     user@example.org (unrecoverable error)
_GIVEN_UP: Final = re.compile(rf"^[ \t]*(?:Failed address: (?P<failed>{ADDRESS})|(?P<named>{ADDRESS}) \([^()\n]+\))[ \t]*$", re.MULTILINE)
_ANSWER: Final = re.compile(r"<-- ([45]\d\d[ -][^\n]*)")


def _read_mdaemon(message: Message, notice: str) -> list[Event]:
    names = dict.fromkeys(match["failed"] or match["named"] for match in _GIVEN_UP.finditer(notice))
    return [make_event(message, name, _answer(notice, name)) for name in names]


def _answer(notice: str, recipient: str) -> str:
    """Return the refusal that the transcript has behind a recipient, else the first one."""
    asked = notice.lower().find(f"rcpt to:<{recipient.lower()}>")
    match = _ANSWER.search(notice, max(asked, 0)) or _ANSWER.search(notice)
    return match[1] if match else ""


_MDAEMON: Final = Notice(
    name="mdaemon",
    evidence="gitlab.com/stavros/Spamnesty/issues/100; pastebin.com/N0iBrbeA (Spanish)",
    start=r"^The attached message had PERMANENT fatal delivery errors|^= [^\n]*MDaemon[^\n]*=[ \t]*$",
    reader=_read_mdaemon,
)

NOTICES: Final = (_XMAIL, _HMAILSERVER, _JAMES, _JAMES_NOTICE, _MESSAGING_SERVER, _SMARTERMAIL, _MDAEMON)
