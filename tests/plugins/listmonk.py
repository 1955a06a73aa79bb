"""A stand-in for listmonk, after its documentation (https://listmonk.app/docs/apis/): what the plugin asks of it, and failures on purpose.

Subscribers stand in SQLite, and the SQL expression is run there: a quoting that lets an address be
more than an address would show. What the documentation leaves open is done in the least helpful way.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, TOKEN = "bounceclass", "t0ken-that-is-secret"  # of a test
CUT = 0
"""The fault of a connection that ends without an answer."""
UUID = "ea06b2e7-4b08-4697-bcfc-2a5c6dde8f{:02d}"
SUBSCRIBERS = ("ruth@example.net", "o'brien@example.net", "eve@example.org", "gone@example.org")


class Listmonk(ThreadingHTTPServer):
    """What it knows, and how it is to fail next: `faults` are (status, Retry-After), one for each request, None for none; `says` is said in place of an answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.database = sqlite3.connect(":memory:", check_same_thread=False)
        self.database.execute("CREATE TABLE subscribers (id INTEGER PRIMARY KEY, uuid TEXT, email TEXT, name TEXT, status TEXT)")
        for number, email in enumerate(SUBSCRIBERS, 1):
            self.database.execute("INSERT INTO subscribers VALUES (?, ?, ?, '', ?)", (number, UUID.format(number), email, "enabled"))
        self.database.execute("UPDATE subscribers SET status = 'blocklisted' WHERE email = 'gone@example.org'")
        self.unsubscribed: list[tuple[int, int]] = []
        self.bounces: list[dict[str, Any]] = []
        self.permissions = {"subscribers:get_all", "subscribers:manage", "subscribers:sql_query", "bounces:get", "webhooks:post_bounce"}
        self.faults: list[tuple[int, str | None] | None] = []
        self.says: str | None = None
        self.fail_after_doing = False
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def blocklisted(self) -> set[str]:
        return {email for (email,) in self.database.execute("SELECT email FROM subscribers WHERE status = 'blocklisted'")} - {"gone@example.org"}

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        with cls() as server:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            try:
                yield server
            finally:
                server.shutdown()
                server.database.close()

    def handle_error(self, *_: object) -> None:
        """A connection that is cut is no news."""


class Handler(BaseHTTPRequestHandler):
    server: Listmonk

    def do_GET(self) -> None:
        self._do()

    def do_POST(self) -> None:
        self._do()

    def do_PUT(self) -> None:
        self._do()

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.lock:
            self.server.asked.append(f"{self.command} {urlsplit(self.path).path}")
            fault = self.server.faults.pop(0) if self.server.faults else None
            status, told = self._done(body) if fault is None or self.server.fail_after_doing else (0, None)
        if fault is not None and fault[0] == CUT:
            self.close_connection = True
            return
        if fault is not None:
            self._answer(fault[0], {"message": "on purpose"}, {"Retry-After": fault[1]} if fault[1] else {})
        else:
            self._answer(status, told, {})

    def _answer(self, status: int, told: object, headers: dict[str, str]) -> None:
        raw = (self.server.says or json.dumps(told)).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(raw))}.items():
            self.send_header(name, value)
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(raw)

    def _done(self, body: bytes) -> tuple[int, object]:
        wanted = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        answer: tuple[int, object] = (404, {"message": "Not Found"})
        match [self.command, *parts.path.strip("/").split("/")]:
            case _ if self.headers.get("Authorization") != wanted:
                answer = (403, {"message": "invalid session"})
            case ["GET", "api", "subscribers"]:
                answer = self._allowed("subscribers:get_all", "subscribers:sql_query") or self._found(query)
            case ["PUT", "api", "subscribers", "lists"]:
                answer = self._allowed("subscribers:manage") or self._modified(json.loads(body))
            case ["PUT", "api", "subscribers", number, "blocklist"]:
                answer = self._allowed("subscribers:manage") or self._blocklisted(int(number))
            case ["GET", "api", "bounces"]:
                found = [one for one in self.server.bounces if one["source"] == query.get("source", one["source"])]
                answer = self._allowed("bounces:get") or (200, {"data": {"results": found, "total": len(found)}})
            case ["POST", "webhooks", "bounce"]:
                answer = self._allowed("webhooks:post_bounce") or self._recorded(json.loads(body))
        return answer

    def _allowed(self, *permissions: str) -> tuple[int, object] | None:
        lacking = [one for one in permissions if one not in self.server.permissions]
        return (403, {"message": f"permission denied: {lacking[0]}"}) if lacking else None

    def _found(self, query: dict[str, str]) -> tuple[int, object]:
        try:
            rows = self.server.database.execute(f"SELECT id, uuid, email, name, status FROM subscribers WHERE {query['query']}").fetchall()  # noqa: S608  whatever comes is to be run
        except sqlite3.Error as error:
            return 400, {"message": f"error querying: {error}"}
        results = [{**dict(zip(("id", "uuid", "email", "name", "status"), row, strict=True)), "attribs": {}, "lists": []} for row in rows]
        return 200, {"data": {"results": results, "query": query["query"], "total": len(results), "per_page": int(query["per_page"]), "page": 1}}

    def _blocklisted(self, number: int) -> tuple[int, object]:
        self.server.database.execute("UPDATE subscribers SET status = 'blocklisted' WHERE id = ?", (number,))
        return 200, {"data": True}

    def _modified(self, body: dict[str, Any]) -> tuple[int, object]:
        if body["action"] != "unsubscribe" or not body["ids"] or not body["target_list_ids"]:
            return 400, {"message": "invalid"}
        self.server.unsubscribed += [(who, which) for who in body["ids"] for which in body["target_list_ids"]]
        return 200, {"data": True}

    def _recorded(self, body: dict[str, Any]) -> tuple[int, object]:
        known = {"subscriber_uuid", "email", "campaign_uuid", "source", "type", "meta"}
        if set(body) - known or not body.get("source") or not ({"subscriber_uuid", "email"} & set(body)) or body.get("type") not in {"hard", "soft", "complaint"}:
            return 400, {"message": "invalid"}
        json.loads(body["meta"])
        self.server.bounces.append(body)
        return 200, {"data": True}
