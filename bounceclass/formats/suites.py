"""Commercial mail servers, and providers with a server of their own."""

from __future__ import annotations

from typing import Final

import msgspec

from bounceclass.model import Kind
from bounceclass.notice import Notice
from bounceclass.statement import ADDRESS

__all__ = ["NOTICES"]

# Failed to deliver to 'user@example.org'
# SMTP module(domain example.org) reports:
#  host mx.example.org says:
#  550 5.1.1 No such user
_COMMUNIGATE: Final = Notice(
    name="communigate",
    evidence="a delay in full at github.com/tgree/psdb/issues/72; the failure is worded alike",
    start=rf"^Failed to deliver to '<?{ADDRESS}>?'",
    recipient=rf"^Failed to deliver to '<?(?P<recipient>{ADDRESS})>?'(?P<text>.*)$",
)
# Message delivery to 'user@example.org' delayed
# SMTP module(domain example.org) reports:
#  connection with mx.example.org is broken
_COMMUNIGATE_DELAYED: Final = msgspec.structs.replace(
    _COMMUNIGATE,
    name="communigate-delayed",
    start=rf"^Message delivery to '<?{ADDRESS}>?' delayed",
    recipient=rf"^Message delivery to '<?(?P<recipient>{ADDRESS})>?' delayed(?P<text>.*)$",
    kind=Kind.DELAY,
)

# The original message was received at Thu, 26 Nov 2026 10:00:00 +0000.
#
#    ----- Error description -----
# The message was not delivered to one or more recipients.
#
#    ----- The message was not delivered to the following addresses -----
# <user@example.org>
#    (reason: The user exceeded his storage limit. Please try to send the message again later.)
_B1GMAIL: Final = Notice(
    name="b1gmail",
    evidence="b1gMail, serverlib/mailprocessor.class.php, Bounce()",
    start=r"^ {3}----- The message was not delivered to the following addresses -----[ \t]*$",
    recipient=rf"^<(?P<recipient>{ADDRESS})>[ \t]*$",
)

# |------------------------- Failed addresses follow: ---------------------|
#  <user@example.org> ... unknown user
# |------------------------- Message text follows: ------------------------|
#
# Or "Message header follows", where no text comes back.
_SMAIL: Final = Notice(
    name="smail",
    evidence="Smail 3, notify.c",
    start=r"^\|-+ Failed addresses follow: -+\|[ \t]*$",
    recipient=rf"^[ \t]*<(?P<recipient>{ADDRESS})>(?:[ \t]*\.\.\.[ \t]*(?P<text>\S.*))?[ \t]*$",
    stop=r"^\|-+ Message (?:text|header) follows: -+\|",
)

# Your mail message to the following address(es) could not be delivered. This
# is a permanent error. Please verify the addresses and try again. If you are
# still having difficulty sending mail to these addresses, please contact
# Customer Support at ...
#
# <user@example.org>:
# child status 100...The e-mail message could not be delivered because the user's mailfolder is full.
_SECURESERVER: Final = Notice(
    name="secureserver",
    evidence="mail of 2008, quoted in a thread of the Ubuntu forums",
    start=rf"^<{ADDRESS}>:[ \t]*\nchild status \d+\.\.\.",
    recipient=rf"^<(?P<recipient>{ADDRESS})>:[ \t]*$",
    stop=r"^--- Below this line",
)

NOTICES: Final = (_COMMUNIGATE, _COMMUNIGATE_DELAYED, _B1GMAIL, _SMAIL, _SECURESERVER)
