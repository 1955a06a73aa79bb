r"""Whom a notice in prose names: its addresses, and for each whether it stands where a recipient is named.

    <jo@example.org>:            a line opens with it: plainly named
    Recipient: jo@example.org    a label says so (`recipient_labels`): named beyond doubt
    To your mail for jo@example.org ...    only mentioned
    write to kim@example.org     somebody else (`not_recipient`)
    Delivered: lee@example.org   whom it has reached (`reached_labels`), so nobody of that line

The words stand in `data/failures.toml`.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.noticewords import OF_FAILURE, fold, says, table, until_returned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bounceclass.message import Message
    from bounceclass.mime.headers import Headers

__all__ = ["CODE", "FROM_ORIGINAL", "FROM_TEXT", "Named", "has_labelled", "named", "names_plainly", "without_addresses"]

FROM_ORIGINAL: Final = "recipient-from-original"
"""The defect of a notice that names nobody: who is meant is taken from the mail that came back."""
FROM_TEXT: Final = "recipient-from-text"
"""The defect of a notice that names an address only within a sentence."""
_NEAR: Final = 64
"""Characters beside an address that tell what it is."""
_FOR: Final = frozenset({"to", "cc", "received", "delivered-to", "x-original-to", "envelope-to"})
_ADDRESS: Final = re.compile(r"(?<![\w.+=/@-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_][\w-]{0,23}(?![\w@-])")
_OPENS: Final = re.compile(r"(?:[ \t*|\W]{0,8}(?:[^\n@<>:]{0,40}:)?[ \t]*)?(?:<|&lt;|\"|'|\[)?\s?(?:rfc822;|smtp:|mailto:|to:)?[ \t]*(?:<)?$", re.IGNORECASE)
_DISPLAYED: Final = re.compile(r"[ \t]{0,8}(?:\"[^\"\n@]{1,60}\"|(?:[^\W\d_a-z][\w.'-]{0,30},? ){1,3})[ \t]*<$")
"""A name before an address, on a line of their own: "    Jo Hill <jo@example.org>"."""
_CLOSES: Final = re.compile(r"[ \t]*[>\"')\].,:;(|]|[ \t]*$|[ \t]+(?:\(|on |at |\d|-)", re.IGNORECASE)
_BEHIND_LABEL: Final = re.compile(r"[ \t]*([:\uff1a]?)[ \t]*[<\"'(\[]?(?:smtp:|mailto:|rfc822;)?[ \t]*$", re.IGNORECASE)
_NO_LABEL: Final = re.compile(r"[^\w /()-]")
_LONGEST_LABEL: Final = 31
_PARAGRAPHS: Final = re.compile(r"\n[ \t]*\n")
CODE: Final = re.compile(r"[45](?<![\w.][45])[0-5]\d(?![\w.]*\w@|\d)")
"""A number that may be the reply of a host that refuses."""
_PLAINLY: Final = 2
_LISTED: Final = re.compile(r"[>\"']?[ \t]*(?:\([^()\n]{0,60}\)[ \t]*)?[,;][ \t]*[<\"']?$")
"""What stands between the addresses of a list: "a@example.org (unknown), b@example.org"."""


class Named(msgspec.Struct, frozen=True, gc=False):
    """The recipients that a notice names; `plainly` where a line opens with them or the returned mail was for them."""

    names: tuple[str, ...] = ()
    plainly: bool = False


def named(message: Message, notice: str, returned: Headers | None) -> Named:
    """Return whom the notice names: those with whom a line opens, else those that it mentions, else the returned mail's one addressee.

    Of those that it mentions, the ones beside which it tells of a failure or a code, if there are such.
    """
    own = _own_addresses(message, returned)
    mailed = _addressees(returned).lower() if returned else ""
    first = Named()
    for text in dict.fromkeys((until_returned(notice), notice)):
        found = _best(text, own, mailed, message.limits.recipients)
        if found.plainly:
            return found
        first = first if first.names else found
    if first.names:
        message.add_defect(FROM_TEXT, "")
        return first
    return _mailed(message, returned)


def _best(text: str, own: set[str], mailed: str, limit: int) -> Named:
    """Return those that a text names best: whom the returned mail was for, those that are named plainly, else beside a failure, else at all.

    One to ask for help is meant where no other is, and where a line opens with it or it is of another domain than the notice.
    """
    ranks, helping = dict[str, tuple[str, int]](), dict[str, tuple[str, int]]()
    for name, rank in _mentions(text):
        key = name.lower()
        told = helping if _helps(key, mailed) else ranks
        if key not in own and rank > told.get(key, ("", -1))[1]:
            told[key] = (name if key not in told else told[key][0], rank)
    if not ranks:
        near = {one.rpartition("@")[2] for one in own}
        ranks = {key: told for key, told in helping.items() if told[1] == _PLAINLY or (told[1] and key.rpartition("@")[2] not in near)}
    known = {key for key in ranks if key in mailed}
    best = _PLAINLY if known else max((rank for _, rank in ranks.values()), default=-1)
    found = [name for key, (name, rank) in ranks.items() if rank == best or key in known]
    return Named(tuple(found[:limit]), best == _PLAINLY)


def has_labelled(notice: str) -> bool:
    """Tell whether a notice labels an address as its recipient's: "Recipient: jo@example.org"."""
    for line in _with_at(notice):
        match = _ADDRESS.search(line)
        label, colon = _label(line[max(0, match.start() - _NEAR) : match.start()]) if match else ("", False)
        if colon and not table().recipient_labels.isdisjoint(re.split(r"[ /()]+", label)):
            return True
    return False


def names_plainly(notice: str) -> bool:
    """Tell whether a line of the notice opens with an address that may be a recipient's."""
    return any(opens for _, opens in _of_lines(notice))


def without_addresses(text: str) -> str:
    """Return a text without the addresses in it."""
    return _ADDRESS.sub("", text) if "@" in text else text


def _with_at(text: str) -> Iterator[str]:
    """Yield the lines that may hold an address: in others it is looked for long, and in vain."""
    return (line for line in text.split("\n") if "@" in line)


def _addressees(returned: Headers) -> str:
    """Return the fields that name whom a returned mail was for; a server notes it in Received ("for <user@example.org>", RFC 5321 4.4)."""
    return " ".join([value for _, value in returned.items(_FOR)])


def _mentions(notice: str) -> Iterator[tuple[str, int]]:
    """Yield each address of the notice and how it is named: plainly, in a paragraph that tells of a failure, or in another."""
    for paragraph in _PARAGRAPHS.split(notice) if "@" in notice else ():
        told: bool | None = None
        for name, opens in _of_lines(paragraph):
            if told is None and not opens:
                told = says(fold(paragraph), *OF_FAILURE, "yours") or CODE.search(paragraph) is not None
            yield name, _PLAINLY if opens else int(bool(told))


def _of_lines(paragraph: str) -> Iterator[tuple[str, bool]]:
    """Yield each address that may be a recipient's, and whether it stands where a line names one."""
    lines = paragraph.split("\n")
    for above, line in pairwise(("", *lines)):
        if "@" not in line:
            continue
        end, opened = 0, False
        for match in _ADDRESS.finditer(line):
            before, behind = line[max(0, match.start() - _NEAR) : match.start()], line[match.end() : match.end() + _NEAR]
            in_list = bool(end and _LISTED.match(line, end, match.start()))
            end = match.end()
            label, colon = _label(before)
            if colon and label in table().reached_labels:
                break
            if not label and not colon and above[-1:].isalnum():
                label, _ = _label(above[-_NEAR:])  # "(expanded from" and, on the next line, the address
            if match[0].startswith("//") or (not in_list and _names_another(label.split())):  # a link, somebody else
                opened = False
                continue
            opened = (opened and in_list) or (match.start() <= _NEAR and _opens(before, behind))
            name = match[0].lstrip("'`").strip(".")
            key, equals, value = name.partition("=")
            yield (value if equals and key.lower() in table().recipient_labels else name), opened


def _label(before: str) -> tuple[str, bool]:
    """Return the words before an address, in lower case, and whether a colon ends them: "Recipient: <"."""
    behind = _BEHIND_LABEL.search(before)
    words = before[: behind.start()][-_LONGEST_LABEL:] if behind else ""
    return _NO_LABEL.split(words)[-1].replace("_", " ").lstrip("0123456789 /()-").lower(), bool(behind and behind[1])


def _opens(before: str, behind: str) -> bool:
    """Tell whether a line names its recipient, by what stands before and behind an address."""
    if _OPENS.match(before) and _CLOSES.match(behind):
        return True
    return _DISPLAYED.match(before) is not None and behind.strip() in {">", ">:"}


def _names_another(words: Sequence[str]) -> bool:
    """Tell whether the words before an address say that it is not the recipient's: the longest of their ends that is known decides."""
    ends = (" ".join(words[start:]) for start in range(len(words)))
    return next((end in table().not_recipient for end in ends if end in table().not_recipient or end in table().mailbox_of), False)


def _own_addresses(message: Message, returned: Headers | None) -> set[str]:
    """Return who can't be meant: the notice's sender and addressee, and the returned mail's sender."""
    values = [message.headers.get(name) for name in ("from", "to", "return-path", "reply-to", "delivered-to")]
    values += [returned.get(name) for name in ("from", "sender", "return-path", "message-id")] if returned else []
    return set(_ADDRESS.findall("\n".join([value or "" for value in values]).lower()))


def _helps(address: str, mailed: str) -> bool:
    """Tell whether an address is one to ask for help, and not whom the returned mail was for."""
    return address.partition("@")[0] in table().helpers and address not in mailed


def _mailed(message: Message, returned: Headers | None) -> Named:
    """Return the one addressee of the returned mail, where it is one."""
    found = tuple(dict.fromkeys(_ADDRESS.findall((returned.get("to") if returned else None) or "")))
    if len(found) != 1:
        return Named()
    message.add_defect(FROM_ORIGINAL, found[0])
    return Named(found)
