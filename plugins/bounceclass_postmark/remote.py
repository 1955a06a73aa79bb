"""Postmark's suppressions of one message stream.

    POST /message-streams/STREAM/suppressions {"Suppressions": [{"EmailAddress": "..."}]}
    GET  /message-streams/STREAM/suppressions/dump?EmailAddress=...
    POST /message-streams/STREAM/suppressions/delete {...}
    GET  /message-streams/STREAM/suppressions/dump            the whole list in one answer: 32 MB are read, some 200,000 entries

Each of at most 50 has an answer of its own. An entry of ours is a ManualSuppression there; those of
complaints can't be taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from bounceclass.errors import Refused
from bounceclass.esp import stays
from bounceclass.model import Reason
from bounceclass.payload import Record
from bounceclass.remotelist import Listed, Page, moment, named, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api

__all__ = ["LIMITS", "Listing"]

LIMITS: Final = (
    "Postmark keeps no reason of ours: an entry is a ManualSuppression there, of one message stream",
    "Postmark never lifts a complaint: such a release is refused",
)
_REASONS: Final = {"ManualSuppression by Recipient": Reason.UNSUBSCRIBE, "SpamComplaint by Recipient": Reason.COMPLAINT}
_WITHDRAWN: Final = frozenset(_REASONS)


class Listing:
    """The suppressions of one stream."""

    batch = 50
    lists = ("suppressions",)

    def __init__(self, api: Api, stream: str) -> None:
        """Keep how it is asked."""
        self._api = api
        self._path = f"/message-streams/{quote(stream, safe='')}/suppressions"

    def add(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        del reason
        self._post(self._path, addresses, key)

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        if gone := [address for address in addresses if not self._stays(address, reason)]:
            self._post(f"{self._path}/delete", gone, key)

    def page(self, name: str, after: str | None) -> Page:
        """See Readable."""
        del name, after  # there is one list, of one page
        return Page(tuple(map(_listed, rows(self._api.page(f"{self._path}/dump"), "Suppressions"))), None)

    def _stays(self, address: str, reason: Reason) -> bool:
        """Tell whether the recipient has unsubscribed."""
        answer = Record(self._api.call("GET", f"{self._path}/dump", query={"EmailAddress": address}))
        origins = {_word(one) for one in answer.records("Suppressions")}
        return any(stays("postmark", origin, _WITHDRAWN, reason) for origin in origins)

    def _post(self, path: str, addresses: Sequence[str], key: str) -> None:
        answer = self._api.call("POST", path, {"Suppressions": [{"EmailAddress": address} for address in addresses]}, key=key)
        failed = sum(one.text("Status") == "Failed" for one in Record(answer).records("Suppressions"))
        if failed:
            msg = f"Postmark refused {failed} of {len(addresses)}"
            raise Refused(msg)


def _word(row: Record) -> str:
    return f"{row.text('SuppressionReason')} by {row.text('Origin')}"


def _listed(row: Record) -> Listed:
    word = _word(row)
    return Listed(named(row, "EmailAddress"), _REASONS.get(word, Reason.SUPPRESSED), moment(row, "CreatedAt"), word)
