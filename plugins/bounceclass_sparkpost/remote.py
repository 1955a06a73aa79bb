"""SparkPost's suppression list of an account, for transactional and other mail.

    PUT    /api/v1/suppression-list {"recipients": [{"recipient": "...", "type": "transactional", "description": "..."}]}
    GET, DELETE /api/v1/suppression-list/ADDRESS
    GET /api/v1/suppression-list?cursor=initial&per_page=1000        and what its link `next` asks

A search finds the entries of subaccounts and of single lists, too: those are none of the account's, and aren't read.
It is eventually consistent: an entry may take some minutes.
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

LIMITS: Final = ("SparkPost doesn't lift what its compliance team entered: such a release is refused",)
_LIST: Final = "/api/v1/suppression-list"
_TYPES: Final = ("transactional", "non_transactional")
_GONE: Final = frozenset({404})
_REASONS: Final = {"Spam Complaint": Reason.COMPLAINT, "List Unsubscribe": Reason.UNSUBSCRIBE, "Unsubscribe Link": Reason.UNSUBSCRIBE}
_WITHDRAWN: Final = frozenset(_REASONS)
_FIRST: Final = {"cursor": "initial", "per_page": "1000"}


class Listing:
    """The list of one account."""

    batch = 1000
    lists = ("suppression-list",)

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

    def page(self, name: str, after: str | None) -> Page:
        """See Readable."""
        del name  # there is one
        answer = self._api.page(_LIST, _FIRST if after is None else self._api.query_of(after, _LIST))
        found = rows(answer, "results")
        links = (one.text("href") for one in Record(answer).records("links") if one.text("rel") == "next")
        ours = (row for row in found if row.text("subaccount_id") in {None, "0"} and row.text("list_id") is None)
        return Page(tuple(map(_listed, ours)), next(links, None) if found else None)


def _listed(row: Record) -> Listed:
    word = row.text("source") or ""
    return Listed(named(row, "recipient"), _REASONS.get(word, Reason.SUPPRESSED), moment(row, "updated") or moment(row, "created"), word)
