"""SendGrid's lists: an entry is a global unsubscribe, for bounces can't be added by the API.

    POST   /v3/asm/suppressions/global {"recipient_emails": [...]}
    DELETE /v3/asm/suppressions/global/ADDRESS
    DELETE /v3/suppression/bounces/ADDRESS, /blocks/ADDRESS ...      SendGrid's own entries of the address

A release takes away all that SendGrid itself knows against the address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.http import segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api
    from bounceclass.model import Reason

__all__ = ["LIMITS", "Listing"]

LIMITS: Final = ("SendGrid can't be told of a bounce: an entry is a global unsubscribe there, for all mail of the account",)
_GLOBAL: Final = "/v3/asm/suppressions/global"
_OWN: Final = ("bounces", "blocks", "invalid_emails", "spam_reports")
_GONE: Final = frozenset({404})


class Listing:
    """The lists of one account."""

    batch = 1000

    def __init__(self, api: Api) -> None:
        """Keep how it is asked."""
        self._api = api

    def add(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        del reason  # the list knows none
        self._api.call("POST", _GLOBAL, {"recipient_emails": list(addresses)}, key=key)

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        del reason
        for address in addresses:
            self._api.call("DELETE", f"{_GLOBAL}/{segment(address)}", key=key, takes=_GONE)
            for name in _OWN:
                self._api.call("DELETE", f"/v3/suppression/{name}/{segment(address)}", key=f"{key}:{name}", takes=_GONE)
