"""Acting on listmonk's subscribers. What can't be done, or not be taken back, is refused with a sentence that says so.

https://listmonk.app/docs/apis/subscribers/ and .../querying-and-segmentation/: found by an SQL
expression, blocklisted by id, taken off a list by the ids of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from bounceclass.addresses import comparable
from bounceclass.errors import Refused
from bounceclass.wrapping import is_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bounceclass.model import Suppression
    from bounceclass_listmonk.api import Api

__all__ = ["Subscribers"]

_BLOCKLISTED: Final = "blocklisted"


class Found(msgspec.Struct, frozen=True):
    """A subscriber, as far as we look."""

    id: int
    email: str
    status: str


class Subscribers:
    """Those of one listmonk. Doing it again changes nothing."""

    def __init__(self, api: Api, lists: Mapping[str, int], ending: str) -> None:
        """Keep whom to ask; `ending` says what is done about entries that end."""
        self._api = api
        self._lists = lists
        self._ending = ending

    def suppress(self, suppression: Suppression) -> None:
        """Blocklist an address, or take it off the list that the entry is about. Nobody there: done."""
        address = self._address(suppression)
        if suppression.scope is not None:
            self._unsubscribe(address, suppression.scope)
            return
        if self._is_passing_over(suppression):
            msg = f"the entry ends on {suppression.until:%Y-%m-%d}, and a blocklisting in listmonk does not: see `ending`"
            raise Refused(msg)
        for one in self._find(address):
            if one.status != _BLOCKLISTED:
                self._api.send("PUT", f"/api/subscribers/{one.id}/blocklist")

    def release(self, suppression: Suppression) -> None:
        """Refuse where a person has to look, for who was blocklisted or taken off; done where there is nothing to take back.

        listmonk does not tell who blocklisted somebody: they themselves may have, and that is not ours to lift. Nor can its
        API lift that alone: PUT replaces a subscriber with all subscriptions, whose own statuses it has no field for.
        """
        if suppression.address is None or self._is_passing_over(suppression):
            return  # was never acted upon
        if suppression.scope is not None:
            if suppression.scope in self._lists and self._find(suppression.address):
                msg = f"to subscribe somebody to {suppression.scope} again is theirs to do, not ours"
                raise Refused(msg)
            return
        for one in self._find(suppression.address):
            if one.status == _BLOCKLISTED:
                msg = f"listmonk does not tell whether subscriber {one.id} blocked themselves: enable them there, where that is right"
                raise Refused(msg)

    def _is_passing_over(self, suppression: Suppression) -> bool:
        return suppression.until is not None and suppression.scope is None and self._ending == "refuse"

    def _address(self, suppression: Suppression) -> str:
        if suppression.address is None:
            msg = f"a whole domain, {suppression.domain}: listmonk blocklists subscribers one by one and for good; let the MTA refuse it"
            raise Refused(msg)
        return suppression.address

    def _unsubscribe(self, address: str, scope: str) -> None:
        if scope not in self._lists:
            msg = f"the entry is for {scope} alone, and `lists` does not say which list that is"
            raise Refused(msg)
        ids = [one.id for one in self._find(address)]
        if ids:
            self._api.send("PUT", "/api/subscribers/lists", {"ids": ids, "action": "unsubscribe", "target_list_ids": [self._lists[scope]]})

    def _find(self, address: str) -> list[Found]:
        """Return who has this address; it is compared again here."""
        wanted = comparable(address)
        spellings = sorted({_quoted(wanted), _quoted(address.lower())})
        data = self._api.get("/api/subscribers", {"query": f"LOWER(subscribers.email) IN ({', '.join(spellings)})", "per_page": "100"})
        return [one for one in _subscribers(data) if comparable(one.email) == wanted]


def _quoted(address: str) -> str:
    """Return an SQL literal. A backslash is an escape to a PostgreSQL that is so configured, so none is sent."""
    if not is_address(address) or "\\" in address:
        msg = "an address that is none, or has a backslash, is not asked for"
        raise Refused(msg)
    return "'" + address.replace("'", "''") + "'"


def _subscribers(data: Any) -> list[Found]:  # noqa: ANN401  any JSON
    try:
        return msgspec.convert(data["results"], list[Found])
    except (msgspec.ValidationError, TypeError, KeyError):
        msg = "listmonk answered with no list of subscribers"
        raise Refused(msg) from None
