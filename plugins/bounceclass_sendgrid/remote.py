"""SendGrid's lists: an entry is a global unsubscribe, for bounces can't be added by the API.

    POST   /v3/asm/suppressions/global {"recipient_emails": [...]}
    DELETE /v3/asm/suppressions/global/ADDRESS
    DELETE /v3/suppression/bounces/ADDRESS, /blocks/ADDRESS ...      SendGrid's own entries of the address

With a `group` an entry is an unsubscribe of that group, which the mail has to be sent with. A release takes away our entry and
SendGrid's own of the same kind: a spam report only where a complaint is released.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.http import segment
from bounceclass.model import WITHDRAWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api
    from bounceclass.model import Reason

__all__ = ["LIMITS", "Listing"]

LIMITS: Final = (
    "SendGrid can't be told of a bounce: an entry is a global unsubscribe there, for all mail of the account, or one of a group",
    "SendGrid can't tell our global entry from the recipient's own unsubscribe: a release takes that away, too; with a group of ours it doesn't",
)
_GLOBAL: Final = "/v3/asm/suppressions/global"
_OWN: Final = ("bounces", "blocks", "invalid_emails")
_REPORTS: Final = ("spam_reports",)
_GONE: Final = frozenset({404})


class Listing:
    """The lists of one account."""

    batch = 1000

    def __init__(self, api: Api, group: int | None = None) -> None:
        """Keep how it is asked."""
        self._api = api
        self._path = _GLOBAL if group is None else f"/v3/asm/groups/{group}/suppressions"

    def add(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        del reason  # the list knows none
        self._api.call("POST", self._path, {"recipient_emails": list(addresses)}, key=key)

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        for address in addresses:
            self._api.call("DELETE", f"{self._path}/{segment(address)}", key=key, takes=_GONE)
            for name in _REPORTS if reason in WITHDRAWN else _OWN:
                self._api.call("DELETE", f"/v3/suppression/{name}/{segment(address)}", key=f"{key}:{name}", takes=_GONE)
