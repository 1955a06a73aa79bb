"""Resend's suppression list of a team.

    POST /suppressions/batch/add {"emails": [...]}
    GET  /suppressions/ADDRESS
    POST /suppressions/batch/remove {"emails": [...]}

The batches take 100 addresses. An entry of ours is a manual one there.
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

LIMITS: Final = ("Resend keeps no reason of ours: an entry is a manual one there",)
_GONE: Final = frozenset({404})
_WITHDRAWN: Final = frozenset({"complaint"})


class Listing:
    """The list of one team."""

    batch = 100

    def __init__(self, api: Api) -> None:
        """Keep how it is asked."""
        self._api = api

    def add(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        del reason
        self._api.call("POST", "/suppressions/batch/add", {"emails": list(addresses)}, key=key)

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        if gone := [address for address in addresses if not self._stays(address, reason)]:
            self._api.call("POST", "/suppressions/batch/remove", {"emails": gone}, key=key, takes=_GONE)

    def _stays(self, address: str, reason: Reason) -> bool:
        entry = Record(self._api.call("GET", f"/suppressions/{segment(address)}", takes=_GONE))
        return stays("resend", entry.text("origin") or entry.text("reason"), _WITHDRAWN, reason)
