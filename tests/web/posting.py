"""An ESP of our own making for the tests, the server as a process, and what posts to it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx

from bounceclass import config
from bounceclass.assembly import open_configured_store
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NEW", "OLD", "ROOT", "Served", "batch", "signed"]

ROOT = Path(__file__).parent.parent.parent
OLD, NEW = "old-secret-of-sixteen-octets", "new-secret-of-sixteen-octets"
PLUGIN = """
import hashlib, hmac, json
from bounceclass.model import Defect, Event, Kind, Original, Report

class Settings(__import__("msgspec").Struct):
    colour: str = "blue"

class Hook:
    name = "post"
    limits = ("nothing says when a post was made",)
    def verify(self, headers, body, secrets, now):
        if b"TELL" in body:
            raise ValueError(f"a fault that tells {secrets}")
        given = headers.get("x-post-signature", "")
        return any(hmac.compare_digest(hmac.new(one.encode(), body, hashlib.sha256).hexdigest(), given) for one in secrets)
    def replay_id(self, headers, body):
        return headers.get("x-post-id")
    def parse(self, body):
        if body.startswith(b"RAISE"):
            raise RuntimeError("no way")
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return [Report(kind=Kind.OTHER, format="post", defects=(Defect("unread-payload", "body"),))]
        return [
            Report(
                kind=Kind(one["kind"]), format="post", original=Original(message_id=one["id"]),
                events=(Event(kind=Kind(one["kind"]), recipient=one["to"], diagnostic=one["said"], reply_code=one["code"]),),
            )
            for one in found
        ]

class Plugin:
    def bounceclass_webhook(self):
        return Hook()

def plugin(settings):
    return Plugin()
"""
SETTINGS = """
own_hosts = [".example.com"]
store = {{ url = "sqlite:///{folder}/b.db" }}
policy = {{ incident_least = 1000000, max_age_days = 3650 }}
trust = {{ domains = ["lists.example.com"] }}
run = {{ sources = ["webhooks:{folder}/spool"], poll_seconds = 30 }}

[web]
port = {port}
spool = "{folder}/spool"
{web}

[plugins.post.eu]
webhook_secrets = [{{ variable = "POST_EU" }}, {{ file = "old.secret" }}]

[plugins.post.us]
colour = "red"
{more}
"""


def batch(*numbers: int, bounces: int = 1) -> bytes:
    """A delivery: one event for each number, each about another person and mail. Every so manieth is a bounce, the others are deliveries."""
    return json.dumps([_bounce(number) if number % bounces == 0 else _delivery(number) for number in numbers]).encode()


def _bounce(number: int) -> dict[str, object]:
    return {**_delivery(number), "kind": "bounce", "said": "550 5.1.1 <u@example.org>: Recipient address rejected: User unknown", "code": 550}


def _delivery(number: int) -> dict[str, object]:
    return {"kind": "delivery", "id": f"m{number}@lists.example.com", "to": f"u{number}@example.org", "said": "250 2.0.0 OK", "code": 250}


def signed(body: bytes, secret: str = NEW, **more: str) -> dict[str, str]:
    return {"X-Post-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(), "Content-Type": "application/json", **more}


class Served:
    """`bounceclass serve` in a folder, as a process that can be killed and started again."""

    def __init__(self, folder: Path, *, web: str = "", more: str = "", environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "bounceclass.toml"
        self.config.write_text(SETTINGS.format(folder=folder, port=self.port, web=web, more=more))
        (folder / "old.secret").write_text(f"{OLD}\n")
        site = folder / "site"
        info = site / "visitor_post-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (site / "visitor_post.py").write_text(PLUGIN)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: visitor-post\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[bounceclass]\npost = visitor_post\n")
        self.environment = {**os.environ, "PYTHONPATH": str(site), "POST_EU": NEW, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "bounceclass", "--config", str(self.config), *arguments]

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command("serve"), cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603  our own command
        end = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{self.url}/health", timeout=5)
            except httpx.HTTPError:
                assert self.process.poll() is None, self.log
                assert time.monotonic() < end, self.log
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def end(self) -> int | None:
        if self.process is None:
            return None
        self.process.terminate()
        code = self.process.wait(40)
        self.process = None
        return code

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def post(self, body: bytes, where: str = "post:eu", headers: dict[str, Any] | None = None) -> httpx.Response:
        return httpx.post(f"{self.url}/webhooks/{where}", content=body, headers=signed(body) if headers is None else headers, timeout=30)

    def run(self) -> subprocess.CompletedProcess[str]:
        """Process what lies in the spool."""
        return subprocess.run(self.command("run", "--once"), cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603  our own command

    def spooled(self) -> list[Path]:
        return sorted((self.folder / "spool" / "new").iterdir())

    def suppressed(self) -> list[str]:
        return sorted(entry.address or "" for entry in self.ask(lambda store: list(store.suppressions())))

    def ask(self, question: Any) -> Any:
        store = open_configured_store(config.read(str(self.config)).store)
        try:
            return question(store)
        finally:
            store.close()


def people(numbers: Iterable[int]) -> list[str]:
    return sorted(f"u{number}@example.org" for number in numbers)
