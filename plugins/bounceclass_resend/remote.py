"""Resend's suppression list of a team.

    POST /suppressions/batch/add {"emails": [...]}
    GET  /suppressions/ADDRESS
    POST /suppressions/batch/remove {"emails": [...]}
    GET  /suppressions?limit=100&after=ID

The batches take 100 addresses. An entry of ours is a manual one there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.errors import Refused
from bounceclass.esp import stays
from bounceclass.http import segment
from bounceclass.model import Reason
from bounceclass.payload import Record
from bounceclass.remotelist import Listed, Page, moment, named, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api

__all__ = ["LIMITS", "Listing"]

LIMITS: Final = ("Resend keeps no reason of ours: an entry is a manual one there",)
_GONE: Final = frozenset({404})
_COMPLAINT: Final = "complaint"
_WITHDRAWN: Final = frozenset({_COMPLAINT})
_PAGE: Final = {"limit": "100"}


class Listing:
    """The list of one team."""

    batch = 100
    lists = ("suppressions",)

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

    def page(self, name: str, after: str | None) -> Page:
        """See Readable."""
        del name  # there is one
        answer = self._api.page("/suppressions", _PAGE if after is None else {**_PAGE, "after": after})
        found = rows(answer, "data")
        last = found[-1].text("id") if found else None
        more = Record(answer).flag("has_more")
        if more and last is None:
            msg = "Resend says that there is more, and not after what"
            raise Refused(msg)
        return Page(tuple(map(_listed, found)), last if more else None)

    def _stays(self, address: str, reason: Reason) -> bool:
        entry = Record(self._api.call("GET", f"/suppressions/{segment(address)}", takes=_GONE))
        return stays("resend", entry.text("origin") or entry.text("reason"), _WITHDRAWN, reason)


def _listed(row: Record) -> Listed:
    word = row.text("origin") or row.text("reason") or ""
    return Listed(named(row, "email"), Reason.COMPLAINT if word == _COMPLAINT else Reason.SUPPRESSED, moment(row, "created_at"), word)
