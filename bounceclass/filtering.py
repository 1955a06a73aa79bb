"""What a filter passes on to an application, and what it writes into the mail. Pure: bytes and verdicts in, a Ruling out.

    passes    what is no bounce; probes; what isn't understood; and of bounces what counts against an address:
              suppress   an event whose advice is suppress
              count      ... or count
              policy     an event about somebody whom our policy suppresses (the caller knows)
    stays     faults of the sender, delays, and what has passed here twice already: a loop

Only what is surely nobody's fault is held back, so that the filter loses nothing when it is wrong.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.controls import printable
from bounceclass.knowledge import data_file
from bounceclass.mime.headers import end_of_headers
from bounceclass.model import Advice, Kind, Reason
from bounceclass.wrapping import addresses_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounceclass.model import Event, Report

__all__ = ["FAILED_OPEN", "Pass", "Ruling", "is_loop", "mark", "probe_of", "rule_on"]

_FIELD: Final = re.compile(rb"^([!-9;-~]+)[ \t]*:((?:[^\r\n]*(?:\r\n|\n|\r|\Z))(?:[ \t][^\r\n]*(?:\r\n|\n|\r|\Z))*)", re.MULTILINE)
_OURS: Final = b"x-bounceclass-"
_FILTER: Final = "X-Bounceclass-Filter"
_TO: Final = (b"to", b"delivered-to", b"x-original-to", b"envelope-to", b"apparently-to")
_MOST_HEADERS: Final = 1024 * 1024
_FAILURES: Final = frozenset({Kind.BOUNCE, Kind.DELAY})
_TIMES: Final = 2
"""Ways through one filter, after which it is a loop: from the first to the second there may be a redirection."""


class Pass(StrEnum):
    """What of bounces passes."""

    SUPPRESS = "suppress"
    COUNT = "count"
    POLICY = "policy"


class Ruling(msgspec.Struct, frozen=True):
    """Whether a mail passes, and why in a few words."""

    passes: bool
    because: str


class _Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    pattern: str
    evidence: str


FAILED_OPEN: Final = "the filter failed"


def rule_on(report: Report, passing: Pass, raw: bytes, recipient: str | None, suppressed: Iterable[str] = ()) -> Ruling:
    """Decide about a mail by its report; `suppressed` are the recipients of it whom our policy suppresses, for Pass.POLICY."""
    if probe := probe_of(raw, recipient):
        return Ruling(passes=True, because=f"a probe ({probe})")
    if report.kind not in _FAILURES:
        return Ruling(passes=True, because=f"no bounce: {report.kind}")
    if not report.events or any(_is_open(event) for event in report.events):
        return Ruling(passes=True, because="not understood")
    wanted = {Advice.SUPPRESS, Advice.COUNT} if passing is Pass.COUNT else {Advice.SUPPRESS}
    if passing is Pass.POLICY:
        whom = next(iter(suppressed), None)
        return Ruling(passes=True, because=f"suppressed: {whom}") if whom is not None else Ruling(passes=False, because=_said(report.events))
    against = [event for event in report.events if event.kind is Kind.BOUNCE and event.verdict.advice in wanted]
    return Ruling(passes=bool(against), because=_said(against or report.events))


def _is_open(event: Event) -> bool:
    """Tell whether what an event means is left to people; a delay that says nothing is only a delay."""
    return event.kind is Kind.BOUNCE and (event.verdict.reason is Reason.UNDETERMINED or event.verdict.advice is Advice.REVIEW)


def _said(events: Iterable[Event]) -> str:
    return ", ".join(dict.fromkeys(f"{event.verdict.reason}: {event.verdict.advice}" for event in events))[:200]


@cache
def _probes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    rows = msgspec.toml.decode(data_file("probes.toml"), type=dict[str, list[_Probe]])["probe"]
    return tuple((row.name, re.compile(row.pattern, re.IGNORECASE)) for row in rows)


def probe_of(raw: bytes, recipient: str | None) -> str | None:
    """Return which kind of probe was answered, by the address that the mail was sent to; None where none was."""
    told = [value.decode("latin-1") for name, value in _fields(raw) if name in _TO]
    for address in [recipient or "", *(one for text in told for one in addresses_in(text[:2000])[:20])]:
        local = address.rpartition("@")[0][:256]
        if found := next((name for name, pattern in _probes() if pattern.search(local)), None):
            return found
    return None


def is_loop(raw: bytes, host: str) -> bool:
    """Tell whether a mail has come through the filter of this host more than once already."""
    by = f"by={host};".encode()
    return sum(name == _FILTER.lower().encode() and by in value for name, value in _fields(raw)) >= _TIMES


def mark(raw: bytes, report: Report | None, ruling: Ruling, host: str) -> bytes:
    """Return the mail with what we say of it on top. Fields of ours that it had are taken out, but for those of this host that tell of a loop.

    Everything else stays octet by octet, the null sender too.
    """
    start, _ = end_of_headers(raw, 0, len(raw), _MOST_HEADERS)
    by = f"by={host};".encode()

    def keep(match: re.Match[bytes]) -> bytes:
        name = match[1].lower()
        ours = name.startswith(_OURS) and not (name == _FILTER.lower().encode() and by in match[2])
        return b"" if ours else match[0]

    end = b"\r\n" if b"\r\n" in raw[:2000] else b"\n"
    word = "pass" if ruling.passes else "stay"
    lines = [f"{_FILTER}: {word}; by={host}; {printable(ruling.because)}"]
    for event in report.events[:20] if report else ():
        verdict = event.verdict
        lines.append(f"X-Bounceclass-Verdict: {verdict.advice}; {verdict.reason}; {verdict.permanence}; {printable(event.recipient or '-')[:400]}")
    first = raw.find(b"\n") + 1 if raw.startswith(b"From ") else 0  # of a local delivery: it stays the first line
    return raw[:first] + b"".join(line.encode("ascii", "backslashreplace") + end for line in lines) + _FIELD.sub(keep, raw[first:start]) + raw[start:]


def _fields(raw: bytes) -> list[tuple[bytes, bytes]]:
    start, _ = end_of_headers(raw, 0, len(raw), _MOST_HEADERS)
    return [(match[1].lower(), match[2]) for match in _FIELD.finditer(raw[:start])]
