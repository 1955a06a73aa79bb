"""Before anything is timed: are the events right? What is fast and wrong is not fast."""

from __future__ import annotations

import email
import re
from typing import TYPE_CHECKING, Final

from benchmarks.ours import clear_caches
from bounceclass import Engine, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bounceclass.model import Report

__all__ = ["compare"]

_FINAL: Final = re.compile(r"rfc822; *<?([^\s<>;@]+@[^\s<>;@]+)>?\Z", re.IGNORECASE)


def compare(paths: Iterable[Path]) -> dict[str, list[str]]:
    """Return the messages whose events differ, by what from.

    `warm`: from the same Engine's own, read again. `stdlib`: from those of the other MIME parser. `fields`: they lack a
    recipient that `email` finds in a delivery-status part; there an odd mail may well be read better.
    """
    clear_caches()
    engine, other = Engine(), Engine(Settings(parser="stdlib"))
    differing: dict[str, list[str]] = {"warm": [], "stdlib": [], "fields": []}
    for path in paths:
        raw = path.read_bytes()
        report = engine.classify(raw)
        agree = {
            "warm": engine.classify(raw).events == report.events,
            "stdlib": other.classify(raw).events == report.events,
            "fields": _recipients(raw) <= _named(report),
        }
        for name in [name for name, same in agree.items() if not same]:
            differing[name].append(f"{path.parent.name}/{path.name}")
    return differing


def _named(report: Report) -> set[str]:
    return {event.recipient.lower() for event in report.events if event.recipient}


def _recipients(raw: bytes) -> set[str]:
    """Return whom the outermost delivery-status parts name, as compat32 reads them; a message within is another's report."""
    message = email.message_from_bytes(raw)
    parts = message.get_payload() if message.get_content_subtype() == "report" else []
    blocks = [block for part in parts if isinstance(part, email.message.Message) and part.get_content_subtype() == "delivery-status" for block in _blocks(part)]
    return {match[1].lower() for block in blocks if (match := _FINAL.match(str(block.get("final-recipient", ""))))}


def _blocks(part: email.message.Message) -> list[email.message.Message]:
    payload = part.get_payload()
    return [block for block in payload if isinstance(block, email.message.Message)] if isinstance(payload, list) else []
