"""Webmail providers and ESPs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass import quotation, transcript
from bounceclass.codes import find_status
from bounceclass.dsn import failed_recipients, host_name, parse_date
from bounceclass.fields import address, typed
from bounceclass.model import Event, Kind
from bounceclass.notice import Notice
from bounceclass.statement import ADDRESS, by_recipient, make_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.message import Message

__all__ = ["NOTICES"]

# Delivery to the following recipient failed permanently:
#
#      user@example.org
#
# Technical details of permanent failure:
# Google tried to deliver your message, but it was rejected by the server for the recipient domain example.org
# by mx.example.org. [192.0.2.1].
#
# The error that the other server returned was:
# 550 5.1.1 No such user
#
# ----- Original message -----
_GMAIL: Final = Notice(
    name="gmail",
    evidence="github.com/TeamNewPipe/NewPipe/issues/405, DOAJ/doaj/issues/963, minsk-hackerspace/hackerspace.by/issues/76",
    sender=("mailer-daemon@google",),
    start=r"^Delivery to the following recipients? failed permanently:",
    recipient=rf"^[ \t]+(?P<recipient>{ADDRESS})[ \t]*$",
    stop=r"^[ \t]*----- (?:Original message|Message header follows) -----",
)
_GMAIL_DELAYED: Final = msgspec.structs.replace(
    _GMAIL,
    name="gmail-delayed",
    evidence='Ubuntu Forums, Server Platforms, "Dovecot can\'t recieve emails", 2008-12-04',
    start=r"^Delivery to the following recipients? has been delayed:",
    kind=Kind.DELAY,
)


# Hello list@example.com,
#
# We're writing to let you know that the group you tried to contact (meadow) may not exist, or you may
# not have permission to post messages to the group. A few more details on why you weren't able to post:
#
#  * You might have spelled or formatted the group name incorrectly.
# ...
# visit the Help Center at https://support.google.com/a/example.org/bin/topic.py?topic=25838.
#
# In the sender's language: the address of the help and the header X-Failed-Recipients are the same in all.
def _read_google_groups(message: Message, _notice: str) -> list[Event]:
    paragraphs = message.text().split("\n\n")
    return [make_event(message, name, _about_group(name, paragraphs)) for name in failed_recipients(message)]


def _about_group(name: str, paragraphs: list[str]) -> str:
    """Return the paragraph behind the greeting that names the group."""
    group = name.partition("@")[0]
    words = next((paragraph for paragraph in paragraphs[1:] if group in paragraph), "\n".join(paragraphs[:2]))
    return words.split("\n *", 1)[0]


_GOOGLE_GROUPS: Final = Notice(
    name="google-groups",
    evidence="github.com/USCiLab/cereal/issues/305, prebid/prebid-server/issues/3816, niclabs/DTE/issues/2; in French zestedesavoir/zds-site/issues/929",
    sender=("mailer-daemon@google",),
    header=("x-failed-recipients:",),
    start=r"[?&](?:topic=25838|page=groups\.cs)\b|//groups\.google\.\S+/support",
    reader=_read_google_groups,
)

# Sorry, we were unable to deliver your message to the following address.
#
# <user@example.org>:
# Remote host said:
# 550 5.1.1 No such user [RCPT_TO]
#
# <other@example.org>:
# 554: delivery error: dd Not a valid recipient
#
# --- Below this line is a copy of the message.
_YAHOO_OPENS: Final = re.compile(rf"^<(?P<recipient>{ADDRESS})>:[ \t]*", re.MULTILINE)
_CODE: Final = re.compile(r"^([245]\d\d): *", re.MULTILINE)


def _read_yahoo(message: Message, notice: str) -> list[Event]:
    return [make_event(message, name, _CODE.sub(r"\1 ", said.lstrip())) for name, said in by_recipient(_YAHOO_OPENS, notice)]


_YAHOO: Final = Notice(
    name="yahoo",
    evidence="github.com/netneutrality/savetheinternet.in/issues/137; of the code with a colon: chatmail/core, src/mimeparser, its test of a notice of Yahoo",
    start=r"^Sorry, we were unable to deliver your message to the following address(?:es|\(es\))?\.",
    stop=r"^-{3,} ?(?:Below this line is a copy of the message|Original message follows|Forwarded Message)",
    reader=_read_yahoo,
)

# Message from yahoo.example.
# Unable to deliver message to the following address(es).
#
# <user@example.org>:
# This user doesn't have a yahoo.example account (user@example.org)
#
# --- Original message follows.
_YAHOO_CLASSIC: Final = Notice(
    name="yahoo-classic",
    evidence="mahoro-ba.net/e771.html (yahoo.co.jp, 2007)",
    start=r"^Unable to deliver message to the following address\(es\)\.",
    recipient=rf"^<(?P<recipient>{ADDRESS})>:[ \t]*(?P<text>\S.*)?$",
    stop=r"^[-=]{1,5} ?Original message follows",
)

# A message that you sent could not be delivered to one or more of
# its recipients. This is a permanent error. The following address(es)
# failed:
#
# user@example.org:
# SMTP error from remote server for RCPT TO command, host: mx.example.org (192.0.2.1) reason: 550 5.1.1 No such user
#
# --- The header of the original message is following. ---
#
# Exim opens with the same words, and never has the last line.
_UNITED_INTERNET: Final = Notice(
    name="united-internet",
    evidence="lore.kernel.org, linux-media, M. Elfring, 2016-10-12 (web.de); sourceforge.net, linux-f2fs-devel, 2019-07-21 (kundenserver.de)",
    start=r"^This message was created automatically by mail delivery software\.\s+A message that you sent could not be delivered"
    r"(?=[\s\S]{0,8000}?^--- The header of the original message is following\. ---)",
    recipient=rf"^[ \t]*[\"<]?(?P<recipient>{ADDRESS})[\">]?:?[ \t]*$",
    stop=r"^--- The header of the original message is following\. ---",
)

#    ----- The following addresses had fatal errors -----
#
# [Status: Error, Address: <user@example.org>, Malformed answer from server]
#
# Message will be retried for 4 more day(s)
#
#    ----- Transcript of session follows -----
_ZOHO_DELAYED: Final = Notice(
    name="zoho-delayed",
    evidence="github.com/forwardemail/free-email-forwarding/issues/146",
    start=r"^[ \t]*-* ?The following addresses had fatal errors -----(?=\s{0,9}\[Status: )(?=[\s\S]{0,8000}?^Message will be retried for \d)",
    recipient=rf"^[ \t]*\[Status: [^,\n]+, Address: <(?P<recipient>{ADDRESS})>,[ \t]*(?P<text>.*?)\]?[ \t]*$",
    stop=r"^[ \t]*----- Transcript of session follows -----",
    kind=Kind.DELAY,
)

# ... Ваше письмо не может быть доставлено одному или нескольким получателям:
#
#   user@example.org
#     SMTP error from remote mail server after RCPT TO:<user@example.org>:
#     host mx.example.org [192.0.2.1]: 550 5.1.1 No such user
#
# Рекомендуем Вам проверить корректность указания адресов получателей.
_MAIL_RU: Final = Notice(
    name="mail-ru",
    evidence="github.com/go-park-mail-ru/2023_1_Seekers, SendFailedSendingMessage, worded after Mail.ru's; the lines of an address: Exim, deliver.c",
    start=r"^.{0,20}Ваше письмо не может быть доставлено одному или нескольким получателям:",
    recipient=rf"^[ \t]{{0,3}}(?P<recipient>{ADDRESS})[ \t]*$",
    stop=r"^(?:Рекомендуем Вам проверить|\*{5,}|This message was created automatically)",
)

# This is an automatically generated Delivery Status Notification.
#
# Delivery to the following recipients failed.
#
#        user@example.org
#        other@example.org
_MICROSOFT_SMTP: Final = Notice(
    name="microsoft-smtp",
    evidence="github.com/root-io/vmail/issues/53, wp-e-commerce/WP-e-Commerce/issues/1886",
    start=r"^[ \t]*Delivery to the following recipients failed\.",
    recipient=rf"^[ \t]+(?P<recipient>{ADDRESS})[ \t]*$",
    stop=r"^(?:Received|Return-Path|Message-ID): ",
)
_MICROSOFT_SMTP_DELAYED: Final = msgspec.structs.replace(
    _MICROSOFT_SMTP,
    name="microsoft-smtp-delayed",
    evidence="velocityreviews.com/forums/t867866-xtra-email-failed-again.html",
    start=r"^[ \t]*Delivery to the following recipients has been delayed\.",
    kind=Kind.DELAY,
)

# An error occurred while trying to deliver the mail to the following recipients:
# user@example.org
_AMAZON_SES: Final = Notice(
    name="amazon-ses",
    evidence="github.com/Virtomize/mail2most, lib, TestParseHTML",
    start=r"^An error occurred while trying to deliver the mail to the following recipients:",
    recipient=rf"^[ \t]*<?(?P<recipient>{ADDRESS})>?[ \t]*$",
)


#   {"notificationType":"Bounce","mail":{...},"bounce":{"bounceType":"Permanent","bounceSubType":"General",
#     "bouncedRecipients":[{"emailAddress":"user@example.org","diagnosticCode":"smtp; 550 5.1.1 No such user", ...}], ...}}
#
# --
# If you wish to stop receiving notifications from this topic, ...
#
# Where the whole envelope is asked for, all that is a string of it: {"Type":"Notification","Message":"{...}"}.
# Sendmail breaks a line of 990 characters with "!" and a blank.
class _Recipient(msgspec.Struct, rename="camel"):
    email_address: str
    action: str | None = None
    status: str | None = None
    diagnostic_code: str | None = None


class _Outcome(msgspec.Struct, rename="camel"):
    """What is told of the mail: each kind names its recipients otherwise."""

    bounced_recipients: list[_Recipient] = []
    delayed_recipients: list[_Recipient] = []
    complained_recipients: list[_Recipient] = []
    recipients: list[str] = []
    smtp_response: str | None = None
    bounce_type: str | None = None
    bounce_sub_type: str | None = None
    complaint_feedback_type: str | None = None
    reporting_mta: str | None = msgspec.field(default=None, name="reportingMTA")


class _Notification(msgspec.Struct, rename="camel"):
    message: str | None = msgspec.field(default=None, name="Message")
    bounce: _Outcome | None = None
    delivery_delay: _Outcome | None = None
    complaint: _Outcome | None = None
    delivery: _Outcome | None = None


_SNS_KINDS: Final = {"bounce": Kind.BOUNCE, "delivery_delay": Kind.DELAY, "complaint": Kind.COMPLAINT, "delivery": Kind.DELIVERY}


def _read_sns(message: Message, notice: str) -> list[Event]:
    try:
        told = msgspec.json.decode(notice.replace("!\n ", ""), type=_Notification)
        if told.message is not None:
            told = msgspec.json.decode(told.message, type=_Notification)
    except (msgspec.MsgspecError, RecursionError):
        return []
    return [event for name, kind in _SNS_KINDS.items() if (outcome := getattr(told, name)) for event in _outcomes(message, kind, outcome)]


def _outcomes(message: Message, kind: Kind, outcome: _Outcome) -> Iterator[Event]:
    people = [*outcome.bounced_recipients, *outcome.delayed_recipients, *outcome.complained_recipients, *map(_Recipient, outcome.recipients)]
    for one in people[: message.limits.recipients]:
        diagnostic_type, words = typed(one.diagnostic_code or outcome.smtp_response)
        said = transcript.read(quotation.unfold(words, message.limits.diagnostic))
        yield Event(
            kind=kind,
            recipient=address(one.email_address),
            action=one.action,
            reply_code=said.reply_code,
            enhanced_status=said.enhanced_status or find_status(one.status or ""),
            diagnostic=said.text or None,
            diagnostic_type=diagnostic_type,
            reporting_mta=host_name(typed(outcome.reporting_mta)[1]),
            label=outcome.complaint_feedback_type or "/".join(filter(None, (outcome.bounce_type, outcome.bounce_sub_type))) or None,
            occurred_at=parse_date(message.headers.get("date"), message),
        )


_AMAZON_SNS: Final = Notice(
    name="amazon-sns",
    evidence="docs.aws.amazon.com/ses/latest/dg/notification-contents.html, notification-examples.html; sns/latest/dg/http-notification-json.html",
    sender=("no-reply@sns.",),
    start=r"^\{",
    stop=r"^--[ \t]*$",
    reader=_read_sns,
)

NOTICES: Final = (
    _GMAIL,
    _GMAIL_DELAYED,
    _GOOGLE_GROUPS,
    _YAHOO,
    _YAHOO_CLASSIC,
    _UNITED_INTERNET,
    _ZOHO_DELAYED,
    _MAIL_RU,
    _MICROSOFT_SMTP,
    _MICROSOFT_SMTP_DELAYED,
    _AMAZON_SES,
    _AMAZON_SNS,
)
