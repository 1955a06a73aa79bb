"""Hostile mail of up to 10 MB, and what it costs to read: CPU seconds, and memory beyond that of an idle Engine.

    python -m tests.bombs                    a table of all bombs, the worst first
    python -m tests.bombs recipients zeros   of some

The mail itself counts as memory of its owner, not of the reader.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BOMBS", "Cost", "cost_of", "measure"]

TOP: Final = Path(__file__).parent.parent
CPU_SECONDS: Final = 20
ADDRESS_SPACE: Final = 1536 * 1024 * 1024
"""Generous: a bomb that goes off takes minutes and gigabytes."""

SIZE: Final = 10_000_000
STATUS: Final = b"Content-Type: message/delivery-status\n"
MIXED: Final = b"Content-Type: multipart/mixed; boundary=b\n\n"
DAEMON: Final = b"From: mailer-daemon@mx.example.com\nSubject: failure notice\n"
AUTO: Final = b"Auto-Submitted: auto-replied\n"
OF_ONE: Final = STATUS + b"\nFinal-Recipient: rfc822; a@example.org\n"
GROUP: Final = b"\nFinal-Recipient: rfc822; u%d@example.org\nAction: failed\nDiagnostic-Code: smtp; 550 5.1.1 unknown %d\n"
TERSE: Final = b"\nFinal-Recipient: rfc822; %s\nAction: failed\n"
REPORT: Final = b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: text/plain\n\n%s\n--b\n" + STATUS + b"\n%s\n--b--\n"
ORIGINAL: Final = b"Content-Type: multipart/report; boundary=b\n\n--b\n" + STATUS + b"\nFinal-Recipient: rfc822; a@example.org\n\n--b\nContent-Type: message/rfc822\n\n%s\n"


class Cost(msgspec.Struct, frozen=True):
    """What a mail cost, and what it read as."""

    seconds: float
    megabytes: float
    events: int
    format: str | None
    defects: str


def nested(depth: int, body: bytes) -> bytes:
    """Return containers within containers, and a body in the innermost."""
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(depth)) + body


def charset(name: bytes, piece: bytes) -> bytes:
    """Return a status part of 10 MB that is said to be of a charset."""
    return STATUS.rstrip(b"\n") + b"; charset=" + name + b"\n\nFinal-Recipient: rfc822; a@example.org\nDiagnostic-Code: smtp; 550 " + piece * (SIZE // len(piece))


def diagnostics(length: int, piece: Callable[[int], bytes]) -> bytes:
    """Return a report of 1,000 recipients, each with a diagnostic of its own."""
    groups = (b"\nFinal-Recipient: rfc822; u%d@example.org\nDiagnostic-Code: smtp; 550 %d %s\n" % (number, number, piece(number)[:length]) for number in range(1000))
    return STATUS + b"\n" + b"".join(groups)


def replies(piece: bytes) -> bytes:
    """Return a report of 1,000 recipients with 2,000 characters of the same pieces each."""
    return diagnostics(1950, lambda _: piece * (1950 // len(piece) + 1))


def in_notice(text: bytes) -> bytes:
    """Return a notice of a mail system, in text alone."""
    return DAEMON + b"\n" + text


def failed_for_all(text: bytes) -> bytes:
    """A notice whose header names some 280 recipients, so all of its text may be about each."""
    names = b", ".join(b"u%d@e.test" % number for number in range(280))
    return DAEMON + b"X-Failed-Recipients: " + names + b"\n\nDelivery failed\n" + text



BOMBS: Final[dict[str, Callable[[], bytes]]] = {
    # bytes
    "zeros": lambda: b"\0" * SIZE,
    "one line": lambda: b"a" * SIZE,
    "line ends": lambda: b"\n" * SIZE,
    "carriage returns": lambda: b"\r" * SIZE,
    "high bytes": lambda: in_notice(b"\xff" * SIZE),
    "one line in a notice": lambda: in_notice(b"a" * SIZE),
    "zeros in a status part": lambda: OF_ONE + b"\0" * SIZE,
    # headers
    "header fields": lambda: b"X: y\n" * 2_000_000,
    "200,000 header fields, then a bounce": lambda: b"X-%d: y\n" * 200_000 + OF_ONE,
    "a header": lambda: b"Subject: " + b"x" * SIZE,
    "a header of folds": lambda: DAEMON + b"Subject: x" + b"\n x" * 3_000_000,
    "From of addresses": lambda: b"From: " + b"a@example.org, " * 600_000 + b"\nSubject: failure notice\n\n550 5.1.1 x",
    "From of comments": lambda: AUTO + b"From: " + b"(" * SIZE,
    "To of addresses": lambda: DAEMON + b"To: " + b"a@example.org, " * 600_000 + b"\n\nfailed: b@example.org",
    "codes for all of X-Failed-Recipients": lambda: failed_for_all(b"550 x\n" * 2700),
    "colons for all of X-Failed-Recipients": lambda: failed_for_all(b":" * 16_000),
    "X-Failed-Recipients": lambda: DAEMON + b"X-Failed-Recipients: " + b"a@example.org, " * 600_000 + b"\n\n550 5.1.1 unknown",
    "content type parameters": lambda: b"Content-Type: multipart/mixed; " + b"a=b; " * 2_000_000 + b"\n\nx",
    "boundaries": lambda: b"Content-Type: multipart/mixed; " + b"boundary=b; " * 20_000 + b"\n\n--b\n\nx",
    "pieces of a boundary": lambda: b"Content-Type: multipart/mixed; " + b"".join(b"boundary*%d=b; " % number for number in range(15_000)) + b"\n\n--b\n\nx",
    "encoded words": lambda: AUTO + b"Subject: " + b"=?utf-8?q?a?= " * 700_000,
    "encoded words of 4 kB in each header": lambda: b"".join(b"X-%d: %s\n" % (number, b"=?utf-8?q?a?= " * 49) for number in range(300)) + OF_ONE,
    "encoded words in charsets of Python": lambda: AUTO + b"Subject: " + b"=?punycode?q?a-b?= " * 200,
    "an encoded word that is none": lambda: AUTO + b"Subject: " + b"=?a?q?" * 600,
    "dates": lambda: STATUS + b"\n" + b"".join(TERSE % (b"u%d@example.org" % n) + b"Last-Attempt-Date: %s%d\n" % (b"(" * 300, n) for n in range(5000)),
    "a date": lambda: OF_ONE + b"Last-Attempt-Date: Mon, 05 Jan 2026 " + b"(9:" * 600_000,
    # containers
    "90 containers and 1 MB": lambda: nested(90, b"x" * 1_000_000),
    "500 containers": lambda: nested(500, b"x"),
    "3,000 containers": lambda: nested(3000, b"x"),
    "10,000 containers and 9 MB": lambda: nested(10_000, b"x" * 9_000_000),
    "enclosed messages": lambda: b"Content-Type: message/rfc822\n\n" * 100_000,
    "parts": lambda: MIXED + b"--b\n\nx\n" * 100_000,
    "parts that say much of themselves": lambda: MIXED + (b"--b\nContent-Type: text/plain; charset=" + b"x" * 45_000 + b"\n\nx\n") * 200,
    "status parts": lambda: MIXED + (b"--b\n" + OF_ONE + b"\n") * 100_000,
    "status parts of 5,000 recipients": lambda: MIXED + b"".join(b"--b\n" + STATUS + b"\n" + b"".join(TERSE % b"a@example.org" for _ in range(1000)) for _ in range(190)),
    "lines that begin like a boundary": lambda: MIXED + b"--bb\n" * 2_000_000,
    "a boundary that is not there": lambda: MIXED + b"--" + b"x-a: b\n" * 1_400_000,
    "base64": lambda: STATUS + b"Content-Transfer-Encoding: base64\n\n" + b"QUFB\n" * 2_000_000,
    "quoted-printable": lambda: STATUS + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=41=\n" * 2_000_000,
    "a returned mail of headers": lambda: ORIGINAL % (b"X: y\n" * 1_900_000),
    "a returned mail": lambda: ORIGINAL % (b"Subject: x\n\n" + b"x\n" * 4_900_000),
    # charsets
    "a charset that is none": lambda: AUTO + b"Content-Type: text/plain; charset=punycode\n\n" + b"a\xff" * 5_000_000,
    "escape sequences": lambda: AUTO + b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B\xff" * 2_000_000,
    "punycode": lambda: charset(b"punycode", b"a-b9"),
    "idna": lambda: charset(b"idna", b"xn--a."),
    "utf-7": lambda: charset(b"utf-7", b"+AEEAQg-"),
    "unicode_escape": lambda: charset(b"unicode_escape", rb"\N{DIGIT ONE}"),
    "undefined": lambda: charset(b"undefined", b"a"),
    "hz": lambda: charset(b"hz", b"~{<:~}"),
    "iso-2022-kr": lambda: charset(b"iso-2022-kr", b"\x0e0!\x0f"),
    "iso-2022-jp-3": lambda: charset(b"iso-2022-jp-3", b"\x1b$(Q0!"),
    "utf-32": lambda: charset(b"utf-32", b"a\0\0\0"),
    # HTML
    "style sheets": lambda: AUTO + b"Content-Type: text/html\n\n" + b"<style>" * 1_400_000,
    "angle brackets": lambda: AUTO + b"Content-Type: text/html\n\n" + b"<" * SIZE,
    "tags that never end": lambda: in_notice(b"").replace(b"\n\n", b"\nContent-Type: text/html\n\n") + b"<p " * 3_000_000,
    "entities": lambda: in_notice(b"").replace(b"\n\n", b"\nContent-Type: text/html\n\n") + b"&amp;" * 2_000_000,
    # recipients
    "recipients": lambda: STATUS + b"\n" + b"".join(GROUP % (number, number) for number in range(100_000)),
    "a recipient": lambda: OF_ONE.rstrip(b"\n") + b"a" * SIZE,
    "a folded field": lambda: OF_ONE + b"Diagnostic-Code: smtp; 550" + b"\n x" * 3_000_000,
    "at signs": lambda: OF_ONE + b"Diagnostic-Code: smtp; 550 " + b"@" * SIZE,
    "a status": lambda: OF_ONE + b"Status: " + b"5.1." * 500_000,
    "status with a comment": lambda: OF_ONE + b"Status: 5.1.1 (" + b"5.1.1 (" * 280_000,
    "xtext": lambda: OF_ONE + b"Original-Recipient: utf-8; " + b"\\x{1}+2B" * 230_000 + b"@example.org",
    "junk lines": lambda: OF_ONE + b"?\n" * 1_000_000,
    "recipients of a long notice": lambda: REPORT % (b"a word, 550 " * 1300, b"".join(TERSE % (b"u%d@example.org" % number) for number in range(30_000))),
    "recipients that a notice names often": lambda: REPORT % (b"a\n" * 8000, (TERSE % b"a") * 50_000),
    "recipients that a notice names in one line": lambda: REPORT % (b"ab" * 8000, b"".join(TERSE % b"ab" for _ in range(50_000))),
    "a recipient that a notice names often": lambda: REPORT % (b"a\n" * 8000, TERSE % b"a"),
    "recipients of a complaint": lambda: b"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n" + b"Original-Rcpt-To: a@example.org\n" * 300_000,
    "addresses in a notice": lambda: in_notice(b"failed: " + b"".join(b"u%d@example.org\n" % number for number in range(500_000))),
    "addresses in a line": lambda: in_notice(b"failed: " + b"".join(b"u%d@example.org " % number for number in range(500_000))),
    "an address that never ends": lambda: in_notice(b"failed: " + b"a." * 5_000_000),
    "a domain that never ends": lambda: in_notice(b"failed: a@" + b"a." * 5_000_000),
    # quoting
    "quoted lines": lambda: in_notice(b"> quoted\n" * 1_000_000),
    "a line quoted a million times": lambda: in_notice(b"> " * 5_000_000),
    "deeper and deeper": lambda: in_notice(b"".join(b">" * depth + b"\n" for depth in range(4000))),
    "header blocks in a notice": lambda: in_notice(b"x\nReceived: a\n" * 700_000),
    "refusals in a notice": lambda: in_notice(b"failed\n550 5.1.1 a@example.org\n" * 350_000),
    # 1,000 diagnostics of 2 kB, all different
    "diagnostics of addresses": lambda: replies(b"a@b.example "),
    "diagnostics of IP addresses": lambda: replies(b"192.0.2.1 2001:db8::1 "),
    "diagnostics of colons": lambda: replies(b"a:b:c:d:e:f:a:"),
    "diagnostics of codes": lambda: replies(b"550 5.1.1 421 4.7.0 said: "),
    "diagnostics of repeated codes": lambda: diagnostics(1950, lambda _: b" 550-5.1.1 a 550 5.1.1 b" * 90),
    "diagnostics of numbers": lambda: replies(b"5"),
    "diagnostics of blanks and words": lambda: replies(b"mailbox  quota "),
    "diagnostics of every phrase": lambda: diagnostics(1950, pieces_of_packs()),
    "diagnostics for each pattern": lambda: diagnostics(1950, pieces_of_patterns()),
    "diagnostics for the slowest pattern": lambda: diagnostics(1950, pieces_of_patterns(slowest=True)),
}


def pieces_of_packs() -> Callable[[int], bytes]:
    """Return what makes texts of our packs' phrases: as many rules as can be are candidates."""
    from bounceclass.packs import load_ours  # noqa: PLC0415  the table of names needs none of it

    words = [word for pack in load_ours() for rule in pack.rules.values() if not rule.kind for word in (*rule.any, *rule.all)]
    return lambda number: " ".join(words[(number * 37 + step) % len(words)] for step in range(150)).encode()


def pieces_of_patterns(*, slowest: bool = False) -> Callable[[int], bytes]:
    """Return what makes, by number, a text that a pattern of our packs backtracks on, its rule's phrases before it."""
    from tests.adversary import slow_texts  # noqa: PLC0415  as above

    texts = slow_texts()
    return lambda number: (texts[0] if slowest else texts[number % len(texts)]).encode()


def measure(raw: bytes) -> Cost:
    """Read a mail in this process, after innocent ones; say what it cost beyond those."""
    from bounceclass.engine import Engine  # noqa: PLC0415  only a child needs it
    from bounceclass.model import encode  # noqa: PLC0415

    engine = Engine()
    for innocent in (OF_ONE + b"Diagnostic-Code: smtp; 550 5.1.1 user unknown\n", in_notice(b"550 5.1.1 <a@example.org> user unknown")):
        encode(engine.classify(innocent))
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak of memory starts anew
    idle, begin = _memory("VmRSS"), time.process_time()
    report = engine.classify(raw)
    encode(report)
    seconds = time.process_time() - begin
    defects = " ".join(dict.fromkeys(defect.code for defect in report.defects))
    return Cost(seconds, (_memory("VmHWM") - idle) / 1024, len(report.events), report.format, defects)


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def cost_of(name: str) -> Cost:
    """Read a bomb in a child with limits; raise CalledProcessError where it goes off."""
    command = [sys.executable, "-m", "tests.bombs", "--child"]
    done = subprocess.run(command, input=BOMBS[name](), cwd=TOP, preexec_fn=_limit, capture_output=True, check=True)  # noqa: S603  ourselves; no thread runs here
    return msgspec.json.decode(done.stdout, type=Cost)


def main(names: list[str]) -> None:
    """Print the table, or what a bomb on standard input costs as JSON."""
    if names == ["--child"]:
        sys.stdout.buffer.write(msgspec.json.encode(measure(sys.stdin.buffer.read())))
        return
    costs = {}
    for name in names or BOMBS:
        try:
            costs[name] = cost_of(name)
        except subprocess.CalledProcessError as error:
            costs[name] = Cost(CPU_SECONDS, 0, 0, None, f"it went off: {error.returncode} {error.stderr[-200:]!r}")
    for name, cost in sorted(costs.items(), key=lambda one: -one[1].seconds):
        print(f"{cost.seconds * 1000:6.0f} ms {cost.megabytes:6.1f} MB {cost.events:6} events  {name}: {cost.defects}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
