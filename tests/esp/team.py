"""A team at Resend, as its API shows it: the list is kept, read in pages, added to and removed from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.esp.loopback import Answer, Asked, Server

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = 3


class Team:
    """Stands behind a server; `listed` is its list, `refuses` what it doesn't take."""

    def __init__(self, server: Server, refuses: Callable[[str], bool] = lambda _address: False) -> None:
        self.listed: dict[str, dict[str, Any]] = {}
        self.server = server
        self.refuses = refuses
        server.respond = self.respond

    def put(self, *addresses: str, origin: str = "bounce", at: datetime | None = None) -> None:
        for address in addresses:
            row = {"object": "suppression", "id": f"id-{address}", "email": address, "origin": origin}
            self.listed.setdefault(address, {**row, "created_at": (at or datetime.now(UTC)).isoformat()})

    def respond(self, asked: Asked) -> Answer:
        path = urlsplit(asked.path)
        if (asked.method, path.path) == ("GET", "/suppressions"):
            return self._page(dict(parse_qsl(path.query)))
        if asked.method == "GET":
            found = self.listed.get(unquote(path.path.rpartition("/")[2]))
            return Answer(body=found) if found else Answer(404, {"name": "not_found"})
        addresses: list[str] = asked.body["emails"]
        if any(map(self.refuses, addresses)):
            return Answer(422, {"name": "validation_error"})
        if path.path == "/suppressions/batch/add":
            self.put(*addresses, origin="manual")
        elif path.path == "/suppressions/batch/remove":
            for address in addresses:
                self.listed.pop(address, None)
        else:
            return Answer(405)
        return Answer(body={})

    def _page(self, query: dict[str, str]) -> Answer:
        rows = list(self.listed.values())
        start = next((at + 1 for at, row in enumerate(rows) if row["id"] == query.get("after")), 0)
        return Answer(body={"object": "list", "has_more": start + PAGE < len(rows), "data": rows[start : start + PAGE]})

    def changes(self) -> list[tuple[str, list[str]]]:
        """What was added and removed, by call."""
        return [(one.path.rpartition("/")[2], one.body["emails"]) for one in self.server.asked if one.method == "POST"]
