"""What a notice says of one recipient, as an event: for the interpreter of rows and for readers of irregular dialects."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from bounceclass import quotation, transcript
from bounceclass.dsn import parse_date
from bounceclass.mime.charsets import from_octal
from bounceclass.model import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.message import Message

__all__ = ["ADDRESS", "by_recipient", "make_event"]

_MADE_FROM: Final = re.compile(r"\s*\((?:expanded\s+from:?|(?:ultimately )?generated from)\s+<?([^\s<>()]{1,64}@[^\s<>()]{1,255})>?\)")
"""What Sendmail, Postfix and Exim say of an address that an alias or a forward has made of the one that was mailed."""
ADDRESS: Final = r"[^\s@<>()\[\]'\",;:]+@[^\s@<>()\[\]'\",;:]+"
"""An address in a notice, as a pattern: what quotes and brackets around it are is not its own."""


def by_recipient(pattern: re.Pattern[str], notice: str) -> Iterator[tuple[str, str]]:
    """Yield each recipient that the pattern's group `recipient` finds, and what stands between it and the next.

    What names the same one again before a blank line goes on with it: a reply may begin with the address.
    """
    found: list[re.Match[str]] = []
    for match in pattern.finditer(notice):
        if not found or match["recipient"] != found[-1]["recipient"] or notice.find("\n\n", found[-1].end(), match.start()) >= 0:
            found.append(match)
    for match, following in zip_longest(found, found[1:]):
        yield match["recipient"], notice[match.end() : following.start() if following else len(notice)]


def make_event(  # noqa: PLR0913  what a notice may tell
    message: Message, recipient: str, words: str, *, kind: Kind = Kind.BOUNCE, status: str | None = None, host: str | None = None
) -> Event:
    """Return the event of a recipient, from the words that are said of it; `status` and `host` where the words don't tell."""
    made_from = _MADE_FROM.search(words)
    if made_from:
        words = f"{words[: made_from.start()]}{words[made_from.end() :]}"
    said = transcript.read(quotation.unfold(words, message.limits.diagnostic))
    return Event(
        kind=kind,
        recipient=from_octal(recipient.strip()),
        original_recipient=made_from[1] if made_from else None,
        reply_code=said.reply_code,
        enhanced_status=said.enhanced_status or status,
        diagnostic=said.text or None,
        command=said.command,
        remote_mta=host or said.remote_host,
        occurred_at=parse_date(message.headers.get("date"), message),
    )
