"""Entries, and the file that keeps them."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bounceclass_file import Settings, SuppressionFile, plugin

from bounceclass.model import Reason, Suppression

DOCS = Path(__file__).parent.parent.parent / "docs" / "plugins.md"
HEAD = "address,domain,scope,reason,since,until,cause,by\n"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
MAY, JUNE = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
ROOT = os.geteuid() == 0
CHILD = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def entry(address: str | None = "user@example.org", **given: Any) -> Suppression:
    return Suppression(**{"address": address, "reason": Reason.USER_UNKNOWN, "since": SINCE, "cause": ("k1",), "by": "policy"} | given)


def domain(name: str, **given: Any) -> Suppression:
    return entry(None, domain=name, **given)


def keep(path: Path, **given: Any) -> SuppressionFile:
    return plugin(Settings(path=str(path), **given))


def add(path: Path, *entries: Suppression, **given: Any) -> None:
    kept = keep(path, **given)
    for one in entries:
        kept.bounceclass_suppress(one)
