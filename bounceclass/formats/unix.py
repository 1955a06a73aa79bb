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

NOTICES: Final = (_QMAIL,)
