"""Acting on Mailman's members over its REST API. Idempotent: what is as it should be is left alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode

import requests
from mailmanclient.restbase.connection import Connection, MailmanConnectionError

from bounceclass.addresses import comparable
from bounceclass.errors import Refused, Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bounceclass.model import Suppression
    from bounceclass_mailman import Settings

__all__ = ["Membership"]

_LATER, _SOON = 60.0, 1.0  # seconds
_AGAIN: Final = frozenset({408, 425, 429})
_GONE: Final = 404
_SERVER: Final = 500
_PAGE: Final = 100
_BOUNCES, _ENABLED = "by_bounces", "enabled"
_DISABLED: Final = (_BOUNCES, "by_user", "by_moderator", "unknown")


class Membership:
    """Disables, re-enables or removes members of one list, of some or of all of a site."""

    def __init__(self, settings: Settings, password: str) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        self._lists = frozenset(_list_id(name) for name in settings.lists)

        def timed(params: dict[str, Any]) -> dict[str, Any]:
            return {**params, "timeout": settings.timeout}

        self._connection = Connection(settings.url, settings.user, password, request_hooks=[timed])

    def bounceclass_suppress(self, suppression: Suppression) -> None:
        """Disable whom Mailman still mails, or remove them. Who is disabled for another reason stays as they are."""
        members = self._members(suppression)
        if self._settings.suppress == "remove":
            self._each(members, lambda member: self._call(f"members/{member}", method="DELETE"))
        elif members:
            disabled = {member for status in _DISABLED for member in self._members(suppression, delivery_status=status)}
            self._set((member for member in members if member not in disabled), _BOUNCES)

    def bounceclass_release(self, suppression: Suppression) -> None:
        """Enable who is disabled by bounces."""
        self._set(self._members(suppression, delivery_status=_BOUNCES), _ENABLED)

    def _set(self, members: Iterable[str], status: str) -> None:
        self._each(members, lambda member: self._call(f"members/{member}/preferences", {"delivery_status": status}, method="PATCH"))

    def _each(self, members: Iterable[str], act: Callable[[str], object]) -> None:
        """Act on members, and ask to go on later where they are more than can be done in one call: of a whole domain there may be many."""
        end = time.monotonic() + self._settings.timeout
        for member in members:
            if time.monotonic() > end:
                raise Retry(_SOON, "there are more members to go")
            act(member)

    def _members(self, suppression: Suppression, **given: str) -> list[str]:
        """Return the ids of the memberships that an entry is about, those in one delivery status if one is given."""
        wanted = comparable(suppression.address or f"@{suppression.domain}")
        scope = _list_id(suppression.scope) if suppression.scope else None
        # "*" asks for more than one: what comes back is compared again, for an address may have one in it.
        asked = suppression.address or f"*@{suppression.domain}"
        return [
            entry["member_id"]
            for entry in self._find({"subscriber": asked.lower(), "role": "member"} | ({"list_id": scope} if scope else {}) | given)
            if wanted in {comparable(entry["email"]), "@" + comparable(entry["email"]).rpartition("@")[2]}
            and (not self._lists or entry["list_id"].lower() in self._lists)
        ]

    def _find(self, asked: dict[str, str]) -> Iterator[dict[str, str]]:
        page, found = 1, _PAGE
        while found == _PAGE:
            query = urlencode({**asked, "count": _PAGE, "page": page})
            entries = (self._call(f"members/find?{query}") or {}).get("entries", [])
            yield from entries
            page, found = page + 1, len(entries)

    def _call(self, path: str, data: dict[str, str] | None = None, method: str | None = None) -> Any:  # noqa: ANN401  any JSON
        """Ask Mailman; return None for what is not there. Raises Retry where it may answer later, Refused where it never will."""
        what = f"Mailman's REST API at {self._settings.url}"
        try:
            _, content = self._connection.call(path, data, method)
        except HTTPError as error:
            if error.code == _GONE:
                return None
            msg = f"{what} answered {error.code}"
            if error.code in _AGAIN or error.code >= _SERVER:
                raise Retry(_LATER, msg) from None
            raise Refused(msg) from None
        except (MailmanConnectionError, requests.RequestException):
            msg = f"{what} did not answer"
            raise Retry(_LATER, msg) from None
        return content or {}


def _list_id(name: str) -> str:
    """Return the id of a list, also where its posting address is given."""
    return name.replace("@", ".").lower()
