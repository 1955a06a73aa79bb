"""Mandrill's reject list, of an account or a subaccount.

    POST /api/1.0/rejects/add.json {"key": "...", "email": "...", "comment": "...", "subaccount": null}
    POST /api/1.0/rejects/list.json {"key": "...", "email": "..."}
    POST /api/1.0/rejects/delete.json {"key": "...", "email": "..."}

It answers 500 for whatever is wrong; the name in the body tells what. It lists 1,000 entries, and has no next page: a list of as
many can't be read whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.errors import Refused, Retry
from bounceclass.esp import stays
from bounceclass.http import LATER
from bounceclass.model import Reason
from bounceclass.payload import Record
from bounceclass.remotelist import Listed, Page, moment, named, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api

__all__ = ["LIMITS", "Listing"]

_MOST: Final = 1000
LIMITS: Final = ("Mandrill takes one address at a time", f"Mandrill lists {_MOST:,} entries at most: a longer list can't be compared")
_ANSWERS: Final = frozenset({500})
_MOMENT: Final = frozenset({"GeneralError", "ServiceUnavailable", "Unknown_Error"})
_GONE: Final = "Invalid_Reject"
_REASONS: Final = {"spam": Reason.COMPLAINT, "unsub": Reason.UNSUBSCRIBE}
_WITHDRAWN: Final = frozenset(_REASONS)


class Listing:
    """The reject list of one account, or of one of its subaccounts."""

    batch = 1
    lists = ("rejects",)

    def __init__(self, api: Api, key: str, subaccount: str | None = None) -> None:
        """Keep how it is asked, and by whom: the key stands in the body."""
        self._api = api
        self._key = key
        self._subaccount = subaccount

    def add(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        for address in addresses:
            self._post("add", {"email": address, "comment": f"bounceclass: {reason}"}, key)

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        for address in addresses:
            entries = Record({"found": self._post("list", {"email": address}, None)}).records("found")
            if not any(stays("mandrill", entry.text("reason"), _WITHDRAWN, reason) for entry in entries):
                self._post("delete", {"email": address}, key)

    def page(self, name: str, after: str | None) -> Page:
        """See Readable."""
        del name, after  # there is one list, of one page
        found = rows(self._post("list", {}, None))
        if len(found) >= _MOST:
            msg = f"Mandrill lists {_MOST:,} entries at most, and there may be more"
            raise Refused(msg)
        return Page(tuple(_listed(row) for row in found if row.text("subaccount") == self._subaccount and not row.flag("expired")), None)

    def _post(self, what: str, given: dict[str, str], key: str | None) -> object:
        body = {"key": self._key, **given, "subaccount": self._subaccount}
        found: object = self._api.call("POST", f"/api/1.0/rejects/{what}.json", body, key=key, takes=_ANSWERS)
        answer = Record(found)
        name = answer.text("name")
        if answer.text("status") != "error":
            if found is None:
                raise Retry(LATER, "Mandrill gave no answer that can be read")
            return found
        if name in _MOMENT or name is None:
            raise Retry(LATER, f"Mandrill answered {name}")
        if not (what == "delete" and name == _GONE):
            msg = f"Mandrill answered {name}"
            raise Refused(msg)
        return None


def _listed(row: Record) -> Listed:
    word = row.text("reason") or ""
    return Listed(named(row, "email"), _REASONS.get(word, Reason.SUPPRESSED), moment(row, "last_event_at") or moment(row, "created_at"), word)
