"""Unix MTAs that write their notice in plain text alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.model import Kind
from bounceclass.notice import Notice
from bounceclass.noticewords import WORDS_READ, fold, kind_of
from bounceclass.quotation import decisive, refusals
from bounceclass.statement import ADDRESS, by_recipient, make_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.message import Message
    from bounceclass.model import Event

__all__ = ["NOTICES"]

# Hi. This is the qmail-send program at mail.example.com.
# I'm afraid I wasn't able to deliver your message to the following addresses.
# This is a permanent error; I've given up. Sorry it didn't work out.
#
# <user@example.org>:
# 192.0.2.1 does not like recipient.
# Remote host said: 550 5.1.1 No such user
# Giving up on 192.0.2.1.
#
# --- Below this line is a copy of the message.
_QMAIL: Final = Notice(
    name="qmail",
    evidence="The qmail-send Bounce Message Format (QSBMF), cr.yp.to/proto/qsbmf.txt",
    start=r"^Hi\. This is the (?!James )",
    recipient=r"^<(?P<recipient>[^\n]+)>:[ \t]*$",
    stop=r"^--- ",
)

# This is the DragonFly Mail Agent v0.13 at mail.example.com.
#
# There was an error delivering your mail to <user@example.org>.
#
# mx.example.org [192.0.2.1] did not like our RCPT TO:
# 550 5.1.1 No such user
#
# Message headers follow.
_DMA: Final = Notice(
    name="dma",
    evidence="dma 0.13, run; samples/dma",
    start=r"^This is the DragonFly Mail Agent ",
    recipient=r"^There was an error delivering your mail to <(?P<recipient>[^\n]+)>\.$",
    stop=r"^(?:Message headers|Original message) follows?\.$",
)

#    ----- The following addresses had permanent fatal errors -----
# <user@example.org>
#     (reason: 550 5.1.1 <user@example.org>: user unknown)
#
#    ----- Transcript of session follows -----
# ... while talking to mx.example.org.:
# >>> RCPT To:<user@example.org>
# <<< 550 5.1.1 <user@example.org>: user unknown
# 550 5.1.1 <user@example.org>... User unknown
#
# Versions before 8.10 give no reason, those before 8 no list of addresses.
_ERRORS: Final = r"^ {3}----- The following addresses had (?:permanent fatal|transient non-fatal|delivery problems)[^\n]*-----$"
# "|/usr/bin/vacation jo"
#     (reason: 255)
#     (expanded from: <user@example.org>)
#
#    ----- Transcript of session follows -----
# 554 5.3.0 unknown mailer error 255
_LISTED: Final = re.compile(r"^<?(?P<recipient>[^\s<>|]+@[^\s<>]+?|[^\s<>|\"()]+(?=>?\n[ \t]+\(reason: ))>?$", re.MULTILINE)
"""Who has no domain, such as a name of UUCP, is told by the reason below it."""
_PROGRAM: Final = re.compile(r"^\"?\|[^\n]*\n(?:[ \t]+\(reason: \d{1,3}\)\n)?[ \t]+\(expanded from: <?([^\s<>|]+@[^\s<>]+?)>?\)$", re.MULTILINE)
_TRANSCRIPT: Final = re.compile(r"^ {3}----- Transcript of session follows -----$", re.MULTILINE)
_FIRST_LINE: Final = re.compile(r"\(reason: (\d{3}-[^\n]*)\)$", re.MULTILINE)
_GIVEN_UP: Final = re.compile(rf"(?P<code>[45]\d\d (?:[45]\.\d+\.\d+ )?)?<?(?P<recipient>{ADDRESS})>?\.\.\. (?P<text>(?(code)|Deferred: ).+)")


def _read_sendmail(message: Message, notice: str) -> list[Event]:
    place = _TRANSCRIPT.search(notice)
    head = _PROGRAM.sub(r"<\1>", notice[: place.start()] if place else notice)
    heard = _heard(notice[place.end() :]) if place else {}
    listed = {name: about.strip() for name, about in by_recipient(_LISTED, head)}
    warns = "had transient non-fatal" in head or "\nWarning: message still undelivered" in notice
    kind = Kind.DELAY if warns and "had permanent fatal" not in head else Kind.BOUNCE
    refused = tuple(refusals(notice[place.end() :])) if place else ()
    said = {name: _completed(about, refused) if "(reason:" in about else heard.get(name.lower(), about) for name, about in listed.items()} or heard
    if len(said) == 1 and not any(said.values()):
        said = dict.fromkeys(said, decisive(refused) or (notice[place.end() :] if place else ""))
    return [make_event(message, name, words, kind=kind) for name, words in said.items()]


def _completed(about: str, refused: Sequence[str]) -> str:
    """Put the whole reply where a reason is the first of several lines."""
    match = _FIRST_LINE.search(about)
    whole = next((reply for reply in refused if match and reply.startswith(match[1] + "\n")), None)
    return about if match is None or whole is None else about[: match.start(1)] + whole + about[match.end(1) :]


def _heard(transcript: str) -> dict[str, str]:
    """Return what each recipient was refused with: the remote's line before Sendmail's own, else that."""
    refused, remote = dict[str, str](), ""
    for line in transcript.split("\n"):
        match = _GIVEN_UP.match(line)
        if match:
            own = match["text"] if match["text"][:3].isdigit() else (match["code"] or "") + match["text"]
            refused.setdefault(match["recipient"].lower(), remote or own)
        remote = line[4:] if line.startswith("<<< ") else remote if line.startswith(">>> ") else ""
    return refused


_SENDMAIL: Final = Notice(
    name="sendmail",
    evidence="Sendmail 8.17.1.9 with SendMimeErrors=False, run; samples/sendmail, text; of older versions, savemail.c and the README of 8.9",
    start=rf"{_ERRORS}|{_TRANSCRIPT.pattern}",
    stop=r"^ {3}----- (?:Original message|Message (?:header )?follows|Unsent message follows|No message|Message body suppressed)[^\n]*$",
    reader=_read_sendmail,
)

# This message was created automatically by mail delivery software.
#
# A message that you sent could not be delivered to one or more of its
# recipients. This is a permanent error. The following address(es) failed:
#
#   user@example.org
#     host mx.example.org [192.0.2.1]
#     SMTP error from remote mail server after RCPT TO:<user@example.org>:
#     550 5.1.1 No such user
#
# "an undisclosed address (generated from user@example.org)" is left to the prose reader, which is believed less: the
# refusal is of one whom the mail was passed on to, perhaps of one member of a list.
_EXIM: Final = Notice(
    name="exim",
    evidence="Exim 4.96, run; samples/exim; src/deliver.c",
    start=r"^A message that you (?:have )?sent could not be delivered to",
    recipient=rf"^ {{2}}(?:[^\s<@][^\n<@]*<)?<?(?P<recipient>{ADDRESS})>?[ \t]*$",
    stop=r"^-{3,} (?:This is a copy of|The (?:header|body) of|The original message|This message was)",
)
# cPanel: A message that you sent could not be delivered to one or more of its
# recipients. This is a temporary error. The following address(es) deferred:
_EXIM_DEFERRED: Final = msgspec.structs.replace(
    _EXIM,
    name="exim-deferred",
    evidence="github.com/freeCodeCamp/guide/pull/1844; the rest: Exim",
    start=_EXIM.start + r"[^.]{0,80}\.\s+This is a temporary error\.",
    kind=Kind.DELAY,
)
# A message that you sent has not yet been delivered to one or more of its
# recipients after more than 24 hours on the queue on mail.example.com.
# ...
#   user@example.org
#     host mx.example.org [192.0.2.1]
#     Delay reason: SMTP error from remote mail server after MAIL FROM:<list@example.com>:
_EXIM_DELAYED: Final = msgspec.structs.replace(
    _EXIM,
    name="exim-delayed",
    start=r"^A message that you (?:have )?sent has not yet been delivered to",
    stop=r"^No action is required on your part",
    kind=Kind.DELAY,
)

# This is the mail system at host mail.example.com.
# ...
# <user@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1 No such
#     user (in reply to RCPT TO command)
# <other@example.org> (expanded from
#     <team@example.com>): unknown user: "other"
#
# All but the last lines may be worded otherwise, in any language (bounce(5)): whether it is still being tried, the words before them tell.
_EXPANDED: Final = r"(?:\s+\(expanded\s+from\s+<[^<>\n]+>\))?:"
_RECIPIENT: Final = re.compile(rf"^<(?P<recipient>[^<>\n]+)>(?={_EXPANDED}\s+(?!delivery via |delivered to )\S)", re.MULTILINE)


def _read_postfix(message: Message, notice: str) -> list[Event]:
    said = list(by_recipient(_RECIPIENT, notice))
    head = message.text().partition(f"<{said[0][0]}>")[0] if said else ""
    kind = kind_of(fold(f"{message.headers.get('subject')} {head[:WORDS_READ]}"))
    return [make_event(message, name, words.replace(":", "", 1), kind=kind) for name, words in said]


_POSTFIX: Final = Notice(
    name="postfix",
    evidence="Postfix 3.7.11, run; samples/postfix; bounce(5)",
    start=r"^This is the (?:Postfix program|mail system) at host |^<[^<>\s]+@[^<>\s]+>" + _EXPANDED + r"\s+"
    r"(?:(?:host|connect to|lost connection with|conversation with|mail for) \S|unknown user:|Host or domain name not found|"
    r"delivery temporarily suspended:|mail forwarding loop|message size \d|Domain \S+ does not accept)",
    reader=_read_postfix,
    stop=r"^(?:Reporting-MTA|Received|Return-Path|Message-I[Dd]): ",
)

#     This is the MAILER-DAEMON, please DO NOT REPLY to this email.
#
#     An error has occurred while attempting to deliver a message for
#     the following list of recipients:
#
# user@example.org: 550 5.1.1 No such user
_OPENSMTPD: Final = Notice(
    name="opensmtpd",
    evidence="OpenSMTPD 6.8.0p2, run; samples/opensmtpd; smtpd/bounce.c",
    start=r"^[ \t]*An error has occurred while attempting to deliver a message",
    recipient=rf"^[ \t]*<?(?P<recipient>{ADDRESS})>?: (?P<text>\S.*)$",
    stop=r"^[ \t]*Below is a copy of the original message:",
)
_OPENSMTPD_DELAYED: Final = msgspec.structs.replace(
    _OPENSMTPD, name="opensmtpd-delayed", start=r"^[ \t]*A message is delayed for more than .{1,60} for the following$", kind=Kind.DELAY
)

NOTICES: Final = (_QMAIL, _DMA, _SENDMAIL, _EXIM_DEFERRED, _EXIM, _EXIM_DELAYED, _POSTFIX, _OPENSMTPD, _OPENSMTPD_DELAYED)
