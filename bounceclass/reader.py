"""Which reader speaks: bytes in, a Report without verdicts out. Never raises on any bytes.

The standards first, then the dialects of mail systems (`notice`), then what people and robots send;
the first that finds events names the Report's `format`. A mail that none of them knows is of kind
`other`, without events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass import autoreply, dsn, feedback, prose, receipt
from bounceclass.message import DELIVERY, Message
from bounceclass.model import UNREAD, Event, Kind, Original, Report, gravest
from bounceclass.noticewords import fold, is_other_mail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bounceclass.notice import Notices
    from bounceclass.protocols import Parser
    from bounceclass.settings import Settings

__all__ = ["POSTMASTER_COPY", "read", "read_dialect"]

POSTMASTER_COPY: Final = "postfix-postmaster-copy"
_HEAD: Final = 600
"""Characters in which a notice has begun."""


def read(  # noqa: PLR0913  what is read, and what with
    raw: bytes, settings: Settings, source: str | None = None, *, cut: bool = False, parser: Parser | None = None, notices: Notices | None = None
) -> Report:
    """Read one mail, as it came: with or without a leading mbox line, any line ends, any damage.

    `parser` is by default the built-in one that the settings name; without `notices` no dialect is read.
    """
    message = Message(raw, settings, parser, cut=cut)
    name, events = _events(message, notices)
    return Report(
        source=source,
        kind=gravest(events),
        events=tuple(events),
        format=name,
        original=_original(message, settings, dsn.envid(message), in_text=bool(events) and name not in _STANDARD_NAMES),
        parser=message.parser,
        defects=message.defects,
    )


def _events(message: Message, notices: Notices | None) -> tuple[str | None, list[Event]]:
    name, events = _read_standard(message)
    if events and not (name == dsn.FORMAT and _names_nobody(message, events)):
        return (_dsn_format(message) if name == dsn.FORMAT else name), events
    found = _read_notice(message, notices, _PROSE if events else _OTHERS)
    if found[1] or events:
        return found if found[1] else (name, events)
    other = autoreply.other_format(message)
    if other is None and autoreply.is_from_daemon(message) and message.headers:
        message.add_defect(UNREAD, (message.headers.get("subject") or "")[:80])
    return other, []


def _read_standard(message: Message) -> tuple[str | None, list[Event]]:
    for name, read_events in _STANDARDS:
        if events := read_events(message):
            return name, events
    return None, []


def _read_notice(message: Message, notices: Notices | None, readers: Sequence[tuple[str, Callable[[Message], list[Event]]]]) -> tuple[str | None, list[Event]]:
    """Ask the dialects, then `readers`."""
    if notices is not None and (dialect := read_dialect(message, notices))[1]:
        return dialect
    for name, read_events in readers:
        if events := read_events(message):
            return name, events
    return None, []


def read_dialect(message: Message, notices: Notices) -> tuple[str | None, list[Event]]:
    """Read a notice without a standard, in the first text that tells of a failure; return the dialect's name and the events."""
    from_daemon = (autoreply.may_be_notice(message) and not is_other_mail(fold(message.headers.get("subject")))) or _is_renamed(message, notices)
    if from_daemon:
        message.take_text(lambda text: prose.tells_failure(text) or notices.begins_in(text))
    return notices.read(message, from_daemon=from_daemon)


def _is_renamed(message: Message, notices: Notices) -> bool:
    """Tell a notice that its operator gave another sender (Postfix, bounce_template_file): its subject tells of a failure, and it begins as a dialect does."""
    if not autoreply.is_marked_by_software(message) or autoreply.has_path(message) or not prose.tells_failure(message.headers.get("subject") or ""):
        return False
    return notices.begins_in(message.text()[:_HEAD])


def _read_dsn(message: Message) -> list[Event]:
    """Read a status part; fields that stand in the text instead are believed only of a mail system."""
    if message.of_type(DELIVERY):
        return [] if autoreply.is_dressed_up(message) else dsn.read(message)
    return dsn.read(message) if dsn.has_fields(message) and autoreply.is_from_daemon(message) else []


def _names_nobody(message: Message, events: list[Event]) -> bool:
    """Tell of a status part that is cut off before its first recipient, so that not even its kind is sure: the notice says more."""
    first = events[0]
    return first.kind is Kind.BOUNCE and first.action is None and any(defect.where == dsn.NO_FIELD for defect in message.defects)


def _read_returned_fields(message: Message) -> list[Event]:
    """Read fields behind what looks like a returned mail, where no dialect knows the notice."""
    if message.of_type(DELIVERY) or not dsn.has_fields(message, returned=True) or not autoreply.is_from_daemon(message):
        return []
    return dsn.read(message, returned=True)


_STANDARDS: Final = (
    (feedback.ARF, feedback.read),
    (dsn.FORMAT, _read_dsn),
    (receipt.FORMAT, receipt.read),
)
_STANDARD_NAMES: Final = frozenset(name for name, _ in _STANDARDS) | {autoreply.UNSUBSCRIBE, autoreply.AUTO_REPLY}
_PROSE: Final = ((prose.FORMAT, prose.read),)
_OTHERS: Final = (
    (dsn.FORMAT, _read_returned_fields),
    (feedback.JMRP, feedback.read_jmrp),  # a header of the returned mail, which anybody can write: only where nothing else speaks
    (autoreply.UNSUBSCRIBE, autoreply.read_unsubscribe),
    *_PROSE,
    (autoreply.AUTO_REPLY, autoreply.read_auto_reply),
)


def _dsn_format(message: Message) -> str:
    """Tell a copy for the postmaster (Postfix, notify_classes) from the notice itself: it never counts."""
    subject = (message.notice_headers.get("subject") or "").lower()
    return POSTMASTER_COPY if subject.startswith(("postmaster copy:", "postmaster warning:")) else dsn.FORMAT


def _original(message: Message, settings: Settings, envid: str | None, *, in_text: bool) -> Original | None:
    headers = message.original(in_text=in_text)
    if headers is None:
        return None if envid is None else Original(envid=envid)
    wanted = {name.lower() for name in settings.keep_headers}
    kept = tuple(headers.items(wanted)) if wanted else ()
    return Original(
        message_id=headers.get("message-id"),
        from_=headers.get("from"),
        to=headers.get("to"),
        subject=headers.get("subject"),
        list_id=headers.get("list-id"),
        envid=envid,
        headers=kept,
    )
