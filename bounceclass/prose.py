"""The last reader: who, what and why from any prose that is plainly a failure notice.

It asks nothing of the wording but what `data/failures.toml` lists, in fifteen languages, and is asked
when no standard and no dialect speaks. Subject, text, a reply code and a returned mail tell a notice:

    a mail system's name          two of them, or one and a null return path, of what the reader sent;
                                  a robot's (mailer-daemon) a reply code alone, in whatever language
    a null return path alone      three, or two that are surer
    sent to "meadow-bounces@"     the same, and doubted: nobody writes there
    a machine's name alone        three, and doubted
    neither, and no return path   all four, and doubted: a person may quote a notice

Quoted lines ("> ") are somebody else's and tell nothing. What it reads is believed less (`judge`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from bounceclass import quotation, transcript
from bounceclass.addresses import mailbox
from bounceclass.autoreply import has_daemon_name, has_null_path, has_path, has_unmanned_name, is_marked
from bounceclass.codes import status_class
from bounceclass.dsn import failed_recipients, parse_date
from bounceclass.mentions import CODE, FROM_ORIGINAL, FROM_TEXT, Named, has_labelled, named, names_plainly, without_addresses
from bounceclass.model import Event
from bounceclass.noticewords import ANSWERS, OF_FAILURE, WORDS_READ, fold, is_other_mail, kind_of, says, table, until_returned
from bounceclass.phases import find_command
from bounceclass.returned import cut_off

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bounceclass.message import Message
    from bounceclass.model import Kind, Report

__all__ = ["DOUBTS", "FORMAT", "certainty", "read", "tells_failure"]

FORMAT: Final = "prose"
FROM_NOTICE: Final = "reason-from-notice"
"""The defect of a notice that says nothing beside the address: the reason is sought in all of its text."""
FROM_ANYBODY: Final = "sender-is-no-mail-system"
"""The defect of a notice that neither name nor null return path shows to be a mail system's: anybody may quote one."""
DOUBTS: Final = frozenset({FROM_ORIGINAL, FROM_NOTICE, FROM_TEXT, FROM_ANYBODY})
PLAIN, DOUBTFUL = 0.8, 0.5
_COLON: Final = re.compile("[:\uff1a]")
_EXCERPT: Final = 1000
_ROOM, _FEWEST = 128 * 1024, 256
"""Characters that are read about all recipients together, and about each at least: a hostile notice says all of it of everybody."""
_SIGNATURE: Final = re.compile(r"\n-- ?\n")
_BROKEN: Final = re.compile(r"<([^<>\s@]{1,64}@[^<>\s@]{0,200})\n[ \t]*([^<>\s@]{1,200})>")
"""An address that a line's end breaks."""
_WORD: Final = re.compile(r"\w+")
_LABEL_WORDS: Final = 2
_COLONS: Final = (":", "\uff1a")
_LETTERS: Final = re.compile(r"[^\W\d_]{2}")
_LONGEST: Final = 12
"""Lines of a quoted reply."""
_ENOUGH: Final = 2
_REFUSED: Final = 400
_BOUNCES: Final = re.compile(r"(?:\A|[-+.=_])bounces?(?:[-+.=_]|\Z)")
_OF_LISTS: Final = ("list-id", "list-unsubscribe", "list-post")


def read(message: Message) -> list[Event]:
    """Return the events of a notice in prose, one for each recipient it names; none for other mail."""
    subject = fold(message.headers.get("subject"))
    if not _may_be_notice(message, subject):
        return []
    notice = _own_words(message.text())
    returned = message.original(in_text=True)
    failed = failed_recipients(message)
    text = fold(notice[:WORDS_READ])
    comes_with = returned is not None or bool(failed)
    if not _is_notice(message, subject, text, notice, comes_with=comes_with):
        return []
    found = Named(tuple(failed), plainly=True) if failed else named(message, notice, returned)
    daemon = has_daemon_name(message)
    refused = _refuses(text) and (bool(found.names) or (daemon and says(subject, *OF_FAILURE)))
    for_certain = found.plainly and (daemon or has_labelled(notice))
    claimed = _is_claimed(message, subject, text) if found.names else _is_bare(message, subject, text)
    if not (comes_with or refused or for_certain or claimed):
        return []  # no reply, nothing that came back, nobody named for certain
    kind = kind_of(f"{subject} {text}")
    names = found.names or (None,)
    room = max(_FEWEST, _ROOM // len(names))
    regions = list(_regions(notice, names))
    if any(len(about) > room for _, about in regions):
        message.add_defect("text-cut", "notice")
    return [_event(message, kind, name, about[:room]) for name, about in regions]


def tells_failure(text: str) -> bool:
    """Tell whether a text speaks of mail that did not arrive."""
    return says(fold(text[:WORDS_READ]), *OF_FAILURE)


def _regions(notice: str, names: Sequence[str | None]) -> Iterator[tuple[str | None, str]]:
    """Yield each recipient with the lines about it, up to where the next one is named; one alone has all.

    Who is only listed shares what is said of the next.
    """
    if len(names) == 1:
        yield names[0], notice
        return
    lowered = notice.lower()
    places = {name: place for name in names if (place := lowered.rfind((name or "\0").lower())) >= 0}
    regions, behind, end = dict[str | None, str](), "", len(notice)
    found = sorted(places.items(), key=lambda item: -item[1])
    for (name, place), (_, before) in zip(found, [*found[1:], (None, -1)], strict=False):  # nobody of a header may stand in the text
        line = notice.rfind("\n", 0, place) + 1
        follows = before >= line
        own, rest = notice[place if follows else line : end], notice[place + len(name or "") : end]
        if _says_something(rest if follows or "\n" not in rest else own.replace(name or "", "")):
            regions[name] = behind = own
        else:
            regions[name] = own + behind
        end = place if follows else line
    for name in names:
        yield name, regions.get(name, notice)


def _says_something(text: str) -> bool:
    """Tell whether there are words or a code beside the addresses."""
    text = without_addresses(text)
    return _LETTERS.search(text) is not None or CODE.search(text) is not None


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
    return "\n".join([line for line in own.split("\n") if not line.startswith(">")])


def _may_be_notice(message: Message, subject: str) -> bool:
    """Tell whether sender and subject leave room for a failure notice: a person's answer, a list's mail, statistics are none."""
    if says(subject, "succeeded") or is_other_mail(subject):
        return False
    if has_daemon_name(message):
        return True
    if is_marked(message) or subject.startswith(ANSWERS):
        return False
    if _is_for_bounces(message):
        return True
    if any(name in message.headers for name in _OF_LISTS):
        return False
    return has_null_path(message) or _is_machine(message) or (says(subject, *OF_FAILURE) and not has_path(message))


def _is_for_bounces(message: Message) -> bool:
    """Tell whether the mail is addressed to where bounces go, "meadow-bounces@", under which nobody writes to a person or a list."""
    return _BOUNCES.search((mailbox(message.headers.get("to") or "") or "").lower().partition("@")[0]) is not None


def _is_notice(message: Message, subject: str, text: str, notice: str, *, comes_with: bool) -> bool:
    """Tell a failure notice; `comes_with` tells that a mail came back with it, or a header that names who failed."""
    tells = (
        says(subject, *OF_FAILURE),
        says(text, *OF_FAILURE),
        _refuses(text),
        comes_with or says(text[-2000:], "returned"),
    )
    code = transcript.find_code(text)
    if code is not None and not tells[2] and not (tells[1] and (CODE.search(text) or says(text, "given_up", "trying"))):
        return False  # "250 ok", and no word of failure: it arrived
    unanswerable = has_null_path(message)
    if has_daemon_name(message):
        if (tells[0] or tells[3]) and sum(tells) >= _ENOUGH:
            return True
        return unanswerable and (_is_of_yours(subject, text, notice, tells) or (tells[2] and has_unmanned_name(message)))
    if unanswerable or _is_for_bounces(message):
        told = sum(tells) > _ENOUGH or (tells[1] and (tells[0] or comes_with)) or (tells[0] and tells[2] and (_is_yours(subject, text) or has_labelled(notice)))
    else:
        told = sum(tells) > _ENOUGH if _is_machine(message) else all(tells)
    if unanswerable or not told:
        return told
    message.add_defect(FROM_ANYBODY, "")
    return True


def _is_of_yours(subject: str, text: str, notice: str, tells: Sequence[bool]) -> bool:
    """Tell whether one tell is enough: the notice speaks of what its reader sent, or names a recipient as such."""
    return (any(tells[:3]) and (_is_yours(subject, text) or has_labelled(notice))) or (tells[0] and names_plainly(notice))


def _is_yours(subject: str, text: str) -> bool:
    """Tell whether a notice speaks of what its reader sent."""
    return says(f"{subject} {text}", "yours")


def _is_claimed(message: Message, subject: str, text: str) -> bool:
    """Tell whether the notice is plainly about a mail of its reader's, so that an address in a sentence may be whom it was for."""
    return _is_yours(subject, text) or _is_machine(message) or (has_daemon_name(message) and says(subject, *OF_FAILURE))


def _is_bare(message: Message, subject: str, text: str) -> bool:
    """Tell a mail system's notice that names nobody, by its subject and its text; with a link, but to its maker's help, it may be bait."""
    told = says(subject, *OF_FAILURE) and not says(subject, "own_mailbox") and says(text, *OF_FAILURE)
    return told and has_daemon_name(message) and all(link.startswith(table().help_pages) for link in text.split("://")[1:])


def _refuses(text: str) -> bool:
    """Tell whether a folded text quotes a reply that refuses."""
    return (transcript.find_code(text) or 0) >= _REFUSED


def _is_machine(message: Message) -> bool:
    """Tell whether the sender's local part is no person's: "Symantec_AntiVirus_for_SMTP_Gateways"."""
    return says((mailbox(message.headers.get("from") or "") or "").lower().partition("@")[0], "machines")


def _event(message: Message, kind: Kind, recipient: str | None, about: str) -> Event:
    limit = message.limits.diagnostic
    said = _reply(about, limit)
    if said is None:
        words = _labelled(about) or _words(about, recipient)
        if not words:
            message.add_defect(FROM_NOTICE, recipient or "")
        said = transcript.read(quotation.unfold(words or _from_failure(about)[:_EXCERPT], limit))
    folded = fold(about)
    accepts = said.reply_code is not None and said.reply_code < _REFUSED and not _status_fails(said.enhanced_status)
    return Event(
        kind=kind,
        recipient=recipient,
        reply_code=None if accepts else said.reply_code,
        enhanced_status=None if accepts else said.enhanced_status,
        diagnostic=_diagnostic(said) or None,
        command=said.command or find_command(folded),
        remote_mta=said.remote_host or transcript.find_host(folded),
        occurred_at=parse_date(message.headers.get("date"), message),
    )


def _from_failure(notice: str) -> str:
    """Return a notice from the paragraph that first tells of a failure: a gateway's banner may stand above it."""
    paragraphs = notice.split("\n\n")
    first = next((place for place, paragraph in enumerate(paragraphs) if says(fold(paragraph), *OF_FAILURE)), 0)
    return "\n\n".join(paragraphs[first:])


def _status_fails(status: str | None) -> bool:
    return (status_class(status) or 0) >= _REFUSED // 100


def _diagnostic(said: transcript.Transcript) -> str:
    """Return the reply; all of the text where it has none, or where the words stand before the code: "unknown [code 550]"."""
    reply = said.text[said.start : said.end]
    return reply if said.reply_code is not None and len(_WORD.findall(reply)) > 1 else said.text


@cache
def _reason_line() -> re.Pattern[str]:
    labels = "|".join(map(re.escape, table().reason_labels))
    head = rf"(?:^|[.;!?][ \t]+)[ \t*|]*(?:[^\W\d_]{{2,20}} ?/ ?)?(?:{labels})[ \t]*[:\uff1a]\s{{0,8}}"  # "Grund / Reason:", of a notice in two languages
    return re.compile(rf"{head}(?:[-=_*]{{3,100}}\s{{1,8}})?(\S[^\n]*(?:\n[ \t]+\S[^\n]*)*)", re.IGNORECASE | re.MULTILINE)


@cache
def _repeated() -> re.Pattern[str]:
    """Return what finds the lines in which a notice repeats the mail's header."""
    labels = "|".join(map(re.escape, table().header_labels))
    return re.compile(rf"^[ \t]*(?:{labels})[ \t]*[:\uff1a][^\n]*$", re.IGNORECASE | re.MULTILINE)


def _labelled(about: str) -> str:
    """Return what a notice labels as its reason: "Reason: no such mailbox"."""
    lowered = transcript.lower(about)
    for colon in _COLON.finditer(lowered):
        end = colon.start()
        while end and lowered[end - 1] in " \t":
            end -= 1
        if lowered.endswith(table().reason_labels, 0, end):  # the pattern is slow where there is none
            match = _reason_line().search(about, lowered.rfind("\n", 0, end) + 1)
            return match[1] if match else ""
    return ""


def _words(about: str, recipient: str | None) -> str:
    """Return what the notice says beside a recipient: the paragraph that names it, and what follows where that says little; else ""."""
    name = (recipient or "\0").lower()
    lowered, behind = about.lower(), ""
    place = lowered.find(name)
    while place >= 0:
        start, end = lowered.rfind("\n\n", 0, place) + 1, lowered.find("\n\n", place)
        end = end if end >= 0 else len(about)
        said = without_addresses(lowered[start:end].replace(name, ""))
        said = _repeated().sub("", said) if _COLON.search(said) else said
        words = [word for word in _WORD.findall(said) if word not in table().recipient_labels]
        if len(words) > _LABEL_WORDS:
            more = about.find("\n\n", end + 2) if about[start:end].rstrip().endswith(_COLONS) else end
            first = behind.strip().partition("\n\n")[0]
            return "\n".join(filter(None, (first, about[start : more if more >= 0 else len(about)])))
        behind = behind or until_returned(about[start if words else end : end + _EXCERPT])
        place = lowered.find(name, end)
    return behind


def _reply(about: str, limit: int) -> transcript.Transcript | None:
    """Return the refusal that the text quotes: the first with an enhanced status and words, else with a status, else the first."""
    best, most = None, -1
    lines = about.split("\n")
    for place, line in enumerate(lines):
        if CODE.search(line) is None:
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
