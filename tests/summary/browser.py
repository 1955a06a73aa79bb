"""A real Chromium, spoken to over two pipes (its DevTools protocol): what a page looks like, asks for and complains about."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.servers import require

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip
# The protocol's pipes are the descriptors 3 and 4.
LAUNCH = """
import os, sys
for given, safe in ((1, 103), (2, 104)):
    os.dup2(int(sys.argv[given]), safe)
for safe, wanted in ((103, 3), (104, 4)):
    os.dup2(safe, wanted)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One process with one page; it is ended by `close`."""

    def __init__(self, folder: Path) -> None:
        program = require({"chromium": "chromium"})["chromium"]
        hears, self._to = os.pipe()
        self._from, says = os.pipe()
        command = [sys.executable, "-c", LAUNCH, str(hears), str(says), program, *OPTIONS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
        with (folder / "chromium.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own command
                command, pass_fds=(hears, says), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)}
            )
        os.close(hears)
        os.close(says)
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        page = next(one for one in self.ask("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self._session = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        os.close(self._to)
        os.close(self._from)

    def ask(self, method: str, **given: Any) -> dict[str, Any]:
        """Send a command and return its result; events that come meanwhile are kept."""
        self._number += 1
        told = {"id": self._number, "method": method, "params": given, **({"sessionId": self._session} if self._session else {})}
        os.write(self._to, json.dumps(told).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._from, 1 << 20)
            assert piece, "Chromium is gone"
            self._rest += piece
        one, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(one)
        return found

    def open(self, path: Path, width: int, *, dark: bool = False) -> None:
        """Show a file in a window of a width."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events.clear()
        self.ask("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def tell(self, expression: str) -> Any:
        """Return what JavaScript says in the page: the debugger's, which no policy of the page forbids."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def complaints(self) -> list[str]:
        """What the page wrote to the console, or had refused."""
        self.tell("0")
        methods = {"Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"}
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in methods]

    def requests(self) -> list[str]:
        """What was asked for."""
        return [event["params"]["request"]["url"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]

    def picture(self, path: Path) -> None:
        """Write what is shown, to its whole length."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]))
