"""Brevo's lists: a contact that is blocklisted, for there is no other way to enter an address.

    POST   /v3/contacts {"email": "...", "emailBlacklisted": true, "updateEnabled": true}
    GET    /v3/contacts/ADDRESS
    PUT    /v3/contacts/ADDRESS {"emailBlacklisted": false}
    DELETE /v3/smtp/blockedContacts/ADDRESS                              Brevo's own entry of the address

A release takes away both; the contact stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.esp import stays
from bounceclass.http import segment
from bounceclass.payload import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api
    from bounceclass.model import Reason

__all__ = ["LIMITS", "Listing"]

LIMITS: Final = (
    "Brevo has no list of addresses for transactional mail that one could add to: an entry becomes a contact that is blocklisted",
    "Brevo takes one address at a time",
)
_GONE: Final = frozenset({404})
_WITHDRAWN: Final = frozenset({"unsubscribe"})


class Listing:
    """The contacts of one account."""

    batch = 1

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
