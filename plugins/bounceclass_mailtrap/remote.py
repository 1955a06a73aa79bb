"""Mailtrap's suppressions of one domain and stream.

    POST   /api/suppressions {"email": "...", "domain_id": 1, "sending_stream": "transactional", "type": "hard bounce"}
    GET    /api/suppressions?email=...
    DELETE /api/suppressions/ID
    GET    /api/suppressions?last_id=ID        1,000 at once

An entry names its domain, not the number by which the settings do: those of all domains of the account are read.
It allows ten requests a minute: one that has to wait for longer than a moment asks to be called again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from bounceclass.addresses import comparable
from bounceclass.errors import Refused, SettingsError
from bounceclass.esp import stays
from bounceclass.model import Reason
from bounceclass.payload import Record
from bounceclass.remotelist import Listed, Page, moment, named, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api

__all__ = ["LIMITS", "PER_SECOND", "Listing"]

PER_SECOND: Final = 8 / 60
"""With two at once allowed, which a release needs, ten a minute."""
LIMITS: Final = ("Mailtrap allows ten requests a minute, and takes one address at a time",)
_TYPES: Final = {Reason.COMPLAINT: "spam complaint", Reason.UNSUBSCRIBE: "unsubscription"}
_LIST: Final = "/api/suppressions"
_GONE: Final = frozenset({404})
_REASONS: Final = {word: reason for reason, word in _TYPES.items()}
_WITHDRAWN: Final = frozenset(_REASONS)


class Listing:
    """The suppressions of one domain, in one stream."""

    batch = 1
    lists = ("suppressions",)

    def __init__(self, api: Api, domain: int, stream: str) -> None:
        """Keep how it is asked; raises SettingsError without a domain."""
        if not domain:
            msg = "domain_id: is Mailtrap's number of the sending domain"
            raise SettingsError(msg)
        self._api = api
        self._place = {"domain_id": domain, "sending_stream": stream}

    def add(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        for address in addresses:
            self._api.call("POST", _LIST, {"email": address, "type": _TYPES.get(reason, "hard bounce"), **self._place}, key=key)

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        for address in addresses:
            answer = self._api.call("GET", _LIST, query={"email": address})
            for entry in Record({"found": answer}).records("found"):
                number = entry.text("id")
                ours = self._is_ours(entry) and comparable(entry.text("email") or "") == comparable(address)
                if number and ours and not stays("mailtrap", entry.text("type"), _WITHDRAWN, reason):
                    self._api.call("DELETE", f"{_LIST}/{quote(number, safe='')}", key=f"{key}:{number}", takes=_GONE)

    def page(self, name: str, after: str | None) -> Page:
        """See Readable."""
        del name  # there is one
        found = rows(self._api.page(_LIST, None if after is None else {"last_id": after}))
        last = found[-1].text("id") if found else None
        if found and last is None:
            msg = "Mailtrap's entries have no id, so there is no next page"
            raise Refused(msg)
        return Page(tuple(_listed(row) for row in found if self._is_ours(row)), last)

    def _is_ours(self, row: Record) -> bool:
        return row.text("sending_stream") in {None, "any", self._place["sending_stream"]}


def _listed(row: Record) -> Listed:
    word = row.text("type") or ""
    return Listed(named(row, "email"), _REASONS.get(word, Reason.SUPPRESSED), moment(row, "created_at"), word)
