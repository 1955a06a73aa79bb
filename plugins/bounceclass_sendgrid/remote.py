"""SendGrid's lists: an entry is a global unsubscribe, for bounces can't be added by the API.

    POST   /v3/asm/suppressions/global {"recipient_emails": [...]}
    DELETE /v3/asm/suppressions/global/ADDRESS
    DELETE /v3/suppression/bounces/ADDRESS, /blocks/ADDRESS ...      SendGrid's own entries of the address
    GET    /v3/suppression/bounces?limit=500&offset=0                each of its lists but `blocks`: to those it goes on sending
    GET    /v3/asm/groups/GROUP/suppressions                         a group's addresses, without dates, all at once

With a `group` an entry is an unsubscribe of that group, which the mail has to be sent with. A release takes away our entry and
SendGrid's own of the same kind: a spam report only where a complaint is released. Its pages are counted, so an entry that
goes while they are read may hide another one from that reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.errors import Retry
from bounceclass.http import LATER, segment
from bounceclass.model import WITHDRAWN, Reason
from bounceclass.remotelist import Listed, Page, moment, named, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api
    from bounceclass.payload import Record

__all__ = ["LIMITS", "Listing"]

LIMITS: Final = (
    "SendGrid can't be told of a bounce: an entry is a global unsubscribe there, for all mail of the account, or one of a group",
    "SendGrid can't tell our global entry from the recipient's own unsubscribe: a release takes that away, too; with a group of ours it doesn't",
)
_GLOBAL: Final = "/v3/asm/suppressions/global"
_OWN: Final = ("bounces", "blocks", "invalid_emails")
_REPORTS: Final = ("spam_reports",)
_GONE: Final = frozenset({404})
_PAGE: Final = 500
_GROUP: Final = "group"
_LISTS: Final = {
    "bounces": Reason.SUPPRESSED,
    "invalid_emails": Reason.SUPPRESSED,
    "spam_reports": Reason.COMPLAINT,
    "unsubscribes": Reason.UNSUBSCRIBE,
}


class Listing:
    """The lists of one account."""

    batch = 1000

    def __init__(self, api: Api, group: int | None = None) -> None:
        """Keep how it is asked."""
        self._api = api
        self._path = _GLOBAL if group is None else f"/v3/asm/groups/{group}/suppressions"
        self.lists: tuple[str, ...] = tuple(_LISTS) if group is None else (*_LISTS, _GROUP)

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

    def page(self, name: str, after: str | None) -> Page:
        """See Readable."""
        if name == _GROUP:
            return Page(tuple(Listed(one, Reason.UNSUBSCRIBE, None, name) for one in self._group()), None)
        start = int(after or 0)
        found = rows(self._api.page(f"/v3/suppression/{name}", {"limit": str(_PAGE), "offset": str(start)}))
        return Page(tuple(_listed(row, name) for row in found), str(start + len(found)) if found else None)

    def _group(self) -> list[str]:
        answer = self._api.page(self._path)
        if not isinstance(answer, list) or not all(isinstance(one, str) for one in answer):
            raise Retry(LATER, "SendGrid's group can't be read")
        return answer


def _listed(row: Record, name: str) -> Listed:
    return Listed(named(row, "email"), _LISTS[name], moment(row, "created"), name)
