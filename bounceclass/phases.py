"""In which phase of the session a refusal was said, by the words that MTAs put around it: one of model.COMMANDS.

    550 5.1.1 No such user (in reply to RCPT TO command)        Postfix
    SMTP error from remote mail server after RCPT TO:<...>:     Exim
    192.0.2.1 does not like recipient.                          qmail

The first of the phrases that stands in a text decides, in the order of how far they are trusted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bounceclass.literals import literals

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["find_command", "find_command_in_lines"]

_PHASES: Final = {  # literal that opens the phrase, what may follow it, in order of trust; and its rarest word, which no line's end breaks
    "in reply to ": "reply",
    "in response to ": "response",
    "while talking to ": "talking",
    "refused to talk to me": "talk",
    "after ": "after",
    "while ": "while",
    "did not like our ": "like",
    "sending ": "sending",
    ">>> ": ">>>",
    "rcpt to:<": "to:<",
    "mail from:<": "from:<",
    "initial connection": "initial",
    "greeting failed": "greeting",
    "connect to ": "connect",
    "does not like recipient": "like",
    "but sender was rejected": "rejected",
    "remote server for ": "remote",
}
_SPOKEN: Final = literals(tuple(_PHASES))
_POSTFIX: Final = "in reply to "
"""Its own words come behind the reply, which may quote another Postfix."""
_WHOLE_PHASES: Final = {
    "refused to talk to me": "connect",
    "initial connection": "connect",
    "greeting failed": "connect",
    "rcpt to:<": "rcpt",
    "mail from:<": "mail",
    "does not like recipient": "rcpt",  # qmail
    "but sender was rejected": "mail",
}
_PHASE: Final = re.compile(
    r"(?:the |our |a |sending |performing |receiving |pipelined |smtp )*"
    r"(?:(?P<connect>initial (?:server )?greeting|initial connection|greeting|connection|connect\b)|(?P<ehlo>ehlo|helo|lhlo)|"
    r"(?P<starttls>starttls)|(?P<auth>auth\b)|(?P<mail>mail(?= ?from\b| command|[:')\]]|\W*\Z))|(?P<rcpt>rcpt\b)|"
    r"(?P<body>end of data|end of message|text command|i sent the message|message (?:body|contents?|data)|\.|"
    r"data (?:block|content)|final (?:dot|data))|(?P<data>data\b))",
)
_GREETED: Final = re.compile(r"\S+\s+<<< (?:421|521|554)")  # Sendmail: the host speaks before we did
_NETWORK: Final = re.compile(
    r"[^\s,\[]{1,255}\[[^\]\s]{1,60}\](?::\d{1,5})?: |"  # Postfix: whatever the error
    r"[^\s,]+: (?:connection (?:refused|timed out)|no route|network is unreachable|operation timed out)",
)


def find_command_in_lines(lowered: str) -> str | None:
    """Return the phase that a lower-case text of several lines names; it is folded only where a word of a phrase stands in it."""
    leads = [lead for lead, word in _PHASES.items() if word in lowered]
    return _command(" ".join(lowered.split()), leads) if leads else None


def find_command(lowered: str) -> str | None:
    """Return the phase, one of model.COMMANDS, that a lower-case text names for a refusal."""
    return _command(lowered, _PHASES) if _SPOKEN.any_within(lowered) else None


def _command(lowered: str, leads: Iterable[str]) -> str | None:
    for lead in leads:
        place = lowered.rfind(lead) if lead == _POSTFIX else lowered.find(lead)
        if place < 0:
            continue
        if lead in _WHOLE_PHASES:
            return _WHOLE_PHASES[lead]
        after = place + len(lead)
        if lead == "while talking to " and _GREETED.match(lowered, after, after + 300):
            return "connect"
        if lead == "connect to ":
            return "connect" if _NETWORK.match(lowered, after) else None
        match = _PHASE.match(lowered, after, after + 80)
        if match and match.lastgroup:
            return match.lastgroup
    return None
