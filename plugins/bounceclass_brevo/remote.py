"""Brevo's lists: a contact that is blocklisted, for there is no other way to enter an address.

    POST   /v3/contacts {"email": "...", "emailBlacklisted": true, "updateEnabled": true}
    GET    /v3/contacts/ADDRESS
    PUT    /v3/contacts/ADDRESS {"emailBlacklisted": false}
    DELETE /v3/smtp/blockedContacts/ADDRESS                              Brevo's own entry of the address
    GET    /v3/smtp/blockedContacts?limit=100&offset=0                   its own entries, also those for one sender
    GET    /v3/contacts?limit=1000&offset=0                              all contacts; those that are blocklisted count

A release takes away both; the contact stays. A page of contacts doesn't say who blocklisted one, which one contact does: what a
recipient has withdrawn is read as `suppressed` here, and stays all the same. Pages are counted, so an entry that goes
while they are read may hide another one from that reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.esp import stays
from bounceclass.http import segment
from bounceclass.model import Reason
from bounceclass.payload import Record
from bounceclass.remotelist import Listed, Page, moment, named, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api

__all__ = ["LIMITS", "Listing"]

LIMITS: Final = (
    "Brevo has no list of addresses for transactional mail that one could add to: an entry becomes a contact that is blocklisted",
    "Brevo takes one address at a time",
)
_GONE: Final = frozenset({404})
_WITHDRAWN: Final = frozenset({"unsubscribe"})
_REASONS: Final = {
    "unsubscribedViaMA": Reason.UNSUBSCRIBE,
    "unsubscribedViaEmail": Reason.UNSUBSCRIBE,
    "unsubscribedViaApi": Reason.UNSUBSCRIBE,
    "contactFlaggedAsSpam": Reason.COMPLAINT,
}
_BLOCKED: Final = "blockedContacts"
_CONTACTS: Final = "contacts"
_PAGES: Final = {_BLOCKED: ("/v3/smtp/blockedContacts", 100), _CONTACTS: ("/v3/contacts", 1000)}


class Listing:
    """The contacts of one account."""

    batch = 1
    lists = tuple(_PAGES)

    def __init__(self, api: Api) -> None:
        """Keep how it is asked."""
        self._api = api

    def add(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        del reason
        for address in addresses:
            self._api.call("POST", "/v3/contacts", {"email": address, "emailBlacklisted": True, "updateEnabled": True}, key=key)

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        for address in addresses:
            contact = Record(self._api.call("GET", f"/v3/contacts/{segment(address)}", takes=_GONE))
            left = contact.records("statistics", "unsubscriptions", "userUnsubscription")
            if stays("brevo", "unsubscribe" if left else None, _WITHDRAWN, reason):
                continue
            self._api.call("PUT", f"/v3/contacts/{segment(address)}", {"emailBlacklisted": False}, key=key, takes=_GONE)
            self._api.call("DELETE", f"/v3/smtp/blockedContacts/{segment(address)}", key=f"{key}:smtp", takes=_GONE)

    def page(self, name: str, after: str | None) -> Page:
        """See Readable."""
        path, size = _PAGES[name]
        start = int(after or 0)
        answer = self._api.page(path, {"limit": str(size), "offset": str(start)})
        if name == _BLOCKED and Record(answer).number("count") == 0:
            return Page((), None)  # then `contacts` may be null
        found = rows(answer, "contacts")
        end = start + len(found)
        more = found and end < (Record(answer).number("count") or end + 1)
        return Page(tuple(_listed(row, name) for row in found if name == _BLOCKED or _is_blocklisted(row)), str(end) if more else None)


def _is_blocklisted(row: Record) -> bool:
    return row.flag("emailBlacklisted") and row.text("email") is not None


def _listed(row: Record, name: str) -> Listed:
    if name == _CONTACTS:
        return Listed(named(row, "email"), Reason.SUPPRESSED, moment(row, "modifiedAt"), "emailBlacklisted")
    word = row.text("reason", "code") or ""
    return Listed(named(row, "email"), _REASONS.get(word, Reason.SUPPRESSED), moment(row, "blockedAt"), word)
