"""Resend's suppression list of a team.

    POST /suppressions/batch/add {"emails": [...]}
    POST /suppressions/batch/remove {"emails": [...]}

Both take 100 addresses. An entry of ours is a manual one there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api
    from bounceclass.model import Reason

__all__ = ["LIMITS", "Listing"]

LIMITS: Final = ("Resend keeps no reason of ours: an entry is a manual one there",)
_GONE: Final = frozenset({404})


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
        del reason
        if addresses:
            self._api.call("POST", "/suppressions/batch/remove", {"emails": list(addresses)}, key=key, takes=_GONE)
