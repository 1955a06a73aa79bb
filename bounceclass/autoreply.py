"""Automatic mail that is no bounce: replies (RFC 3834), unsubscribe mail, DMARC and TLS reports.

`Auto-Submitted: auto-replied` also sits on the bounces of Postfix, so it proves nothing where the
mail comes from a mail system; and words in a text alone prove nothing at all.
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.addresses import mailbox
from bounceclass.dsn import parse_date
from bounceclass.fields import paragraphs, typed
from bounceclass.knowledge import data_file
from bounceclass.message import DELIVERY
from bounceclass.model import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.message import Message

__all__ = [
    "AUTO_REPLY",
    "UNSUBSCRIBE",
    "has_daemon_name",
    "has_null_path",
    "has_path",
    "has_unmanned_name",
    "is_dressed_up",
    "is_from_daemon",
    "is_marked",
    "is_marked_by_software",
    "may_be_notice",
    "other_format",
    "read_auto_reply",
    "read_unsubscribe",
]

AUTO_REPLY: Final = "rfc3834"
UNSUBSCRIBE: Final = "list-unsubscribe"
_OF_A_MAIL: Final = ("from", "to", "subject", "date", "received")
_EXCERPT: Final = 1000
_MOST: Final = 5
"""Paragraphs of a status part that are looked at: one about the message, and a few recipients."""


class _AutoReply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    headers: dict[str, tuple[str, ...]]
    subjects: tuple[str, ...]


class _Daemon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    locals: frozenset[str]
    people: frozenset[str]
    robots: frozenset[str]
    names: tuple[str, ...]


class _Unsubscribe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subjects: tuple[str, ...]
    texts: tuple[str, ...]
    longest_text: int


class _Automatic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """automatic.toml; the file says what each table means."""

    auto_reply: _AutoReply
    daemon: _Daemon
    unsubscribe: _Unsubscribe


@cache
def _table() -> _Automatic:
    return msgspec.toml.decode(data_file("automatic.toml"), type=_Automatic)


def is_from_daemon(message: Message) -> bool:
    """Tell whether a mail system wrote the mail: a null return path, or a name such as mailer-daemon."""
    return has_null_path(message) or has_daemon_name(message)


def has_path(message: Message) -> bool:
    """Tell whether the mail's return path is known, and somebody's."""
    return "return-path" in message.headers and not has_null_path(message)


def has_null_path(message: Message) -> bool:
    """Tell whether nobody is to be told of a failure of this mail: its return path is "<>" (RFC 5321 4.5.5)."""
    path = message.headers.get("return-path")
    return path is not None and path.replace(" ", "") == "<>"


def may_be_notice(message: Message) -> bool:
    """Tell whether a mail system wrote the mail, and no person's robot: a null return path is on automatic replies too."""
    return has_daemon_name(message) or (is_from_daemon(message) and not is_marked(message))


def has_daemon_name(message: Message) -> bool:
    """Tell whether the sender has the name of a mail system, or none at all; or names who failed (X-Failed-Recipients), as only mail systems do."""
    if message.of_daemon is None:
        message.of_daemon = _shows_daemon(message)
    return message.of_daemon


def _shows_daemon(message: Message) -> bool:
    sender = message.headers.get("from") or ""
    if "x-failed-recipients" in message.headers:
        return True
    return _is_daemon(sender) and (bool(sender) or any(name in message.headers for name in _OF_A_MAIL))


@lru_cache(maxsize=256)  # a mail is asked several times
def _is_daemon(sender: str) -> bool:
    sender = sender.lower()
    daemon = _table().daemon
    return sender.strip() in {"", "<>"} or _local_part(sender) in daemon.locals or any(name in sender for name in daemon.names)


def _local_part(sender: str) -> str:
    return (mailbox(sender) or "").lower().partition("@")[0]


def has_unmanned_name(message: Message) -> bool:
    """Tell whether the sender's address is one that no person writes under: mailer-daemon, not postmaster."""
    local = _local_part(message.headers.get("from") or "")
    return local in _table().daemon.locals and local not in _table().daemon.people


def read_auto_reply(message: Message) -> list[Event]:
    """Return the event of an automatic reply, none for other mail. Its recipient is who replied."""
    if not is_marked(message) or has_daemon_name(message):
        return []
    words = " ".join(f"{(message.headers.get('subject') or '').strip()}\n{message.text()[:_EXCERPT]}".split())
    return [_from_sender(message, Kind.AUTO_REPLY, words)]


def is_marked(message: Message) -> bool:
    """Tell whether a header or the subject says that the mail is an automatic reply."""
    return next(_marks(message), None) is not None


def is_marked_by_software(message: Message) -> bool:
    """Tell whether nothing but Auto-Submitted says so: some mail systems write it on their notices, under whatever sender they are told to have."""
    return list(_marks(message)) == ["auto-submitted"]


def _marks(message: Message) -> Iterator[str]:
    """Yield the fields that say so."""
    table = _table().auto_reply
    if (message.headers.get("subject") or "").strip().lower().startswith(table.subjects):
        yield "subject"
    for name, starts in table.headers.items():
        if _has(message, name, starts):
            yield name


def is_dressed_up(message: Message) -> bool:
    """Tell an automatic reply in the dress of a delivery status: a person's name on it, and marked as a reply.

    Courier's mailbot and challenge-response services send such. A mail system's own notice is never one, also where
    its operator gave it another name (Postfix, bounce_template_file; Exim, dsn_from).
    """
    marked = (message.headers.get("auto-submitted") or "").lower().startswith("auto-replied")
    if not marked or has_daemon_name(message) or _local_part(message.headers.get("from") or "") in _table().daemon.robots:
        return False
    return not _is_diagnosed(message)


def _is_diagnosed(message: Message) -> bool:
    """Tell a mail system's notice by what no robot writes: that it tries on, or the diagnosis in its text too."""
    text = ""
    for status in message.status_texts(DELIVERY):
        for paragraph in islice(paragraphs(status), _MOST):
            for name, value in paragraph.fields:
                if name == "action" and value.lower().startswith("delayed"):
                    return True
                if name == "diagnostic-code":
                    text = text or " ".join(message.text().split())
                    words = " ".join(typed(value)[1].split())
                    if words and words in text:
                        return True
    return False


def _has(message: Message, name: str, starts: tuple[str, ...]) -> bool:
    value = message.headers.get(name)
    return value is not None and value.lower().startswith(starts)


def read_unsubscribe(message: Message) -> list[Event]:
    """Return the event of a mail that a List-Unsubscribe mailto link makes (RFC 2369 3.2), else none."""
    table = _table().unsubscribe
    subject = " ".join((message.headers.get("subject") or "").lower().split())
    text = message.text().strip()
    if subject.partition(" ")[0].rstrip(":") not in table.subjects or len(text) > table.longest_text or len(message.parts) > 2:  # noqa: PLR2004  text and html
        return []
    if text and not any(word in text.lower() for word in table.texts):
        return []
    return [_from_sender(message, Kind.UNSUBSCRIBE, None)]


def _from_sender(message: Message, kind: Kind, words: str | None) -> Event:
    sender = mailbox(message.headers.get("from") or "")
    return Event(kind=kind, recipient=sender, diagnostic=words or None, occurred_at=parse_date(message.headers.get("date"), message))


def other_format(message: Message) -> str | None:
    """Name the kind of other mail that lands in a bounce mailbox; its attachment is never opened."""
    if "tls-report-domain" in message.headers or "report-type=tlsrpt" in _squeezed(message.headers.get("content-type")):
        return "tls-report"  # RFC 8460 5.3
    subject = _squeezed(message.headers.get("subject"))
    if subject.startswith(("reportdomain:", "[preview]reportdomain:")) and "submitter:" in subject:
        return "dmarc-aggregate"  # RFC 7489 7.2.1.1
    return None


def _squeezed(value: str | None) -> str:
    return "".join((value or "").lower().split()).replace('"', "")
