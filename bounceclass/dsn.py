"""Delivery status notifications: RFC 3464 in the container of RFC 6522, and RFC 6533's variant.

The report says what the reporting MTA made of it; Diagnostic-Code says what the remote said, and
the notice for people may quote it. Order of belief: the remote's diagnostic, the remote quoted in
the text, Status, a local diagnostic.

    Final-Recipient: rfc822; user@example.org
    Action: failed                                     failed, delayed, delivered, relayed, expanded
    Status: 5.0.0
    Remote-MTA: dns; mx.example.org
    Diagnostic-Code: smtp; 550 5.1.1 No such user      so: 550, 5.1.1
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime, parsedate_tz
from functools import lru_cache
from html import unescape
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass import transcript
from bounceclass.codes import STATUS, find_status, is_generic, status_class, tidy
from bounceclass.fields import Group, address, decode_xtext, paragraphs, typed
from bounceclass.message import DELIVERY
from bounceclass.model import SHARED_REPLY, Event, Kind
from bounceclass.quotation import Quotation, unfold
from bounceclass.returned import cut_off

if TYPE_CHECKING:
    from bounceclass.message import Message

__all__ = ["FORMAT", "NO_FIELD", "NO_GROUP", "envid", "failed_recipients", "has_fields", "host_name", "parse_date", "read"]

NO_GROUP: Final = "no-recipient-group"
"""The defect of a status part that names no recipient."""
NO_FIELD: Final = "delivery-status, without a field of one"
"""Where it is: a part that was cut off."""
FORMAT: Final = "rfc3464"
_NULLMAILER: Final = "x-local-hostname"
"""Its type of a Reporting-MTA. It hands all recipients over at once, and where one is refused, all have failed."""
_LONGEST_DATE: Final = 200
_DAY: Final = 24 * 60 * 60
_TEXTS: Final = frozenset({"text/plain"})
_PER_RECIPIENT: Final = frozenset(
    {"final-recipient", "original-recipient", "x-actual-recipient", "action", "status", "diagnostic-code", "remote-mta"}
    | {"last-attempt-date", "will-retry-until", "final-log-id"},
)
_NAMES: Final = ("final-recipient", "original-recipient")
_KINDS: Final = {
    "failed": Kind.BOUNCE,
    "delayed": Kind.DELAY,
    "delivered": Kind.DELIVERY,
    "relayed": Kind.DELIVERY,
    "expanded": Kind.DELIVERY,
    "deliverable": Kind.DELIVERY,  # Postfix, `sendmail -bv`
    "undeliverable": Kind.BOUNCE,
}
_STATUS: Final = re.compile(rf"[\s\"(]*({STATUS})(?![\w.])\s*(?:\((.*)\))?")
_CUT: Final = "[truncated]"
"""Exim ends so a Diagnostic-Code of more than 1,024 octets; its notice has all of it."""
_FIRST_REFUSAL: Final = 400
_LOCAL_TYPES: Final = frozenset({"x-unix", "x-postfix", "x-local", "unix", "x-notes", "x-sendmail"})
_ADDRESS: Final = re.compile(r"(?<![\w.+=!#$%&'*/?^`{|}~-])[\w.+=!#$%&*/?^{|}~-][\w.+=!#$%&'*/?^`{|}~-]{0,63}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
"""A local part has all that RFC 5322 3.2.3 allows, but for a quote before it: half of one would be another address."""
_LISTED: Final = re.compile(r"^[ \t]*[-*][ \t]+<?((?:\"(?:[^\"\\\n]|\\.){1,64}\"|[^\s\"@<>]{1,64})@[^\s@<>]{1,255}?)>?[ \t]*$", re.MULTILINE)
_IN_TEXT: Final = re.compile(r"^(?:>+ ?)?(final-recipient|original-recipient)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HEAD_OF_TEXT: Final = re.compile(r"^(?:reporting-mta|final-recipient|original-recipient|action)[ \t]*:", re.IGNORECASE | re.MULTILINE)


def read(message: Message, *, returned: bool = False) -> list[Event]:
    """Return an event for each recipient of the message's status parts; at least one, if it has such a part.

    `returned`: fields in the text count also behind what looks like a returned mail.
    """
    texts = list(message.status_texts(DELIVERY))
    if not texts and (text := _fields_in_text(message, returned=returned)):
        texts = [text]
        message.add_defect("status-in-text", "")
    notice = Quotation(message.text() if texts else "", message.limits.diagnostic)
    events: list[Event] = []
    for text in texts:
        about, groups = _groups(text, message, message.limits.recipients - len(events))
        if len(groups) > 1 and typed(about.get("reporting-mta"))[0] == _NULLMAILER:
            message.add_defect(SHARED_REPLY, "delivery-status")
        events += [_event(message, about, group, notice, alone=len(groups) == 1) for group in groups]
    if notice.spent:
        message.add_defect("text-cut", "notice")
    return _named(events, message)


def has_fields(message: Message, *, returned: bool = False) -> bool:
    """Tell whether the notice's text holds the fields of a status part, outside MIME; `returned` as above."""
    return bool(_fields_in_text(message, returned=returned))


def _fields_in_text(message: Message, *, returned: bool) -> str:
    for part in message.of_type(_TEXTS):
        text = message.decoded(part, message.limits.text)
        if "-recipient" not in text.lower():
            continue
        text = text if returned else cut_off(text)  # a mail that is returned may have fields of its own
        head = _HEAD_OF_TEXT.search(text) if _IN_TEXT.search(text) else None
        if head:
            return text[head.start() :]
    return ""


def _groups(text: str, message: Message, limit: int) -> tuple[Group, list[Group]]:
    """Return the fields about the message, and a group for each recipient, at least one but no more than `limit`."""
    about: Group = {}
    groups: list[Group] = []
    for paragraph in paragraphs(text):
        if paragraph.junk:
            message.add_defect("junk-line", "delivery-status")
        fields = paragraph.fields
        names = {name for name, _ in fields}
        opens = not names.isdisjoint(_NAMES) and bool(groups) and not groups[-1].keys().isdisjoint(_NAMES)
        if opens or (not groups and not names.isdisjoint(_NAMES)):
            groups.append({})
        for name, value in fields:
            if name == "final-recipient" and name in groups[-1]:  # no blank line between two recipients
                groups.append({})
            where = groups[-1] if groups and (name in _PER_RECIPIENT or name.startswith("x-")) else about
            where.setdefault(name, value)
        if len(groups) > limit:
            message.add_defect("too-many-recipients", f"read {message.limits.recipients}")
            return about, groups[:limit]
    if not groups:
        groups.append({name: value for name, value in about.items() if name in _PER_RECIPIENT})
        message.add_defect(NO_GROUP, "delivery-status" if groups[0] else NO_FIELD)
    return about, groups[: max(0, limit)]


def _event(message: Message, about: Group, group: Group, notice: Quotation, *, alone: bool) -> Event:
    recipient = address(group.get("final-recipient")) or address(group.get("x-actual-recipient"))
    original = decode_xtext(address(group.get("original-recipient")))
    stated, comment = _status(group.get("status"), message)
    kind, diagnostic = typed(group.get("diagnostic-code"))
    if len(diagnostic) > message.limits.diagnostic:
        message.add_defect("text-cut", "diagnostic-code")
    diagnostic = unfold(diagnostic or group.get("x-supplementary-info", "").strip("<>") or comment, message.limits.diagnostic)
    action = (group.get("action") or "").split("(")[0].strip().lower().partition(" ")[0] or None
    happened = _KINDS.get(action or "") or _kind(stated, message)
    said = _said(notice.complete(diagnostic) or diagnostic, kind)
    if notice and _is_poor(said, kind, happened):
        quoted = notice.find(recipient or original, alone=alone)
        if (quoted.reply_code or 0) >= _FIRST_REFUSAL or not diagnostic:
            said, kind = msgspec.structs.replace(quoted, text=notice.complete(reply := quoted.text[quoted.start : quoted.end]) or reply), None
    if action is None and stated is None and (said.reply_code or 0) // 100 == 2:  # noqa: PLR2004  the class
        happened = Kind.DELIVERY  # "delivery via mx.example.org: 250 2.0.0 Ok", of a report that is cut off
    diagnostic = said.text
    if failed := _expanded(group, recipient, notice) or (None if original else notice.find_generated(recipient, diagnostic)):
        recipient, original = failed, original or recipient
    _, remote = typed(group.get("remote-mta"))
    _, reporting = typed(about.get("reporting-mta"))
    return Event(
        id=None,
        kind=happened,
        recipient=recipient or original,
        original_recipient=original,
        action=action,
        reply_code=said.reply_code,
        enhanced_status=_more_specific(said, stated),
        diagnostic=diagnostic or None,
        diagnostic_type=kind,
        command=said.command or notice.find_command(recipient or original, alone=alone),
        remote_mta=host_name(remote) or said.remote_host,
        reporting_mta=host_name(reporting),
        occurred_at=parse_date(group.get("last-attempt-date") or message.notice_headers.get("date"), message),
    )


def _said(diagnostic: str, kind: str | None) -> transcript.Transcript:
    """Read a diagnostic; of a program it may be how it ended, and no reply: "X-Unix; 255", as Sendmail has it."""
    return transcript.Transcript(diagnostic) if kind in _LOCAL_TYPES and diagnostic.isdigit() else transcript.read(diagnostic)


def _is_poor(said: transcript.Transcript, kind: str | None, happened: Kind) -> bool:
    """Tell whether the notice may say more than a diagnostic does: it is of a program, or cut, or no refusal, or says nothing.

    Sendmail has in its place what QUIT was answered where the host has closed the connection.
    """
    if said.reply_code is None:
        return kind in _LOCAL_TYPES or not said.text or is_generic(said.enhanced_status)
    return said.text.endswith(_CUT) or (said.reply_code < _FIRST_REFUSAL and happened is not Kind.DELIVERY)


def _expanded(group: Group, recipient: str | None, notice: Quotation) -> str | None:
    """Return the address that failed where Sendmail says that its alias or forward made it of the one it calls final."""
    if "x-actual-recipient" not in group:
        return None
    actual = address(group["x-actual-recipient"]) or ""
    differs = "@" in actual and recipient is not None and actual.lower() != recipient.lower()
    return actual if differs and notice.is_expanded(actual) else None


def _kind(stated: str | None, message: Message) -> Kind:
    """Tell what a group without an action reports: a success by its class or Sendmail's return receipt, else a failure."""
    receipt = "return-receipt" in (message.headers.get("auto-submitted") or "").lower()
    return Kind.DELIVERY if receipt or status_class(stated) == 2 else Kind.BOUNCE  # noqa: PLR2004  the class digit


def _status(value: str | None, message: Message) -> tuple[str | None, str]:
    """Return the code of a Status field and its comment: "5.1.2 (550 no such domain)"."""
    if value is None:
        return None, ""
    match = _STATUS.match(value)
    if match is None:
        message.add_defect("bad-status", value[:80])
        return find_status(value), ""
    return tidy(match[1]), match[2] or ""


def _more_specific(said: transcript.Transcript, stated: str | None) -> str | None:
    """Return the remote's status unless it says nothing, or states none; then the report's."""
    if is_generic(said.enhanced_status) and stated is not None:
        return stated if not is_generic(stated) or said.enhanced_status is None else said.enhanced_status
    return said.enhanced_status


def host_name(value: str) -> str | None:
    """Return the host name of a MTA field: without comment, port and closing dot."""
    words = value.split()
    return words[0].rstrip(".").strip("()") or None if words else None


def _named(events: list[Event], message: Message) -> list[Event]:
    """Fill in who is meant where the groups don't name a mail address but X-Failed-Recipients does."""
    if len(events) != 1 or "@" in (events[0].recipient or ""):
        return events
    failed = failed_recipients(message) or ((_listed(message) or _only_address(message)) if events[0].recipient is None else [])
    return [msgspec.structs.replace(events[0], recipient=name) for name in failed] or events


def _listed(message: Message) -> list[str]:
    """Return the addresses that the notice lists, one a line: slimta names nobody in its report, and all have the reply to one.

    What is no ASCII it writes as "&#246;".
    """
    found = list(dict.fromkeys(unescape(match[1]) for match in islice(_LISTED.finditer(message.text()), message.limits.recipients)))
    if found:
        message.add_defect("recipient-from-text", "")
    if len(found) > 1:
        message.add_defect(SHARED_REPLY, "delivery-status")
    return found


def _only_address(message: Message) -> list[str]:
    """Return the one address that the notice names besides its own sender and addressee, if it is one."""
    own = f"{message.headers.get('from')} {message.headers.get('to')}".lower()
    found = {name for name in _ADDRESS.findall(message.text()) if name.lower() not in own}
    if len(found) == 1:
        message.add_defect("recipient-from-text", "")
        return list(found)
    return []


def failed_recipients(message: Message) -> list[str]:
    """Return the addresses of X-Failed-Recipients, which Exim and Google add to a bounce."""
    value = message.headers.get("x-failed-recipients") or ""
    return [name for name in (part.strip().strip("<>") for part in value.split(",")[: message.limits.recipients]) if "@" in name]


def envid(message: Message) -> str | None:
    """Return the Original-Envelope-Id (RFC 3464 2.2.1), its xtext undone."""
    for text in message.status_texts(DELIVERY):
        if "original-envelope-id" in text.lower():
            about = next(paragraphs(text), None)
            fields = about.fields if about else []
            return next((decode_xtext(value) or None for name, value in fields if name == "original-envelope-id"), None)
    return None


def parse_date(value: str | None, message: Message) -> datetime | None:
    """Return a date (RFC 5322 3.3) in UTC; without a zone, or unreadable, None and a defect."""
    if not value:
        return None
    when = _date(value[:_LONGEST_DATE])
    if when is None:
        message.add_defect("bad-date", value[:80])
    return when


@lru_cache(maxsize=256)
def _date(value: str) -> datetime | None:
    try:
        parsed = parsedate_tz(value)
        if parsed is not None and (parsed[9] or "+0000" in value) and abs(parsed[9] or 0) < _DAY:  # no zone at all is 0, too
            return datetime(*parsed[:6], tzinfo=UTC) - timedelta(seconds=parsed[9] or 0)
        when = parsedate_to_datetime(value)
        if when.tzinfo is None and value.rstrip().endswith("-0000"):  # UTC, of an unknown place (RFC 5322 3.3); so writes qmail
            return when.replace(tzinfo=UTC)
        return when.astimezone(UTC) if when.tzinfo is not None else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
