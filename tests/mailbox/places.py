"""Mailboxes on a server as the places that runs are tested over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.runner.conftest import Place

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mailbox.dovecot import Box


class Remote(Place):
    """A mailbox of either protocol: what is put there, what became of it."""

    def __init__(self, kind: str, box: Box, folder: Path, **options: Any) -> None:
        self.kind = kind.rstrip("s")
        self.path = folder
        self.box = box
        here = {"processed": str(folder / "done"), "quarantine": str(folder / "bad")} if self.kind == "pop3" else {}
        self.url = box.url(kind, **here, **options)

    def put(self, raw: bytes) -> None:
        self.box.put(raw)

    def left(self) -> int:
        return self.box.count()

    def processed(self) -> int:
        return self._files("done") if self.kind == "pop3" else self.box.count(".Processed")

    def quarantined(self) -> int:
        return self._files("bad") if self.kind == "pop3" else self.box.count(".Quarantine")

    def _files(self, name: str) -> int:
        folder = self.path / name / "cur"
        return len(list(folder.iterdir())) if folder.exists() else 0
