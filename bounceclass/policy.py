"""What follows from a verdict.

    at_their_word      an event that calls for it becomes a suppression: no history, no trust

That is for mail that its owner believes, such as a folder read by hand.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from bounceclass.model import Advice, Scope, Suppression

if TYPE_CHECKING:
    from bounceclass.model import Event

__all__ = ["at_their_word"]

DOMAIN_TERM: Final = timedelta(days=7)
"""One event about a domain suppresses the address alone, and not for ever: that the domain takes no mail is to be confirmed."""


def at_their_word(event: Event, key: str, now: datetime, by: str) -> Suppression | None:
    """Return the suppression that an event's advice calls for, None where it calls for none or names no address.

    `now` is when it begins; `by` names who decided, in the entry. Never a domain: one report is too little.
    """
    verdict = event.verdict
    if verdict.advice is not Advice.SUPPRESS or event.recipient is None or "@" not in event.recipient:
        return None
    until = now + DOMAIN_TERM if verdict.scope is Scope.DOMAIN else None
    return Suppression(address=event.recipient, reason=verdict.reason, since=now, until=until, cause=(key,), by=by)
