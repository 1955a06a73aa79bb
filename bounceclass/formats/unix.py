"""Unix MTAs that write their notice in plain text alone."""

from __future__ import annotations

from typing import Final

from bounceclass.notice import Notice

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
    start=r"\AHi\. This is the ",
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
    start=r"\AThis is the DragonFly Mail Agent ",
    recipient=r"^There was an error delivering your mail to <(?P<recipient>[^\n]+)>\.$",
    stop=r"^(?:Message headers|Original message) follows?\.$",
)

#    ----- The following addresses had permanent fatal errors -----
# <user@example.org>
#     (reason: 550 5.1.1 <user@example.org>: user unknown)
#
#    ----- Transcript of session follows -----
_SENDMAIL: Final = Notice(
    name="sendmail",
    evidence="Sendmail 8.17.1.9 with SendMimeErrors=False, run; samples/sendmail, text",
    subject=("returned mail",),
    start=r"^ {3}----- The following addresses had permanent fatal errors -----$",
    recipient=r"^<?(?P<recipient>[^\s<>]+@[^\s<>]+)>?$",
    stop=r"^ {3}----- Transcript of session follows -----$",
)

NOTICES: Final = (_QMAIL, _DMA, _SENDMAIL)
