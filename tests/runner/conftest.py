"""What runs are tested with: mail of our own server, a place where it lies, a database, and a sink that is real."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bounceclass import config
from bounceclass.assembly import open_configured_store
from tests.store.conftest import server, url  # noqa: F401  fixtures

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
BOUNCE = """\
Return-Path: <>
Received: by mx.example.com (Postfix) id {number}A; Mon,  9 Mar 2026 12:00:00 +0000 (UTC)
Date: Mon,  9 Mar 2026 12:00:00 +0000 (UTC)
From: MAILER-DAEMON@mx.example.com (Mail Delivery System)
Subject: {subject}
To: news-bounces@lists.example.com
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b{number}"
Message-Id: <{number}.report@mx.example.com>

--b{number}
Content-Type: text/plain

This is the mail system at host mx.example.com.

<{recipient}>: host mx.{domain}[192.0.2.1] said: {reply} (in reply to RCPT TO command)

--b{number}
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: failed
Status: {status}
Remote-MTA: dns; mx.{domain}
Diagnostic-Code: smtp; {reply}

--b{number}
Content-Type: text/rfc822-headers

From: news@lists.example.com
To: {recipient}
Subject: digest
Message-ID: <{mailing}@lists.example.com>

--b{number}--
"""


def bounce(number: int, recipient: str, reply: str = "550 5.1.1 User unknown", **given: str) -> bytes:
    """A notice of our own Postfix."""
    status = reply.split()[1]
    known = {"mailing": f"m{number}", "subject": "Undelivered Mail Returned to Sender", **given}
    return BOUNCE.format(number=number, recipient=recipient, domain=recipient.partition("@")[2], reply=reply, status=status, **known).encode()


def log_line(number: int, recipient: str, reply: str = "550 5.1.1 User unknown", **given: str) -> bytes:
    """The same in the log of our own Postfix; of what `bounce` is given, only the mailing is told there."""
    head, queue = "Mar  9 12:00:00 mx postfix", f"{number:04X}A"
    said = f"host mx.{recipient.partition('@')[2]}[192.0.2.1] said: {reply} (in reply to RCPT TO command)"
    return (
        f"{head}/cleanup[7]: {queue}: message-id=<{given.get('mailing', f'm{number}')}@lists.example.com>\n"
        f"{head}/smtp[9]: {queue}: to=<{recipient}>, relay=mx[192.0.2.1]:25, delay=1, dsn={reply.split()[1]}, status=bounced ({said})\n"
    ).encode()


class Place:
    """A mailbox of either kind, or a log: what is put there, what became of it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.path = folder / ("box" if kind == "maildir" else f"box.{kind}")
        self.url = f"{kind}:{self.path}"
        self._number = 0
        if kind == "maildir":
            for name in ("tmp", "new", "cur"):
                (self.path / name).mkdir(parents=True)

    def put(self, raw: bytes) -> None:
        self._number += 1
        if self.kind == "maildir":
            (self.path / "new" / f"{1_772_539_200 + self._number}.M{self._number}.mx").write_bytes(raw)
        elif self.kind == "log":
            with self.path.open("ab") as file:
                file.write(raw)
        else:
            with self.path.open("ab") as file:
                file.write(b"From MAILER-DAEMON Mon Mar  9 12:00:00 2026\n" + raw.replace(b"\nFrom ", b"\n>From ") + b"\n")

    def left(self) -> int:
        """How many inputs are neither processed nor in quarantine."""
        if self.kind == "maildir":
            return len([*(self.path / "new").iterdir(), *(self.path / "cur").iterdir()])
        record = self.path.with_name(f".{self.path.name}.bounceclass")
        done = json.loads(record.read_bytes())["offset"] if record.exists() else 0
        return self.path.read_bytes()[done:].count(b", status=" if self.kind == "log" else b"\nMessage-Id: ")

    def processed(self) -> int:
        return len(list((self.path / ".Processed" / "cur").iterdir())) if self.kind == "maildir" else self._number - self.left() - self.quarantined()

    def quarantined(self) -> int:
        folder = self.path / ".Quarantine" if self.kind == "maildir" else self.path.with_name(f"{self.path.name}.quarantine")
        return len(list((folder / "cur").iterdir())) if folder.exists() else 0


class Sink:
    """An HTTP server that notes every call: how often each key was called, of each hook."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.recipients: dict[str, set[str]] = {}
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sink.calls[told["hook"], told["key"]] += 1
                whom = told.get("suppression") or told["event"]
                sink.recipients.setdefault(told["hook"], set()).add(whom.get("address") or whom.get("recipient"))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class World:
    """A place, a database and a sink, and runs over them as processes of their own."""

    def __init__(self, folder: Path, kind: str, database: str, sink: Sink, settings: str = "", place: Place | None = None) -> None:
        self.place = place or Place(kind, folder)
        self.sink = sink
        self.config = folder / "bounceclass.toml"
        self.config.write_text(
            f"""
own_hosts = [".example.com"]
limits = {{ hook_seconds = 2.0 }}
store = {{ url = "{database}", patience = 2.0 }}
run = {{ sources = ["{self.place.url}"], batch = 10 }}
policy = {{ incident_least = 10000, max_age_days = 3650 }}
trust = {{ domains = ["lists.example.com"] }}
[plugins.exec]
url = "{sink.url}"
hooks = ["bounce", "suppress"]
{settings}
""",
            encoding="utf-8",
        )

    def run(self, checkpoint: str = "", number: int = 1, mode: str = "") -> subprocess.CompletedProcess[str]:
        """Run once over what is there; with a checkpoint until it is killed there."""
        command = [sys.executable, "-m", "tests.runner.driver", str(self.config), checkpoint, str(number), mode]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603  our own command

    def drain(self) -> None:
        """Run until nothing is left to do; calls that were leased by somebody who was killed come back after a while."""
        store = open_configured_store(config.read(str(self.config)).store)
        try:
            for _ in range(10):
                done = self.run()
                assert done.returncode == 0, done.stderr
                if not list(store.outbox.calls()) and not self.place.left():
                    return
                time.sleep(1)
            pytest.fail(f"still to do: {list(store.outbox.calls())}, {self.place.left()} inputs")
        finally:
            store.close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    found = Sink()
    yield found
    found.stop()
