"""What holds of any Report, whatever the bytes were: asked by the fuzz targets of what they read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bounceclass.cli import output
from bounceclass.model import Advice, Kind, Permanence, Reason, Scope, decode, encode, gravest

if TYPE_CHECKING:
    from bounceclass.model import Event, Report

__all__ = ["hold", "hold_of_event"]

_STEERING: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ENDS: Final = re.compile(r"[\0\n\r]")
_CONSENT: Final = {Reason.COMPLAINT, Reason.UNSUBSCRIBE}
_ROWS: Final = output.Rows(why=True)


def hold(report: Report) -> None:
    """Raise AssertionError where a Report is none that an Engine may give."""
    assert decode(encode(report)) == report, "written and read back, it differs"
    assert report.kind is gravest(report.events), "its kind is not the gravest of its events"
    assert report.kind is Kind.OTHER or report.events, "it tells of something, and has no event"
    for event in report.events:
        hold_of_event(event)
    for line in _ROWS.report(report):
        assert not _STEERING.search(line), f"a row steers the terminal: {line!r}"
    assert not re.search(rb"[\x00-\x1f]", encode(report)), "a control character in JSON"


def hold_of_event(event: Event) -> None:
    """Raise AssertionError where an event's verdict does not rest on what it says, or silences somebody without cause."""
    verdict = event.verdict
    if verdict.advice is Advice.SUPPRESS:
        assert verdict.scope in {Scope.ADDRESS, Scope.DOMAIN}, verdict
        assert verdict.permanence is Permanence.PERMANENT or verdict.reason in _CONSENT, verdict
    assert verdict.evidence or event.kind is Kind.OTHER, "a verdict without evidence"
    for evidence in verdict.evidence:
        value = getattr(event, evidence.field)
        text = "" if value is None else str(value)
        assert 0 <= evidence.start <= evidence.end <= len(text), f"evidence outside the {evidence.field}: {evidence}"
        assert text[evidence.start : evidence.end] == evidence.text, f"evidence is not what stands there: {evidence}"
    values = (event.recipient, event.original_recipient, event.diagnostic, event.remote_mta, event.reporting_mta)
    assert not any(_ENDS.search(text or "") for text in values), "a line end or NUL in a value"
