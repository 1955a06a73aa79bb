"""What holds for any bytes at all, and for every sample however damaged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceclass.engine import Engine
from bounceclass.message import DELIVERY, Message
from bounceclass.model import Kind, Report, decode, encode
from bounceclass.reader import read
from bounceclass.settings import DEFAULT, Limits, Settings

REPOSITORY: Final = Path(__file__).parent.parent
SAMPLES: Final = {str(path): path.read_bytes() for path in sorted((REPOSITORY / "samples").glob("*/*.eml"))}
ENGINE: Final = Engine()
STDLIB: Final = Engine(Settings(parser="stdlib"))
COMPILED: Final = Engine(Settings(parser="fast-mail-parser"))
TINY: Final = Settings(
    limits=Limits(
        message=3000, head=1500, parts=3, depth=1, headers=5, header_block=400, header_value=40, text=100, status=300, recipients=2, diagnostic=30, rule_text=20
    )
)

# --- made from nothing

PIECES: Final = st.sampled_from(
    [
        b"\n", b"\r\n", b"\r", b"\n\n", b"\x00", b"\xff", b"\x1b$B", b" ", b"--b\n", b"--b--\n", b"--c\n", b"=\n", b"=?utf-8?q?a?=", b"=?utf-8?b?",
        b"Content-Type: multipart/report; boundary=b\n", b'Content-Type: multipart/mixed;\nboundary="c"\n', b"Content-Type: text/plain; charset=euc-kr\n",
        b"Content-Type: text/html\n", b"Content-Type: message/rfc822\n", b"Content-Type: message/delivery-status\n",
        b"Content-Type: message/global-delivery-status\n", b"Content-Type: message/feedback-report\n", b"Content-Type: message/disposition-notification\n",
        b"Content-Type: text/rfc822-headers\n", b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: quoted-printable\n",
        b"Final-Recipient: rfc822; a@example.org\n", b"Original-Recipient: rfc822;b+2B@example.org\n", b"Action: failed\n", b"Action: delayed\n",
        b"Status: 5.1.1\n", b"Status: 4.0.0 (x)\n", b"Diagnostic-Code: smtp; 550 5.1.1 no such user\n", b"Diagnostic-Code: smtp; 452", b"421 4.7.0 ",
        b"Feedback-Type: abuse\n", b"Original-Rcpt-To: <a@example.org>\n", b"Disposition: automatic-action/x; deleted\n", b"From: mailer-daemon@example.com\n",
        b"Subject: unsubscribe\n", b"Subject: Rejected: \n", b"Auto-Submitted: auto-replied\n", b"Date: Mon, 05 Jan 2026 10:00:00 +0100\n",
        b"X-Failed-Recipients: a@example.org\n", b"<br>", b"&lt;", b"https://example.org/", b"a@example.org", b"192.0.2.1",
    ]
)  # fmt: skip
ANY: Final = st.lists(PIECES | st.binary(max_size=8), max_size=30).map(b"".join)


@given(ANY, st.sampled_from([ENGINE, STDLIB, COMPILED]), st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=10))
@settings(max_examples=400, deadline=None)
def test_any_bytes_give_a_report_that_is_written_and_read_back_equal(raw: bytes, engine: Engine, source: str | None) -> None:
    report = engine.classify(raw, source)
    assert decode(encode(report)) == report
    assert report.source == source


@given(ANY)
@settings(max_examples=150, deadline=None)
def test_the_same_bytes_give_the_same_report(raw: bytes) -> None:
    assert ENGINE.classify(raw) == ENGINE.classify(bytes(bytearray(raw)))


@given(ANY | st.sampled_from(list(SAMPLES.values())), st.booleans())
@settings(max_examples=200, deadline=None)
def test_tiny_limits_never_raise_and_hold(raw: bytes, cut: bool) -> None:  # noqa: FBT001  hypothesis gives it
    report = read(raw, TINY, cut=cut)
    assert decode(encode(report)) == report
    assert all(len(event.diagnostic or "") <= 30 for event in report.events if event.kind is not Kind.AUTO_REPLY)
    assert not cut or report.defects[0].code == "message-too-large"


# --- mails built well

WORDS: Final = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\x85"), max_size=30)
REPLIES: Final = st.sampled_from(["550 5.1.1 No such user", "452 4.2.2 Full", "554 5.7.1 Blocked by 192.0.2.1", "421 Try again", "No words"]) | WORDS
ACTIONS: Final = st.sampled_from(["failed", "delayed", "delivered", "relayed", "expanded", "odd"])


@st.composite
def groups(draw: st.DrawFn) -> str:
    name = draw(st.from_regex(r"[a-z]{1,8}", fullmatch=True))
    lines = [f"Final-Recipient: rfc822; {name}@example.org", f"Action: {draw(ACTIONS)}", f"Status: {draw(st.sampled_from(['5.1.1', '4.2.2', '5.0.0', 'x']))}"]
    if draw(st.booleans()):
        lines.append(f"Diagnostic-Code: smtp; {draw(REPLIES)}\n  {draw(REPLIES)}")
    if draw(st.booleans()):
        lines.append(f"Remote-MTA: dns; {name}.example.org")
    return "\n".join(lines) + "\n"


@st.composite
def mails(draw: st.DrawFn) -> str:
    """A delivery status notification with LF line ends."""
    notice = "\n".join(draw(st.lists(REPLIES.filter(lambda line: not line.startswith("--b=")), max_size=4)))
    status = "\n".join(["Reporting-MTA: dns; mx.example.com\n", *draw(st.lists(groups(), min_size=1, max_size=3))])
    subject = draw(WORDS)
    returned = f"\n--b=1\nContent-Type: message/rfc822\n\nSubject: {draw(WORDS)}\nMessage-ID: <1@example.com>\n\nbody\n" if draw(st.booleans()) else ""
    return f"""Date: Mon, 05 Jan 2026 10:00:00 +0100
From: mailer-daemon@mx.example.com
Subject: {subject}
 and more
Content-Type: multipart/report;
\tboundary="b=1"

--b=1
Content-Type: text/plain; charset=utf-8

{notice}
--b=1
Content-Type: message/delivery-status; charset=utf-8

{status}{returned}
--b=1--
"""


@given(mails(), st.sampled_from([ENGINE, STDLIB, COMPILED]))
@settings(max_examples=100, deadline=None)
def test_line_ends_make_no_difference_to_what_a_mail_says(mail: str, engine: Engine) -> None:
    report = engine.classify(mail.encode())
    assert len(report.events) == mail.count("\nFinal-Recipient: ")
    assert engine.classify(mail.replace("\n", "\r\n").encode()) == report
    assert engine.classify(mail.replace("\n", "\r").encode()) == report


@pytest.mark.parametrize("path", [path for path, raw in SAMPLES.items() if b"\r" not in raw], ids=lambda path: "/".join(Path(path).parts[-2:]))
def test_line_ends_make_no_difference_to_what_a_sample_says(path: str) -> None:
    report = ENGINE.classify(SAMPLES[path])
    assert ENGINE.classify(SAMPLES[path].replace(b"\n", b"\r\n")) == report
    assert ENGINE.classify(SAMPLES[path].replace(b"\n", b"\r")) == report


# --- samples, damaged


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sample that lost its end, a line, or some bytes."""
    raw = draw(st.sampled_from(list(SAMPLES.values())))
    place = draw(st.integers(0, len(raw)))
    match draw(st.sampled_from(["truncate", "drop a line", "drop lines", "NUL", "random", "swap", "double"])):
        case "truncate":
            return raw[:place]
        case "drop a line" | "drop lines" as how:
            lines = raw.splitlines(keepends=True)
            at = draw(st.integers(0, len(lines)))
            return b"".join(lines[:at] + lines[at + (1 if how == "drop a line" else 5) :])
        case "NUL":
            return raw[:place] + b"\x00" * draw(st.integers(1, 4)) + raw[place:]
        case "random":
            return raw[:place] + draw(st.binary(min_size=1, max_size=20)) + raw[place + draw(st.integers(0, 20)) :]
        case "swap":
            return raw[place:] + raw[:place]
        case _:
            return raw + raw[place:]


def without_parser(report: Report) -> Report:
    return msgspec.structs.replace(report, parser=None)


@given(damaged(), st.sampled_from([ENGINE, STDLIB, COMPILED]))
@settings(max_examples=300, deadline=None)
def test_a_damaged_sample_gives_a_report_all_the_same(raw: bytes, engine: Engine) -> None:
    report = engine.classify(raw)
    assert decode(encode(report)) == report
    assert report == engine.classify(raw)


@given(damaged(), st.sampled_from([STDLIB, COMPILED]))
@settings(max_examples=400, deadline=None)
def test_every_parser_reads_a_damaged_sample_alike(raw: bytes, other: Engine) -> None:
    assert without_parser(ENGINE.classify(raw)) == without_parser(other.classify(raw))


@given(damaged() | mails().map(str.encode) | ANY)
@settings(max_examples=250, deadline=None)
def test_a_mail_with_a_delivery_status_part_always_has_an_event(raw: bytes) -> None:
    if Message(raw, DEFAULT).of_type(DELIVERY):
        report = ENGINE.classify(raw)
        assert len(report.events) >= 1
        assert report.kind is not Kind.OTHER


# --- what is remembered


@given(st.lists(damaged() | mails().map(str.encode), min_size=1, max_size=6))
@settings(max_examples=12, deadline=None)
def test_what_an_engine_remembers_agrees_with_a_fresh_one(raws: list[bytes]) -> None:
    fresh = Engine()
    reports = [fresh.classify(raw) for raw in raws]
    assert [ENGINE.classify(raw) for raw in raws] == reports
    assert [ENGINE.classify(raw) for raw in reversed(raws)] == reports[::-1]


COMMANDS: Final = st.sampled_from([None, "connect", "mail", "rcpt", "data", "body"])
HOSTS: Final = st.sampled_from([None, "mx.example.org", "mx.example.com"])


@given(st.lists(st.tuples(REPLIES, COMMANDS, HOSTS), min_size=1, max_size=8))
@settings(max_examples=12, deadline=None)
def test_what_an_engine_remembers_of_replies_agrees_with_a_fresh_one(said: list[tuple[str, str | None, str | None]]) -> None:
    fresh = Engine()
    events = [fresh.reply(line, command=command, host=host) for line, command, host in said]
    assert [ENGINE.reply(line, command=command, host=host) for line, command, host in reversed(said)] == events[::-1]


READ_ALL: Final = """
import sys
from pathlib import Path
from bounceclass.engine import Engine
from bounceclass.model import encode
engine = Engine()
for path in sys.stdin.read().splitlines():
    sys.stdout.buffer.write(encode(engine.classify(Path(path).read_bytes(), path)) + b"\\n")
"""


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_reads_the_samples_the_same_in_any_order(seed: str) -> None:
    paths = list(SAMPLES) if seed == "1" else list(reversed(SAMPLES))
    done = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", READ_ALL],
        input="\n".join(paths).encode(),
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": seed, "LC_ALL": "C", "TZ": "Asia/Seoul", "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.stdout.splitlines() == [encode(ENGINE.classify(SAMPLES[path], path)) for path in paths]
