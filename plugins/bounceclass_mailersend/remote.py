"""MailerSend's suppression lists of one domain: hard bounces, spam complaints, unsubscribes.

    POST   /v1/suppressions/hard-bounces {"domain_id": "...", "recipients": [...]}
    GET    /v1/suppressions/hard-bounces?domain_id=...&limit=100&page=1
    DELETE /v1/suppressions/hard-bounces {"domain_id": "...", "ids": [...]}

It takes away by its own ids only, so a release looks for the address first, page by page. Its block list of the account is not
kept, and isn't read; nor is the list of those on hold, who are mailed again by themselves. Pages are counted, so an entry that goes
while they are read may hide another one from that reading.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from bounceclass.addresses import comparable
from bounceclass.errors import Refused, Retry, SettingsError
from bounceclass.http import LATER
from bounceclass.model import Reason
from bounceclass.payload import Record
from bounceclass.remotelist import Listed, Page, moment, named, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api

__all__ = ["LIMITS", "Listing"]

_PAGES: Final = 20
_SECONDS: Final = 15.0
"""How long an address is looked for: a hook that takes long is given up."""
_PAGE: Final = 100
LIMITS: Final = (f"MailerSend can't be asked for one address: a release looks through its newest {_PAGES * _PAGE:,} entries, and is refused beyond",)
_LISTS: Final = {Reason.COMPLAINT: "spam-complaints", Reason.UNSUBSCRIBE: "unsubscribes"}
_REASONS: Final = {"hard-bounces": Reason.SUPPRESSED, **{name: reason for reason, name in _LISTS.items()}}


class Listing:
    """The lists of one domain."""

    batch = 100
    lists = tuple(_REASONS)

    def __init__(self, api: Api, domain: str) -> None:
        """Keep how it is asked; raises SettingsError without a domain."""
        if not domain:
            msg = "domain_id: is MailerSend's id of the domain whose lists are kept"
            raise SettingsError(msg)
        self._api = api
        self._domain = domain

    def add(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        self._api.call("POST", _path(reason), {"domain_id": self._domain, "recipients": list(addresses)}, key=key)

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        ids = [found for address in addresses if (found := self._id(address, reason)) is not None]
        if ids:
            self._api.call("DELETE", _path(reason), {"domain_id": self._domain, "ids": ids}, key=key)

    def page(self, name: str, after: str | None) -> Page:
        """See Readable."""
        number = int(after or 1)
        query = {"domain_id": self._domain, "limit": str(_PAGE), "page": str(number)}
        found = rows(self._api.page(_path(_REASONS[name]), query), "data")
        return Page(tuple(_listed(row, name) for row in found), str(number + 1) if found else None)

    def _id(self, address: str, reason: Reason) -> str | None:
        """Return MailerSend's id of an entry, None where there is none."""
        end = monotonic() + _SECONDS
        for page in range(1, _PAGES + 1):
            if monotonic() > end:
                raise Retry(LATER, "MailerSend is slow")
            query = {"domain_id": self._domain, "limit": str(_PAGE), "page": str(page)}
            entries = Record(self._api.call("GET", _path(reason), query=query)).records("data")
            for entry in entries:
                if comparable(entry.text("recipient", "email") or "") == comparable(address):
                    return entry.text("id")
            if len(entries) < _PAGE:
                return None
        msg = f"MailerSend's newest {_PAGES * _PAGE:,} entries don't hold the address: take it away there"
        raise Refused(msg)


def _path(reason: Reason) -> str:
    return f"/v1/suppressions/{_LISTS.get(reason, 'hard-bounces')}"


def _listed(row: Record, name: str) -> Listed:
    return Listed(named(row, "recipient", "email"), _REASONS[name], moment(row, "created_at"), name)
