"""Hostile mail up to 10 MB is read in bounded time and memory: each bomb in a child with limits, as a runaway would take the tests with it."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

CPU_SECONDS, MEMORY = 20, 1536 * 1024 * 1024  # generous: a bomb that goes off takes minutes and gigabytes

STATUS = b"Content-Type: message/delivery-status\n"
MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"
GROUP = b"\nFinal-Recipient: rfc822; u%d@example.org\nAction: failed\nDiagnostic-Code: smtp; 550 5.1.1 unknown %d\n"
BOMBS: dict[str, Callable[[], bytes]] = {
    "zeros": lambda: b"\0" * 10_000_000,
    "one line": lambda: b"a" * 10_000_000,
    "line ends": lambda: b"\n" * 10_000_000,
    "carriage returns": lambda: b"\r" * 10_000_000,
    "header fields": lambda: b"X: y\n" * 2_000_000,
    "a header": lambda: b"Subject: " + b"x" * 10_000_000,
    "content type parameters": lambda: b"Content-Type: multipart/mixed; " + b"a=b; " * 2_000_000 + b"\n\nx",
    "encoded words": lambda: b"Auto-Submitted: auto-replied\nSubject: " + b"=?utf-8?q?a?= " * 700_000,
    "encoded words in charsets of Python": lambda: b"Auto-Submitted: auto-replied\nSubject: " + b"=?punycode?q?a-b?= " * 200,
    "containers": lambda: b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth) for depth in range(3000)) + b"x",
    "enclosed messages": lambda: b"Content-Type: message/rfc822\n\n" * 100_000,
    "parts": lambda: MIXED + b"--b\n\nx\n" * 100_000,
    "lines that begin like a boundary": lambda: MIXED + b"--bb\n" * 2_000_000,
    "recipients": lambda: STATUS + b"\n" + b"".join(GROUP % (number, number) for number in range(60_000)),
    "a folded field": lambda: STATUS + b"\nFinal-Recipient: rfc822; a@example.org\nDiagnostic-Code: smtp; 550" + b"\n x" * 3_000_000,
    "at signs": lambda: STATUS + b"\nFinal-Recipient: rfc822; a@example.org\nDiagnostic-Code: smtp; 550 " + b"@" * 10_000_000,
    "base64": lambda: STATUS + b"Content-Transfer-Encoding: base64\n\n" + b"QUFB\n" * 2_000_000,
    "quoted-printable": lambda: STATUS + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=41=\n" * 2_000_000,
    "style sheets": lambda: b"Auto-Submitted: auto-replied\nContent-Type: text/html\n\n" + b"<style>" * 1_400_000,
    "angle brackets": lambda: b"Auto-Submitted: auto-replied\nContent-Type: text/html\n\n" + b"<" * 10_000_000,
    "a charset that is none": lambda: b"Auto-Submitted: auto-replied\nContent-Type: text/plain; charset=punycode\n\n" + b"a\xff" * 5_000_000,
    "escape sequences": lambda: b"Auto-Submitted: auto-replied\nContent-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B\xff" * 2_000_000,
}
READ = """
import sys
from bounceclass.engine import Engine
from bounceclass.model import encode
encode(Engine().classify(sys.stdin.buffer.read()))
"""


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_does_not_go_off(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", READ], input=BOMBS[name](), preexec_fn=limit, capture_output=True, check=False)  # noqa: S603  our own code; no thread runs here
    assert (done.returncode, done.stderr) == (0, b"")
