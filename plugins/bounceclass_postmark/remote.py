"""Postmark's suppressions of one message stream.

    POST /message-streams/STREAM/suppressions {"Suppressions": [{"EmailAddress": "..."}]}
    GET  /message-streams/STREAM/suppressions/dump?EmailAddress=...
    POST /message-streams/STREAM/suppressions/delete {...}

Each of at most 50 has an answer of its own. An entry of ours is a ManualSuppression there; those of
complaints can't be taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from bounceclass.errors import Refused
from bounceclass.esp import stays
from bounceclass.payload import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api
    from bounceclass.model import Reason

__all__ = ["LIMITS", "Listing"]

LIMITS: Final = (
    "Postmark keeps no reason of ours: an entry is a ManualSuppression there, of one message stream",
    "Postmark never lifts a complaint: such a release is refused",
)
_WITHDRAWN: Final = frozenset({"ManualSuppression by Recipient", "SpamComplaint by Recipient"})


class Listing:
    """The suppressions of one stream."""

    batch = 50

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

    def _stays(self, address: str, reason: Reason) -> bool:
        """Tell whether the recipient has unsubscribed."""
        answer = Record(self._api.call("GET", f"{self._path}/dump", query={"EmailAddress": address}))
        origins = {f"{one.text('SuppressionReason')} by {one.text('Origin')}" for one in answer.records("Suppressions")}
        return any(stays("postmark", origin, _WITHDRAWN, reason) for origin in origins)

    def _post(self, path: str, addresses: Sequence[str], key: str) -> None:
        answer = self._api.call("POST", path, {"Suppressions": [{"EmailAddress": address} for address in addresses]}, key=key)
        failed = sum(one.text("Status") == "Failed" for one in Record(answer).records("Suppressions"))
        if failed:
            msg = f"Postmark refused {failed} of {len(addresses)}"
            raise Refused(msg)
