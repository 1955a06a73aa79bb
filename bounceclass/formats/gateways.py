"""Gateways and filters that write notices of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.notice import Notice
from bounceclass.phases import find_command
from bounceclass.statement import ADDRESS, make_event

if TYPE_CHECKING:
    from bounceclass.message import Message
    from bounceclass.model import Event

__all__ = ["NOTICES"]

# This is the mail delivery agent at messagelabs.com.
# I was unable to deliver your message to the following addresses:
#
# user@example.org
_MESSAGELABS: Final = Notice(
    name="messagelabs",
    evidence="knowledge.broadcom.com/external/article/162445",
    start=r"^This is the mail delivery agent at \S+\s+I was (?:un|not )able to deliver your message",
    recipient=rf"^<?(?P<recipient>{ADDRESS})>?:?[ \t]*$",
    stop=r"^--- ",
)

# メールサーバーとの通信中、下記の理由により
# このメールは送信できませんでした。
#
# 以下のメールアドレスへの送信に失敗しました。
# user@example.org
#
# -------server message
# 550 5.1.1 No such user
#
# -------SMTP command
# RCPT TO:<user@example.org>
#
# -------original mail info
_TOLD: Final = re.compile(
    rf"^<?(?P<recipient>{ADDRESS})>?\s+-------server message\s+(?P<reply>.*?)\s+-------SMTP command\s+(?P<command>[^\n]+)", re.MULTILINE | re.DOTALL
)


def _read_m_filter(message: Message, notice: str) -> list[Event]:
    return [_answered(message, *match.groups()) for match in _TOLD.finditer(notice)]


def _answered(message: Message, recipient: str, reply: str, command: str) -> Event:
    event = make_event(message, recipient, reply)
    return msgspec.structs.replace(event, command=find_command(f"in reply to {command.lower()}"))


_M_FILTER: Final = Notice(
    name="m-filter",
    evidence="pa-solution.net/daj/bs/faq/detail.aspx?id=2686 (Digital Arts, m-FILTER 4 and 5)",
    start=rf"^<?{ADDRESS}>?[ \t]*$(?=\s+-------server message)",
    stop=r"^-------original ",
    reader=_read_m_filter,
)

NOTICES: Final = (_MESSAGELABS, _M_FILTER)
