"""Mobile carriers and providers of East Asia, and the mail systems that they run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bounceclass.notice import Notice
from bounceclass.statement import by_recipient, make_event

if TYPE_CHECKING:
    from bounceclass.message import Message
    from bounceclass.model import Event

__all__ = ["NOTICES"]

# Between Chinese words, and their punctuation, an address is its ASCII characters alone.
_ADDRESS: Final = r"(?a:[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+)"

# This Message was undeliverable due to the following reason:
#
# Each of the following recipients was rejected by a remote mail server.
# The reasons given by the server are included to help you determine why
# each recipient was rejected.
#
#     Recipient: <user@example.org>
#     Reason:    5.1.1 <user@example.org>... User unknown
#
# Please reply to Postmaster@example.com
# if you feel this message to be in error.
#
# Or, for the second paragraph: "The user(s) account is temporarily over quota." and the address alone.
_INTERMAIL: Final = Notice(
    name="intermail",
    evidence="dream.jp/support/techinfo/mail/error/error05.html (DTI), faq.busblog.jp/faq/show/410, faq.asahi-net.jp/en/faq_detail.html?id=5238",
    start=r"^(?:This Message was undeliverable due to the following reason:|Each of the following recipients was rejected by |The user\(s\) account is )",
    recipient=rf"^[ \t]*(?:Recipient:[ \t]*)?<(?P<recipient>{_ADDRESS})>[ \t]*$",
    stop=r"^Please reply to ",
)

# 抱歉, 您的邮件被退回来了……
#       原邮件信息:
#             时  间 2026-11-26 10:00:00
#             主  题 Meadow digest 42
#             收件人 user@example.org
#
#       退信原因:
#             由于收件人不存在 ...
#             英文说明:rcpt handle timeout,last handle info: ...
#
#       建议解决方案:
#
# With "/To", "/Bounce reason" behind the words where it is in two languages.
_COREMAIL: Final = Notice(
    name="coremail",
    evidence="lore.kernel.org, qemu-devel, [PATCH 00/31] Add Loongarch softmmu support, 2021-10; emailhost.com.cn/service.html (退信)",
    start=r"抱歉\uff0c您的邮件被退回来了",
    recipient=rf"^[ \t\u3000]*(?:收[ \u3000]*件[ \u3000]*人(?:/To)?[ \t\u3000]*[:\uff1a]?[ \t\u3000]*)?<?(?P<recipient>{_ADDRESS})>?[ \t]*$",
    stop=r"建议解决方案",
)

# 很抱歉您发送的邮件被退回, 以下是该邮件的相关信息:
# 被退回邮件
# 主 题: Meadow digest 42
# 时 间: 2026-11-26 10:00:00
# 无法发送到 user@example.org
# 退信原因	收件人邮件地址 (user@example.org) 不存在, 邮件无法送达。
# host mx.example.org[192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO command)
# 解决方案	请联系您的收件人, ...
_TENCENT: Final = Notice(
    name="tencent",
    evidence="github.com/dreamhunter2333/cloudflare_temp_email/issues/52 (QQ mail, exmail)",
    start=r"^[ \t\u3000]*很抱歉您发送的邮件被退回",
    recipient=rf"^[ \t\u3000]*无法发送到[ \t\u3000]*<?(?P<recipient>{_ADDRESS})>?[ \t]*$",
    stop=r"^[ \t\u3000]*解决方案",
)

# 您发送的邮件被退回, 相关信息如下:
#     ...
#
# 无法发送到user@example.org
#     系统应答: the mta server of example.org -- mx.example.org(192.0.2.1) reply:550 5.1.1 No such user
#     退信原因: 收件方地址不存在, 或暂时不可用, 导致邮件被系统退回。
#     解决建议: 1. 请检查输入的收件方地址是否有误
_ALIMAIL_OPENS: Final = re.compile(rf"^[ \t\u3000]*无法发送到[ \t\u3000]*<?(?P<recipient>{_ADDRESS})>?[ \t]*$", re.MULTILINE)
_ADVICE: Final = re.compile(r"^[ \t\u3000]*解决", re.MULTILINE)


def _read_alimail(message: Message, notice: str) -> list[Event]:
    told = by_recipient(_ALIMAIL_OPENS, notice)
    return [make_event(message, name, _ADVICE.split(said, maxsplit=1)[0]) for name, said in told]


_ALIMAIL: Final = Notice(
    name="alimail",
    evidence="github.com/lisijie/webcron/issues/14, songquanpeng/message-pusher/issues/127",
    start=r"^[ \t\u3000]*您发送的邮件被退回\uff0c相关信息如下",
    reader=_read_alimail,
)

# Hi. This is the smtp delivery program.
# I'm afraid I wasn't able to deliver your message to the following addresses.
# This is a permanent error; I've given up. Sorry it didn't work out.
# =====================================================
# <user@example.org>, remote server said: 550 5.1.1 No such user
#
# --- Below this line is a copy of the message.
_WINMAIL: Final = Notice(
    name="winmail",
    evidence="www.winmail.cn/ndr, magicwinmail.com/docs/errormail/gmail.php",
    start=r"^Hi\. This is the smtp delivery program\.",
    recipient=rf"^<(?P<recipient>{_ADDRESS})>, *(?P<text>\S.*)$",
    stop=r"^--- Below this line is a copy of the message",
)

# user@example.org 님께 보내신 메일 <Meadow digest 42> 이 다음과 같은 이유로 전송 실패했습니다.
#
# --------------------------------------------
#
# 받는 사람이 회원님의 메일을 수신차단 하였습니다.
#
# --------------------------------------------
_NAVER_SAYS: Final = re.compile(rf"({_ADDRESS}) 님께 보내신 메일[^\n]*실패했습니다\.\s+-+\s+(.*?)\s+---", re.DOTALL)


def _read_naver(message: Message, notice: str) -> list[Event]:
    return [make_event(message, name, said) for name, said in _NAVER_SAYS.findall(notice)]


_NAVER: Final = Notice(
    name="naver",
    evidence="github.com/thomasJang/axisj/pull/416",
    sender=("naver",),
    start=rf"^[ \t]*{_ADDRESS} 님께 보내신 메일 ",
    reader=_read_naver,
)

# Your message sent to user@example.org has failed to be delivered.
# * Recipient :                                    * 받는 사람 :
# user@example.org                                 user@example.org
# * Remote host said :                             * 실패 사유 :
# Requested action not taken: mailbox unavailable  받는 사람이 회원님의 메일을 수신차단 하였습니다.
# This message was sent from a notification-only   이 메일은 발신전용으로 회신되지 않습니다.
_DOORAY_SAYS: Final = re.compile(
    rf"(?:Recipient|받는 사람)[ \t]*:\s*({_ADDRESS})\b(?:.*?(?:Remote host said|실패 사유)[ \t]*:(.*?)(?:This message was sent|이 메일은 발신전용|\Z))?",
    re.DOTALL,
)


def _read_dooray(message: Message, notice: str) -> list[Event]:
    return [make_event(message, name, said) for name, said in _DOORAY_SAYS.findall(notice)]


_DOORAY: Final = Notice(
    name="dooray",
    evidence="github.com/sparcs-kaist/taxi-front/pull/80; in English run-youngjoo/SC-FEGAN/issues/51",
    sender=("dooray",),
    start=r"(?:Recipient|받는 사람)[ \t]*:\s",
    reader=_read_dooray,
)

NOTICES: Final = (_INTERMAIL, _COREMAIL, _TENCENT, _ALIMAIL, _WINMAIL, _NAVER, _DOORAY)
