"""How people are named in the database: the comparable form of an address, or its HMAC where that is wanted.

With a key nothing that names a person is kept in clear but what the outbox still has to deliver: no
recipient as written, no diagnostic, nothing of the returned mail. The same key always gives the same names.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.addresses import comparable
from bounceclass.errors import SettingsError
from bounceclass.model import encode

if TYPE_CHECKING:
    from bounceclass.model import Event, Report, Verdict

__all__ = ["HASHED", "Naming", "domain_of"]

HASHED: Final = "hmac:"
SHORTEST_SECRET: Final = 16
_DIGITS: Final = 32


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """Whether addresses are hashed, with which secret, and whether domains stay readable then."""

    secret: bytes | None = None
    keep_domains: bool = False

    def __post_init__(self) -> None:
        """Refuse a secret that can be guessed."""
        if self.secret is not None and len(self.secret) < SHORTEST_SECRET:
            msg = f"hash_key is shorter than {SHORTEST_SECRET} octets"
            raise SettingsError(msg)

    def __repr__(self) -> str:
        """Keep the secret out of logs."""
        return f"Naming(hashed={self.secret is not None}, keep_domains={self.keep_domains})"

    def address(self, address: str) -> str:
        """Return what stands for an address; what has been named already stays."""
        return self.hashed(comparable(address))

    def maybe(self, address: str | None) -> str | None:
        """Return what stands for an address, None for nobody."""
        return self.address(address) if address else None

    def hashed(self, text: str) -> str:
        """Return the HMAC of a text that may name a person, such as a Message-ID with a tag; the text itself without a key."""
        if self.secret is None or text.startswith(HASHED):
            return text
        return HASHED + hmac.new(self.secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:_DIGITS]

    def domain(self, address: str | None) -> str | None:
        """Return the domain of an address in comparable form, None where it has none or it is not to be kept."""
        return domain_of(address) if address and (self.secret is None or self.keep_domains) else None

    def written(self, text: str | None) -> str | None:
        """Return an address as written, where it may be kept."""
        return text if text and self.secret is None else None

    def report(self, report: Report, event: Event) -> str:
        """Return the JSON of a report with one event of it: the others stand in their own rows."""
        whole = msgspec.structs.replace(report, events=(event,))
        return encode(whole if self.secret is None else _nameless(whole, event)).decode()

    def mark(self) -> str:
        """Return what tells one way of naming from another, for the database to remember."""
        kept = ", domains kept" if self.keep_domains else ""
        return "clear" if self.secret is None else f"{self.hashed('bounceclass store 1')}{kept}"


def domain_of(address: str) -> str | None:
    """Return the domain of an address in comparable form, None where it has none."""
    return comparable(address).rpartition("@")[2] if "@" in address else None


def _nameless(report: Report, event: Event) -> Report:
    silent = msgspec.structs.replace(event, id=None, recipient=None, original_recipient=None, diagnostic=None, label=None, verdict=_silent(event.verdict))
    return msgspec.structs.replace(report, source=None, events=(silent,), original=None)


def _silent(verdict: Verdict) -> Verdict:
    details = msgspec.structs.replace(verdict.details, new_address=None, url=None)
    said = tuple(msgspec.structs.replace(one, text="", start=0, end=0) for one in verdict.evidence)
    return msgspec.structs.replace(verdict, details=details, evidence=said)
