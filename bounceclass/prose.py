"""The last reader: who, what and why from any prose that is plainly a failure notice.

It asks nothing of the wording but what `data/failures.toml` lists, in fifteen languages, and is asked
when no standard and no dialect speaks. Subject, text, a reply code and a returned mail tell a notice:
two of them where a mail system wrote it, three where a machine or nobody did, else all. Quoted lines
("> ") are somebody else's and tell nothing. What it reads is believed less (`judge`).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from bounceclass import quotation, transcript
from bounceclass.addresses import mailbox
from bounceclass.autoreply import has_daemon_name, has_null_path, is_marked
from bounceclass.dsn import failed_recipients, parse_date
from bounceclass.model import Event
from bounceclass.noticewords import OF_FAILURE, WORDS_READ, fold, kind_of, says, table
from bounceclass.returned import cut_off

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bounceclass.message import Message
    from bounceclass.mime.headers import Headers
    from bounceclass.model import Kind, Report

__all__ = ["DOUBTS", "FORMAT", "certainty", "read"]

FORMAT: Final = "prose"
FROM_ORIGINAL: Final = "recipient-from-original"
"""The defect of a notice that names nobody: who is meant is taken from the mail that came back."""
FROM_NOTICE: Final = "reason-from-notice"
"""The defect of a notice that says nothing beside the address: the reason is sought in all of its text."""
FROM_TEXT: Final = "recipient-from-text"
"""The defect of a notice that names an address only within a sentence."""
DOUBTS: Final = frozenset({FROM_ORIGINAL, FROM_NOTICE, FROM_TEXT})
PLAIN, DOUBTFUL = 0.8, 0.5
_EXCERPT: Final = 1000
_NEAR: Final = 64
"""Characters beside an address that tell what it is."""
_SIGNATURE: Final = re.compile(r"\n-- ?\n")
_BROKEN: Final = re.compile(r"<([^<>\s@]{1,64}@[^<>\s@]{0,200})\n[ \t]*([^<>\s@]{1,200})>")
"""An address that a line's end breaks."""
_WORD: Final = re.compile(r"\w+")
_LABEL_WORDS: Final = 2
_LETTERS: Final = re.compile(r"[^\W\d_]{2}")
_LONGEST: Final = 12
"""Lines of a quoted reply."""
_REFUSAL: Final = re.compile(r"[45](?<![\w.][45])[0-5]\d(?![\w.]*\w@|\d)")
_ENOUGH: Final = 2
_REFUSED: Final = 400
_FOR: Final = frozenset({"to", "cc", "received", "delivered-to", "x-original-to", "envelope-to"})
_OF_LISTS: Final = ("list-id", "list-unsubscribe", "list-post")
_ANSWERS: Final = ("re:", "fw:", "fwd:", "aw:", "wg:", "sv:", "vs:", "tr:", "rv:", "antw:", "回复", "答复", "回覆")
_ADDRESS: Final = re.compile(r"(?<![\w.+=/@-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_][\w-]{0,23}(?![\w@-])")
_OPENS: Final = re.compile(r"(?:[ \t*|\W]{0,8}(?:[^\n@<>:]{0,40}:)?[ \t]*)?(?:<|&lt;|\"|')?\s?(?:rfc822;|smtp:|mailto:|to:)?[ \t]*(?:<)?$", re.IGNORECASE)
_CLOSES: Final = re.compile(r"[ \t]*[>\"')\].,:;(]|[ \t]*$|[ \t]+(?:\(|on |at |\d|-)", re.IGNORECASE)
_LABEL: Final = re.compile(r"([^\W\d_][\w -]{0,30}?)[ \t]*[:\uff1a]?[ \t]*[<\"'(\[]?[ \t]*$")


def read(message: Message) -> list[Event]:
    """Return the events of a notice in prose, one for each recipient it names; none for other mail."""
    notice = _own_words(message.text())
    returned = message.original(in_text=True)
    failed = failed_recipients(message)
    subject, text = fold(message.headers.get("subject")), fold(notice[:WORDS_READ])
    if not _is_notice(message, subject, text, comes_with=returned is not None or bool(failed)):
        return []
    kind = kind_of(f"{subject} {text}")
    names: list[str | None] = list(failed or _recipients(message, notice, returned) or _mailed(message, returned)) or [None]
    if names == [None] and returned is None and (transcript.read(text).reply_code or 0) < _REFUSED:
        return []  # nobody, nothing, no reply: a claim without a fact
    return [_event(message, kind, name, about) for name, about in _regions(notice, names)]


def _regions(notice: str, names: Sequence[str | None]) -> Iterator[tuple[str | None, str]]:
    """Yield each recipient with the lines about it, up to where the next one is named; one alone has all."""
    if len(names) == 1:
        yield names[0], notice
        return
    lowered = notice.lower()
    starts = {name: notice.rfind("\n", 0, place) + 1 for name in names if (place := lowered.rfind((name or "\0").lower())) >= 0}
    ends = dict(pairwise([*sorted(set(starts.values())), len(notice)]))
    for name in names:
        yield name, notice[starts[name] : ends[starts[name]]] if name in starts else notice


def certainty(report: Report) -> float:
    """Return how far a verdict on a report can be believed, for how it was read: 1 where by a known format.

    Prose of unknown software is believed as a code is; one that doesn't plainly say whom it means, half.
    """
    if report.format != FORMAT:
        return 1.0
    return DOUBTFUL if any(defect.code in DOUBTS for defect in report.defects) else PLAIN


def _own_words(text: str) -> str:
    """Return what the notice itself says: no quoted line, nothing of the returned mail, no signature."""
    own = _BROKEN.sub(r"<\1\2>", _SIGNATURE.split(cut_off(text), maxsplit=1)[0])
    return "\n".join(line for line in own.split("\n") if not line.startswith(">"))


def _is_notice(message: Message, subject: str, text: str, *, comes_with: bool) -> bool:
    """Tell a failure notice; `comes_with` tells that a mail came back with it, or a header that names who failed."""
    if says(subject, "succeeded"):
        return False
    tells = (
        says(subject, *OF_FAILURE),
        says(text, *OF_FAILURE),
        (transcript.read(text).reply_code or 0) >= _REFUSED,
        comes_with or says(text[-2000:], "returned"),
    )
    unanswerable = has_null_path(message)
    if has_daemon_name(message):
        return ((tells[0] or tells[3]) and sum(tells) >= _ENOUGH) or (unanswerable and tells[1] and not says(subject, "digests"))
    if is_marked(message) or any(name in message.headers for name in _OF_LISTS) or subject.startswith(_ANSWERS):
        return False
    if unanswerable:
        return sum(tells) > _ENOUGH or (tells[1] and (tells[0] or comes_with)) or (tells[0] and tells[2])
    return sum(tells) > _ENOUGH if _is_machine(message) else all(tells)


def _is_machine(message: Message) -> bool:
    """Tell whether the sender's local part is no person's: "Symantec_AntiVirus_for_SMTP_Gateways"."""
    return says((mailbox(message.headers.get("from") or "") or "").lower().partition("@")[0], "machines")


def _recipients(message: Message, notice: str, returned: Headers | None) -> list[str]:
    """Return whom the notice names: those with whom a line opens, else those that it mentions."""
    own = _own_addresses(message, returned)
    mailed = _addressees(returned).lower() if returned else ""
    for text in dict.fromkeys((_until_returned(notice), notice)):
        plain, mentioned = dict[str, str](), dict[str, str]()
        for name, opens in _mentions(text):
            key = name.lower()
            if key not in own:
                (plain if opens else mentioned).setdefault(key, name)
        known = [name for key, name in (plain | mentioned).items() if key in mailed]
        found = list(known or plain.values() or mentioned.values())[: message.limits.recipients]
        if found:
            if not (known or plain):
                message.add_defect(FROM_TEXT, "")
            return found
    return []


def _with_at(text: str) -> Iterator[str]:
    """Yield the lines that may hold an address: in others it is looked for long, and in vain."""
    return (line for line in text.split("\n") if "@" in line)


def _addressees(returned: Headers) -> str:
    """Return the fields that name whom a returned mail was for; a server notes it in Received ("for <user@example.org>", RFC 5321 4.4)."""
    return " ".join(value for name, value in returned.items() if name.lower() in _FOR)


def _mentions(notice: str) -> Iterator[tuple[str, bool]]:
    """Yield each address of the notice, and whether it stands where a line names its recipient."""
    for line in _with_at(notice):
        for match in _ADDRESS.finditer(line):
            before, behind = line[max(0, match.start() - _NEAR) : match.start()], line[match.end() : match.end() + _NEAR]
            label = _LABEL.search(before)
            if match[0].startswith("//"):  # a link
                continue
            words = label[1].lower().split() if label else []
            if _names_another(words):
                continue
            yield match[0].strip("."), bool(match.start() <= _NEAR and _OPENS.match(before) and _CLOSES.match(behind))


def _names_another(words: Sequence[str]) -> bool:
    """Tell whether the words before an address say that it is not the recipient's: the longest of their ends that is known decides."""
    ends = (" ".join(words[start:]) for start in range(len(words)))
    return next((end in table().not_recipient for end in ends if end in table().not_recipient or end in table().mailbox_of), False)


def _own_addresses(message: Message, returned: Headers | None) -> set[str]:
    """Return who can't be meant: the notice's sender and addressee, and the returned mail's sender."""
    values = [message.headers.get(name) for name in ("from", "to", "return-path", "reply-to", "delivered-to")]
    values += [returned.get(name) for name in ("from", "sender", "return-path", "message-id")] if returned else []
    found = {name.lower() for value in values for name in _ADDRESS.findall(value or "")}
    mailed = (returned.get("to") or "").lower() if returned else ""
    for name in (name for line in _with_at(message.text().lower()) for name in _ADDRESS.findall(line)):
        if name.partition("@")[0] in table().helpers and name not in mailed:
            found.add(name)
    return found


def _mailed(message: Message, returned: Headers | None) -> list[str]:
    """Return the one addressee of the returned mail, where it is one."""
    found = list(dict.fromkeys(_ADDRESS.findall((returned.get("to") if returned else None) or "")))
    if len(found) != 1:
        return []
    message.add_defect(FROM_ORIGINAL, found[0])
    return found


def _event(message: Message, kind: Kind, recipient: str | None, about: str) -> Event:
    limit = message.limits.diagnostic
    said = _reply(about, limit)
    if said is None:
        words = _words(about, recipient)
        if not words:
            message.add_defect(FROM_NOTICE, recipient or "")
        said = transcript.read(quotation.unfold(words or about[:_EXCERPT], limit))
    folded = fold(about)
    return Event(
        kind=kind,
        recipient=recipient,
        reply_code=said.reply_code,
        enhanced_status=said.enhanced_status,
        diagnostic=_diagnostic(said) or None,
        command=said.command or transcript.find_command(folded),
        remote_mta=said.remote_host or transcript.find_host(folded),
        occurred_at=parse_date(message.headers.get("date"), message),
    )


def _diagnostic(said: transcript.Transcript) -> str:
    """Return the reply; all of the text where it has none, or where the words stand before the code: "unknown [code 550]"."""
    reply = said.text[said.start : said.end]
    return reply if said.reply_code is not None and len(_WORD.findall(reply)) > 1 else said.text


def _words(about: str, recipient: str | None) -> str:
    """Return what the notice says beside a recipient: the paragraph that names it, or what follows where none says more; else ""."""
    name = (recipient or "\0").lower()
    lowered, behind = about.lower(), ""
    place = lowered.find(name)
    while place >= 0:
        start, end = lowered.rfind("\n\n", 0, place) + 1, lowered.find("\n\n", place)
        end = end if end >= 0 else len(about)
        if len(_WORD.findall(lowered[start:end].replace(name, ""))) > _LABEL_WORDS:
            return about[start:end]
        behind = behind or _until_returned(about[end : end + _EXCERPT])
        place = lowered.find(name, end)
    return behind


def _until_returned(text: str) -> str:
    if not says(text.lower(), "returned"):
        return text.strip()
    lines = text.split("\n")
    end = next((place for place, line in enumerate(lines) if says(line.lower(), "returned")), len(lines))
    return "\n".join(lines[:end]).strip()


def _reply(about: str, limit: int) -> transcript.Transcript | None:
    """Return the refusal that the text quotes: the first with an enhanced status and words, else with a status, else the first."""
    best, most = None, -1
    lines = about.split("\n")
    for place, line in enumerate(lines):
        if _REFUSAL.search(line) is None:
            continue
        said = transcript.read(quotation.unfold("\n".join(_until_blank(lines[place : place + _LONGEST])), limit))
        if said.reply_code is None or said.reply_code < _REFUSED:
            continue
        worth = 2 * (said.enhanced_status is not None) + (_LETTERS.search(said.text, said.start, said.end) is not None)
        if worth > most and (best is None or said.enhanced_status is not None):
            best, most = said, worth
    return best


def _until_blank(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if not line.strip() or line.startswith("---"):
            return
        yield line
