"""Mailgun's lists of one domain: bounces, complaints, unsubscribes.

    POST   /v3/DOMAIN/bounces [{"address": "...", "code": "550", "error": "..."}]
    DELETE /v3/DOMAIN/bounces/ADDRESS
    GET    /v3/DOMAIN/bounces?limit=1000        and what its link to the next page asks; the last page is empty

An unsubscribe from one tag is none from all mail, and isn't read. Its allow-list wins: an address on that is mailed whatever stands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from bounceclass.errors import SettingsError
from bounceclass.http import segment
from bounceclass.model import Reason
from bounceclass.payload import Record
from bounceclass.remotelist import Listed, Page, moment, named, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.http import Api

__all__ = ["LIMITS", "Listing"]

LIMITS: Final = ("Mailgun mails an address that is on its allow-list, whatever its other lists say",)
_LISTS: Final = {Reason.COMPLAINT: "complaints", Reason.UNSUBSCRIBE: "unsubscribes"}
_OTHER: Final = "bounces"
_REASONS: Final = {name: reason for reason, name in _LISTS.items()}
_PAGE: Final = "1000"
_ALL: Final = "*"
_GONE: Final = frozenset({404})


class Listing:
    """The lists of one domain."""

    batch = 1000
    lists = (_OTHER, *_REASONS)

    def __init__(self, api: Api, domain: str) -> None:
        """Keep how it is asked; raises SettingsError without a domain."""
        if not domain:
            msg = "domain: is the sending domain whose lists are kept"
            raise SettingsError(msg)
        self._api = api
        self._path = f"/v3/{quote(domain, safe='')}"

    def add(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        name = _LISTS.get(reason, _OTHER)
        self._api.call("POST", f"{self._path}/{name}", [_entry(address, name, reason) for address in addresses], key=key)

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """See Remote."""
        for address in addresses:
            self._api.call("DELETE", f"{self._path}/{_LISTS.get(reason, _OTHER)}/{segment(address)}", key=key, takes=_GONE)

    def page(self, name: str, after: str | None) -> Page:
        """See Readable."""
        path = f"{self._path}/{name}"
        answer = self._api.page(path, {"limit": _PAGE} if after is None else self._api.query_of(after, path))
        found = rows(answer, "items")
        link = Record(answer).text("paging", "next") if found else None
        return Page(tuple(_listed(row, name) for row in found if _ALL in (row.texts("tags") or [_ALL])), link)


def _listed(row: Record, name: str) -> Listed:
    return Listed(named(row, "address"), _REASONS.get(name, Reason.SUPPRESSED), moment(row, "created_at"), name)


def _entry(address: str, name: str, reason: Reason) -> dict[str, object]:
    if name == _OTHER:
        return {"address": address, "code": "550", "error": f"not mailed: {reason}"}
    return {"address": address, "tags": ["*"]} if name == "unsubscribes" else {"address": address}
