"""What is read: the corpus where it lies beside the checkout, else our samples; and one large bounce."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from benchmarks import replies

__all__ = ["BIG", "BOUNCES", "NEW", "REPEATED", "WHOLE", "find_messages", "write_sets"]

BOUNCES: Final = "bounces"
WHOLE: Final = "whole"
BIG: Final = "25 MB bounce"
NEW: Final = "reply lines, all new"
REPEATED: Final = "reply lines, repeated"

_CHECKOUT: Final = Path(__file__).parent.parent
_CORPUS: Final = _CHECKOUT.parent / "shared" / "corpus"
_FAILURES: Final = frozenset({"bounce", "delay"})
_HEAD: Final = b"""\
From: MAILER-DAEMON@mail.example.com\r
To: bounces@lists.example.com\r
Subject: Undelivered Mail Returned to Sender\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="cut"\r
\r
--cut\r
Content-Type: text/plain\r
\r
Your message could not be delivered.\r
\r
--cut\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mail.example.com\r
\r
Final-Recipient: rfc822; nobody@example.org\r
Action: failed\r
Status: 5.3.4\r
Diagnostic-Code: smtp; 552 5.3.4 Message size exceeds fixed limit\r
\r
--cut\r
Content-Type: message/rfc822\r
\r
From: news@lists.example.com\r
To: nobody@example.org\r
Message-ID: <1@lists.example.com>\r
Content-Type: application/octet-stream\r
Content-Transfer-Encoding: base64\r
\r
"""
_LINE: Final = b"QUJD" * 19 + b"\r\n"


def find_messages(folder: Path | None = None) -> dict[str, list[Path]]:
    """Return the paths of `bounces` and of the `whole` set, in their order.

    `folder` holds a gold.jsonl, as the corpus does, or one folder a format of .eml files, as samples/ does. Raises OSError
    where it can't be read, ValueError where no message is there.
    """
    folder = folder or (_CORPUS if _CORPUS.is_dir() else _CHECKOUT / "samples")
    kinds = _labelled(folder) if (folder / "gold.jsonl").is_file() else _sampled(folder)
    if not kinds:
        msg = f"{folder}: no messages"
        raise ValueError(msg)
    return {BOUNCES: [path for path, kind in kinds.items() if kind in _FAILURES], WHOLE: list(kinds)}


def _labelled(folder: Path) -> dict[Path, str]:
    rows = map(json.loads, (folder / "gold.jsonl").read_text(encoding="utf-8").splitlines())
    return {folder / row["path"]: row["kind"] for row in rows}


def _sampled(folder: Path) -> dict[Path, str]:
    return {path: _expected_kind(path.with_suffix(".json")) for path in sorted(folder.glob("*/*.eml"))}


def _expected_kind(path: Path) -> str:
    return str(json.loads(path.read_text(encoding="utf-8"))["kind"]) if path.is_file() else "other"


def write_sets(messages: dict[str, list[Path]], work: Path) -> dict[str, Path]:
    """Write each set as a file that a reader's process can load: a path of a message, or a reply, a line."""
    big = work / "big.eml"
    big.write_bytes(_HEAD + _LINE * (25_000_000 // len(_LINE)) + b"\r\n--cut--\r\n")
    lines = {name: [str(path.absolute()) for path in paths] for name, paths in (messages | {BIG: [big]}).items()}
    lines |= {NEW: replies.all_new(), REPEATED: replies.repeated()}
    files = {name: work / f"{number}.txt" for number, name in enumerate(lines)}
    for name, path in files.items():
        path.write_text("\n".join(lines[name]) + "\n", encoding="utf-8")
    return files
