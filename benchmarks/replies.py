"""Reply lines of a fixed seed, worded after what MTAs and providers write: each one new, or repeating as a log does."""

from __future__ import annotations

import random
from typing import Final

__all__ = ["all_new", "repeated"]

_NEW: Final = 5_000
_REPEATED: Final = 50_000
_SHAPES: Final = 150
"""So many different lines make up nearly all of a day's log."""
_WORDS: Final = (
    "550 5.1.1 <{user}@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
    "550-5.1.1 The email account {user}@example.net does not exist. Please check for typos. {id} - gsmtp",
    "550 5.1.1 {user}@example.com unknown or illegal alias",
    "552 5.2.2 <{user}@example.org>: Mailbox is full, {number} of {number} bytes used",
    "452 4.2.2 The recipient {user}@example.net is over quota. {id}",
    "421 4.7.0 [{ip}] Our system has detected an unusual rate of mail from you, try again later. {id}",
    "450 4.2.0 <{user}@example.org>: Greylisted, see again in {number} seconds (id={id})",
    "550 5.7.1 Service unavailable; Client host [{ip}] blocked using list.example.net; see https://list.example.net/q?ip={ip} ({id})",
    "554 5.7.1 Message {id} rejected as spam (score {number})",
    "550 5.7.26 mail from lists.example.com [{ip}] did not pass SPF or DKIM. {id}",
    "552 5.3.4 Message size {number} exceeds fixed limit ({id})",
    "521 5.1.10 host mx{number}.example.org does not accept mail ({id})",
    "550 5.4.1 <{user}@example.org>: Relay access denied [{id}]",
    "451 4.3.0 Temporary lookup failure for {user} ({id})",
    "554 {id} transaction failed for {user}@example.com",
    "550 {user} has moved, {id}",
    "host mx{number}.example.net[{ip}] said: 550 5.2.1 account of {user} is disabled (in reply to RCPT TO command)",
    "connect to mx{number}.example.org[{ip}]:25: Connection timed out, {id}",
    "{user} {id} {number} what no rule knows at {ip}",
)
_NAMES: Final = ("anna", "bert", "clara", "dmitri", "eun", "felix", "goran", "hana", "ines", "jun")


def all_new() -> list[str]:
    """Return lines no two of which are equal."""
    chance = random.Random(521)  # noqa: S311  nothing secret
    return [_made(chance, number) for number in range(_NEW)]


def repeated() -> list[str]:
    """Return lines of few shapes, the common ones far more often than the rare: the Nth in proportion to 1/N."""
    chance = random.Random(250)  # noqa: S311  as above
    shapes = [_made(chance, number) for number in range(_SHAPES)]
    return chance.choices(shapes, [1 / (rank + 1) for rank in range(_SHAPES)], k=_REPEATED)


def _made(chance: random.Random, number: int) -> str:
    return chance.choice(_WORDS).format(
        user=f"{chance.choice(_NAMES)}{number}",
        id=f"{number:x}-{chance.getrandbits(64):016x}",
        number=chance.randrange(1, 100_000),
        ip=f"192.0.2.{chance.randrange(1, 255)}",
    )
