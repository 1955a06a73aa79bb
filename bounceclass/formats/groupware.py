"""Groupware and mail servers of offices: Exchange, Domino, GroupWise and their like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.codes import STATUS
from bounceclass.model import Kind
from bounceclass.notice import Notice
from bounceclass.statement import ADDRESS, by_recipient, make_event

if TYPE_CHECKING:
    from bounceclass.message import Message
    from bounceclass.model import Event

__all__ = ["NOTICES"]

# did not reach the following recipient(s):
#
# user@example.org on Thu, 26 Nov 2026 10:00:02 -0000
#     The recipient name is not recognized
#         The MTS-ID of the original message is: c=us;a= ;p=example
#     MSEXCH:IMS:EXAMPLE:SITE:SERVER 0 (000C05A6) Unknown Recipient
_EXCHANGE_55: Final = Notice(
    name="exchange-5.5",
    evidence="Microsoft knowledge base Q251152 and Q258678 (X.400 names), mskb.pkisolutions.com",
    start=r"^[ \t]*did not reach the following recipient\(s\):",
    recipient=rf"^[ \t]*(?:[a-zA-Z]+=[^\n]*[:=])?'?(?P<recipient>{ADDRESS})'?;? on \S",
    stop=r"^(?:Received|Return-Path|Message-ID): ",
)

# The following recipient(s) could not be reached:
#
#       user@example.org on 11/26/2026 10:00 AM
#             The e-mail account does not exist at the organization this message was sent to.
#             <mail.example.com #5.1.1>
#
# Outlook words it so in its own language; the line of the recipient is alike in all.
_DATED: Final = re.compile(rf"^[ \t]*'?<?(?P<recipient>{ADDRESS})>?'? [^\W\d_]{{1,3}} (?:\w{{3}}, )?\d{{1,4}}[/.-][^\n]*$", re.MULTILINE)


def _read_outlook(message: Message, notice: str) -> list[Event]:
    return [_unwrapped_event(message, name, about) for name, about in by_recipient(_DATED, notice)]


_OUTLOOK: Final = Notice(
    name="outlook",
    evidence="Microsoft knowledge base Q284204, Q241904; in Spanish pastebin.com/9LAaRhhi, in German pastebin.com/dUJNHrB0",
    start=rf":[ \t]*\n\s*'?<?{ADDRESS}>?'? [^\W\d_]{{1,3}} (?:\w{{3}}, )?\d{{1,4}}[/.-]",
    stop=r"^_{10,}[ \t]*$|^(?:Received|Return-Path|Message-ID): ",
    reader=_read_outlook,
)

# Diagnostic information for administrators:
#
# Generating server: mail.example.com
#
# user@example.org
# #550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##                          2007, 2010
# user@example.org
# mx.example.org #<mx.example.org #5.1.1 smtp; 550 No such user> #SMTP#
# user@example.org
# Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; ...'      2013 and later
#
# All else is in the language of the server.
_ALONE: Final = re.compile(rf"^[ \t]*(?P<recipient>{ADDRESS})[ \t]*$", re.MULTILINE)
_REFUSAL: Final = re.compile(
    r"(?:Server at (?P<host>\S+)[^\n']{0,80} )?returned '(?P<returned>.{1,2000}?)'[ \t]*$|"
    r"#(?P<own>\d{3} \d\..{1,2000}?) ?(?:##|(?=\n[ \t]*\n)|\Z)|"
    r"#(?P<relayed><.{1,2000}?>) #SMTP#",
    re.MULTILINE | re.DOTALL,
)
_RELAYED: Final = re.compile(rf"<(?P<host>[^\s<>#]*)[^<>#]*#(?P<status>{STATUS})(?:\s+smtp;\s*(?P<reply>.*?))?>?\s*\Z", re.IGNORECASE | re.DOTALL)
_DELAYED: Final = "400 4.4.7"


def _read_exchange(message: Message, notice: str) -> list[Event]:
    return [_refused(message, name, found) for name, about in by_recipient(_ALONE, notice) if (found := list(_REFUSAL.finditer(about)))]


def _refused(message: Message, recipient: str, found: list[re.Match[str]]) -> Event:
    """Return the event of a recipient; where Exchange gave up, the last error stands behind."""
    words, status, host = _unwrapped(found[0]["returned"] or found[0]["own"] or found[0]["relayed"])
    words = " ".join([words, *(again["returned"] for again in found[1:] if again["returned"])])
    kind = Kind.DELAY if words.startswith(_DELAYED) else Kind.BOUNCE
    return make_event(message, recipient, words, kind=kind, status=status, host=host or found[-1]["host"])


_EXCHANGE: Final = Notice(
    name="exchange",
    evidence="pastebin.com/2SNHTj4Y (2007), bGW4Kdrz (2010), e6yfDi5v (2013), EimgND2Y (2016), BsjRCWQL (German), JHaPQHk7 (Spanish), "
    "BxEWDHGy and ZWmW7Q3p (Portuguese), gumwLXcs (Danish, delayed), iFpgpLWp (Polish, delayed)",
    start=rf"^[ \t]*{ADDRESS}[ \t]*$(?=(?:\n[^\n]*){{1,12}}?(?:Server[^\n]{{0,200}} returned '|\#\d{{3}} \d\.|\#<[^\n]{{0,200}}\#\d\.))",
    stop=r"^(?:Received|Return-Path|From|Message-ID|Content-Type|MIME-Version|X-[\w-]+): ",
    reader=_read_exchange,
)

# Your message to user@example.org couldn't be delivered.
# user wasn't found at example.org.
# ...
# How to Fix It
_FAULT: Final = re.compile(rf"(?:error|Status) code:? (?:\d{{3}} )?{STATUS}")


def _read_exchange_online(message: Message, notice: str) -> list[Event]:
    events = []
    for name, about in by_recipient(_COULD_NOT, notice):
        words, _, advice = about.partition("How to Fix It")
        code = _FAULT.search(advice)
        events.append(make_event(message, name, f"{words} {code[0] if code else ''}"))
    return events


_COULD_NOT: Final = re.compile(rf"^Your message to (?P<recipient>{ADDRESS})(?:<mailto:[^>\n]*>)? couldn.t be delivered\.", re.MULTILINE)
_EXCHANGE_ONLINE: Final = Notice(
    name="exchange-online",
    evidence="pastebin.com/qSAw128t",
    start=_COULD_NOT.pattern,
    reader=_read_exchange_online,
)

# was not delivered to:
#
#   user@example.org
#
# because:
#
#   550 5.1.1 User unknown
_BECAUSE: Final = re.compile(r"^[ \t]*was not delivered to:(?P<to>.{1,2000}?)^[ \t]*because:\s*(?P<why>.{1,2000}?)(?:\n[ \t]*\n|\Z)", re.MULTILINE | re.DOTALL)


def _read_domino(message: Message, notice: str) -> list[Event]:
    return [make_event(message, name, match["why"]) for match in _BECAUSE.finditer(notice) for name in re.findall(ADDRESS, match["to"])]


_DOMINO: Final = Notice(
    name="domino",
    evidence="Lotus technote 1100477, atnotes.de/index.php/topic,28316.0; pastebin.com/ESqDdi4N",
    start=r"^[ \t]*was not delivered to:",
    reader=_read_domino,
)


def _unwrapped(words: str) -> tuple[str, str | None, str | None]:
    """Return words without Exchange's wrapping, the status and host that it adds: `<mx.example.org #5.1.1 smtp;550 No such user>`."""
    match = _RELAYED.search(words)
    if match is None:
        return words, None, None
    return match["reply"] or words, match["status"], match["host"] or None


def _unwrapped_event(message: Message, recipient: str, about: str) -> Event:
    words, status, host = _unwrapped(about)
    return make_event(message, recipient, words, status=status, host=host)


def _from_exchange(row: Notice) -> Notice:
    """Return a row for what Exchange sends in its own name, which is no usual one of a mail system."""
    return msgspec.structs.replace(row, sender=("microsoftexchange329e71ec88ae4615bbc36ab6ce41109e@",))


NOTICES: Final = (_EXCHANGE, _from_exchange(_EXCHANGE), _EXCHANGE_ONLINE, _from_exchange(_EXCHANGE_ONLINE), _EXCHANGE_55, _OUTLOOK, _DOMINO)
