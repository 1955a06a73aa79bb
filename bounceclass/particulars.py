"""What a reply states beside its reason: an address of ours, a link, a domain, a wait, a limit.

A rule's pattern knows best and comes first; what it did not look for is read here, by rows of
(detail, the reasons that it goes with, words of which one stands in all that the pattern matches,
pattern), from the refusing host's own words alone. An IP address in them is ours only where the
sender is blamed, and then the first one is.

    550 5.7.25 [192.0.2.7] has no PTR record; see https://postmaster.example.org/ptr
                `- ip                             `- url
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.model import Reason, Scope
from bounceclass.transcript import find_ip, lower

if TYPE_CHECKING:
    from bounceclass.model import Details
    from bounceclass.transcript import Transcript

__all__ = ["ROWS", "complete"]

_READ_AT_MOST: Final = 2048

_DOMAIN: Final = r"(?P<found>(?:[\w-]{1,63}\.){1,8}[a-z][a-z0-9-]{1,62})(?![\w@-])"
_WAIT: Final = r"(?P<found>\d{1,5} ?(?:seconds?|secs?|minutes?|mins?|hours?))\b"
_SIZE: Final = r"(?P<found>\d{1,12}(?:[.,]\d{1,3})? ?(?:[kmg]i?b|bytes|octets)?)\b"

_URL: Final = re.compile(r"https?://[^\s<>\"'\\]{3,300}", re.IGNORECASE)
_AFTER_URL: Final = ".,;:!?)]}"
_OF_OUR_DOMAIN: Final = frozenset({Reason.AUTHENTICATION_FAILED, Reason.SENDER_REJECTED})
_OF_THEIR_DOMAIN: Final = frozenset({Reason.DOMAIN_UNKNOWN, Reason.DOMAIN_NO_MAIL, Reason.RELAY_DENIED})
_WAITING: Final = frozenset({Reason.GREYLISTED, Reason.RATE_LIMITED, Reason.SYSTEM_ERROR})
_LIMITED: Final = frozenset({Reason.TOO_LARGE, Reason.MAILBOX_FULL, Reason.TOO_MANY_RECIPIENTS, Reason.RATE_LIMITED})

_OF: Final = r"(?:\bdomain (?:of )?|\be-?mail (?:from|for) |\bsend (?:\w{1,9} )?(?:from|for) |\bpolicy (?:of|for) )[<(\[]?"
ROWS: Final[tuple[tuple[str, frozenset[Reason], tuple[str, ...], str], ...]] = (
    ("domain", _OF_OUR_DOMAIN, ("domain ", "mail ", "send ", "policy "), _OF + _DOMAIN),
    ("domain", _OF_OUR_DOMAIN, ("'s ",), rf"(?<![\w@.-]){_DOMAIN}'s (?:dmarc|spf|dkim)"),
    ("domain", _OF_THEIR_DOMAIN, ("domain ", "host ", "lookup of ", "name "), rf"\b(?:domain|host|lookup of|domain name) [<(\['\"]?{_DOMAIN}"),
    ("retry_after", _WAITING, ("try", "again", "wait", "come back", "resend"), rf"\b(?:try|retry|again|wait|come back|resend)\b[^.;]{{0,40}}?\b{_WAIT}"),
    ("limit", _LIMITED, ("limit", "quota", "max"), rf"\b(?:limit|quota|max(?:imum)?)\b(?: size)?(?: is| of|:| =)?[ (]{{1,2}}{_SIZE}"),
)


@cache  # of the rows: compiled when their words first stand in a reply
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@cache  # of a few reasons
def _rows(reason: Reason) -> tuple[tuple[str, tuple[str, ...], str], ...]:
    return tuple((key, words, pattern) for key, reasons, words, pattern in ROWS if reason in reasons)


def complete(details: Details, reason: Reason, scope: Scope, said: Transcript) -> Details:
    """Return `details` with what is null in them filled from the reply that `said` holds, as written there."""
    text = said.text[said.start : min(said.end, said.start + _READ_AT_MOST)]
    found = {key: value for key, value in _read(text, reason).items() if getattr(details, key) is None}
    if scope is Scope.SENDER and said.reply_code is not None and details.ip is None and (place := find_ip(lower(text))):
        found["ip"] = text[slice(*place)]
    return msgspec.structs.replace(details, **found) if found else details


def _read(text: str, reason: Reason) -> dict[str, str]:
    found: dict[str, str] = {}
    if "://" in text and (url := _URL.search(text)):
        found["url"] = url[0].rstrip(_AFTER_URL)
    rows = _rows(reason)
    lowered = text.lower() if rows else ""
    for key, words, pattern in rows:
        if key not in found and [word for word in words if word in lowered] and (match := _compiled(pattern).search(text)):
            found[key] = match["found"]
    return found
