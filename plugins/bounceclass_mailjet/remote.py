"""Mailjet's exclusion list: contacts that campaigns leave out. Transactional mail has no list.

    PUT  /v3/REST/contact/ADDRESS {"IsExcludedFromCampaigns": true}
    POST /v3/REST/contact {"Email": "...", "IsExcludedFromCampaigns": true}      where there is no such contact

Both say the same when they are repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.http import segment
from bounceclass.payload import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api
    from bounceclass.model import Reason

__all__ = ["LIMITS", "Listing"]

LIMITS: Final = (
    "Mailjet can't be told to stop transactional mail to an address: an entry keeps it from campaigns only",
    "Mailjet takes one address at a time",
    "Mailjet can't tell our entry from the recipient's own: a release of either includes the contact again",
    "Mailjet's exclusions say nothing of transactional mail, so they aren't compared with our list",
)
_CONTACT: Final = "/v3/REST/contact"
_EXCLUDED: Final = "IsExcludedFromCampaigns"
_GONE: Final = frozenset({404})
_UNCHANGED: Final = frozenset({304})


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
            if not self._put(address, key, excluded=True):
                self._api.call("POST", _CONTACT, {"Email": address, _EXCLUDED: True}, key=f"{key}:new")

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        del reason
        for address in addresses:
            self._put(address, key, excluded=False)

    def _put(self, address: str, key: str, *, excluded: bool) -> bool:
        """Change a contact; tell whether there is one."""
        answer = self._api.call("PUT", f"{_CONTACT}/{segment(address)}", {_EXCLUDED: excluded}, key=key, takes=_GONE | _UNCHANGED)
        return Record(answer).number("StatusCode") not in _GONE
