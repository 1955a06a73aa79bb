"""SparkPost's suppression list of an account, for transactional and other mail.

    PUT    /api/v1/suppression-list {"recipients": [{"recipient": "...", "type": "transactional", "description": "..."}]}
    GET, DELETE /api/v1/suppression-list/ADDRESS

It is eventually consistent: an entry may take some minutes.
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

LIMITS: Final = ("SparkPost doesn't lift what its compliance team entered: such a release is refused",)
_LIST: Final = "/api/v1/suppression-list"
_TYPES: Final = ("transactional", "non_transactional")
_GONE: Final = frozenset({404})
_WITHDRAWN: Final = frozenset({"Spam Complaint", "List Unsubscribe", "Unsubscribe Link"})


class Listing:
    """The list of one account."""

    batch = 1000

    def __init__(self, api: Api) -> None:
        """Keep how it is asked."""
        self._api = api

    def add(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        recipients = [{"recipient": address, "type": type_, "description": f"bounceclass: {reason}"} for address in addresses for type_ in _TYPES]
        self._api.call("PUT", _LIST, {"recipients": recipients}, key=key)

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        for address in addresses:
            path = f"{_LIST}/{segment(address)}"
            entries = Record(self._api.call("GET", path, takes=_GONE)).records("results")
            if not any(stays("sparkpost", entry.text("source"), _WITHDRAWN, reason) for entry in entries):
                self._api.call("DELETE", path, key=key, takes=_GONE)
