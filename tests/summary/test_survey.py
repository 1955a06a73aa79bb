"""Questions to the database: both give the same answers, and neither reads more than the span."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import event

from bounceclass.model import Reason, Suppression
from bounceclass.store.figures import Entered, Span
from tests.store.conftest import server, url  # noqa: F401  fixtures: both databases
from tests.summary.conftest import NOW, SINCE, record_sent

if TYPE_CHECKING:
    from bounceclass.assembly import Parts
    from bounceclass.store.survey import Survey

QUESTIONS = ("tallies", "origins", "faults", "entered", "senders", "incidents", "waiting", "sent")


def test_a_text_with_a_nul_is_read_like_any_other(filled: Parts) -> None:
    with filled.store.survey(SINCE, NOW) as survey:
        (fault,) = [one for one in survey.faults() if one.host == "mx.evil.test"]
        (report,) = survey.examples([fault.key]).values()
    assert (fault.reason, fault.count, report.events[0].recipient) == ("policy", 1, "mallory0@evil.test")


def test_nothing_outside_the_span_is_counted(filled: Parts) -> None:
    with filled.store.survey(NOW, NOW + timedelta(days=1)) as survey:
        assert [getattr(survey, name)() for name in ("tallies", "origins", "faults", "entered", "senders", "sent")] == [[], [], [], [], [], Span(None, 0)]
    with filled.store.survey(SINCE - timedelta(days=7), SINCE) as survey:
        assert sum(one.count for one in survey.tallies()) == 6


def test_what_people_entered_has_no_rule_and_what_was_lifted_says_so(parts: Parts) -> None:
    at = NOW - timedelta(hours=1)
    with parts.store.transaction() as ledger:
        for address in ("ruth@example.net", "paul@example.net"):
            ledger.suppress(Suppression(address=address, reason=Reason.USER_UNKNOWN, since=at, by="ann"))
        ledger.suppress(Suppression(domain="gone.test", reason=Reason.DOMAIN_UNKNOWN, since=at, by="ann"))
        ledger.release(Suppression(address="paul@example.net", reason=Reason.USER_UNKNOWN, since=at, by="ann"), at=at, by="ann")
    with parts.store.survey(SINCE, NOW) as survey:
        found = sorted(survey.entered(), key=lambda one: one.reason)
    domain = Entered(reason="domain-unknown", by="ann", rule=None, pack=None, count=1, lifted=0, domains=1, key=None)
    assert found == [domain, msgspec.structs.replace(domain, reason="user-unknown", count=2, lifted=1, domains=0)]


def test_the_sent_log_tells_from_its_first_line_on(parts: Parts) -> None:
    record_sent(parts, 10, NOW - timedelta(minutes=5))
    with parts.store.survey(SINCE, NOW) as survey:
        assert survey.sent() == Span(NOW - timedelta(minutes=5), 5)


def plan(survey: Survey, name: str) -> str:
    """How SQLite answers a question."""
    connection = survey._connection  # noqa: SLF001  what nobody else needs
    said: list[str] = []

    def explain(statement: str, parameters: tuple[object, ...]) -> None:
        if statement.startswith(("SELECT", "WITH")):
            raw = connection.connection.driver_connection
            assert raw is not None
            said.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    def listen(_connection: object, _cursor: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
        explain(statement, parameters)

    event.listen(connection, "before_cursor_execute", listen)
    list(survey.unknown(10)) if name == "unknown" else getattr(survey, name)()
    event.remove(connection, "before_cursor_execute", listen)
    return "\n".join(said)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("name", "index"),
    [
        *((name, "events USING INDEX events_at (at>? AND at<?)") for name in ("tallies", "origins", "faults", "senders", "unknown")),
        ("entered", "suppressions USING INDEX suppressions_since (since>? AND since<?)"),
        ("entered", "events USING INDEX sqlite_autoindex_events_1 (key=?)"),
        ("waiting", "held USING INDEX held_state (state=?)"),
        ("sent", "sent USING COVERING INDEX sent_at"),
    ],
)
def test_a_question_reads_the_span_by_an_index(filled: Parts, name: str, index: str) -> None:
    record_sent(filled, 10, SINCE)
    with filled.store.survey(SINCE, NOW) as survey:
        assert index in plan(survey, name)
