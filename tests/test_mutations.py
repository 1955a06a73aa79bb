"""What does not matter changes no verdict: hosts, addresses, wrapping, preambles, line ends, further headers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bounceclass.engine import Engine
    from bounceclass.model import Report

SAMPLES = Path(__file__).parent.parent / "samples"
PATHS = sorted(path for path in SAMPLES.glob("*/*.eml") if path.parent.name not in {"broken", "other", "list-unsubscribe", "rfc3834"})
Mutation = Callable[[bytes], bytes]


def other_host(raw: bytes) -> bytes:
    """Give every host of example.com and example.org another name."""
    return re.sub(rb"\bmx([\w-]*)\.(example\.(?:com|org|net)|[\w.-]*example)\b", rb"in\1.\2", raw)


def other_local_part(raw: bytes) -> bytes:
    """Mail somebody else."""
    return re.sub(rb"\b(jo|nobody|kim|lee)@", rb"\1.two@", raw)


def crlf(raw: bytes) -> bytes:
    """Send it through a gateway that keeps the rules."""
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def more_headers(raw: bytes) -> bytes:
    """Let two more hosts carry it."""
    return b"Received: from a.test by b.test; Fri, 05 Jun 2026 08:00:00 +0000\nX-Spam-Status: No, score=-1.0\n" + raw


def trailing_blank_lines(raw: bytes) -> bytes:
    """Let the mail store add lines at the end."""
    return raw.rstrip(b"\n") + b"\n\n\n"


def translated_subject(raw: bytes) -> bytes:
    """Write the mail's own subject in another language."""
    head, blank, rest = raw.partition(b"\n\n")
    return re.sub(rb"(?im)^subject:.*(?:\n[ \t].*)*", b"Subject: Zustellung fehlgeschlagen: Unzustellbar", head, count=1) + blank + rest


def preamble(raw: bytes) -> bytes:
    """Let a gateway write a line above the text."""
    head, blank, rest = raw.partition(b"\n\n")
    if re.search(rb"(?i)content-transfer-encoding:\s*(?:base64|quoted)|content-type:\s*(?:multipart|text/html)", head):
        return raw
    return head + blank + b"This mail was checked.\n\n" + rest


def one_line_deeper(raw: bytes) -> bytes:
    """Fold long header lines of the mail once more."""
    head, blank, rest = raw.partition(b"\n\n")
    return re.sub(rb"(?im)^((?:to|from|subject):\s*\S+) ", rb"\1\n ", head) + blank + rest


MUTATIONS = (other_host, other_local_part, crlf, more_headers, trailing_blank_lines, translated_subject, preamble, one_line_deeper)


def essence(report: Report) -> list[tuple[object, ...]]:
    return [
        (event.kind, event.reply_code, event.enhanced_status, event.verdict.reason, event.verdict.permanence, event.verdict.scope, event.verdict.advice)
        for event in report.events
    ]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(SAMPLES)))
def test_a_mutation_changes_no_verdict(path: Path, mutation: Mutation, engine: Engine) -> None:
    raw = path.read_bytes()
    if b"\n" not in raw:
        pytest.skip("has CR alone for line ends")
    assert essence(engine.classify(mutation(raw))) == essence(engine.classify(raw))
