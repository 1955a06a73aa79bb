"""What happened in a span of time, counted by the database: of a million events a few hundred rows come back.

Reads only. What the report of an event says is taken out of its JSON by the database, too. Reports about mail
that nothing ties to ours (trust `none`) are in the tallies and among the claimed senders, and nowhere else: whoever
forges bounces must not tell the operator what to do. A delay that has become a failure is not counted twice.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import JSON, BigInteger, Text, case, cast, func, or_, select, type_coerce
from sqlalchemy.types import TypeDecorator

from bounceclass.case import ACTING
from bounceclass.model import Action, Advice, Kind, Reason, Report, Scope, Trust, decode
from bounceclass.store.brake import HELD
from bounceclass.store.figures import Entered, Fault, Origin, Sender, Span, Tally, Waiting
from bounceclass.store.records import Incident
from bounceclass.store.schema import events, held, incidents, sent, suppressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import ColumnElement, Connection, Dialect, Row

__all__ = ["Survey"]

_DAY: Final = 86_400_000_000
_MOST_GROUPS: Final = 100_000
"""Rows that one question may bring: the largest groups."""
_PAGE: Final = 500
_e: Final = events.c
_FAILURES: Final = (Kind.BOUNCE, Kind.DELAY)


class _Quoted(TypeDecorator[str]):
    """A piece of JSON as either database hands it out: read here, for PostgreSQL has no text with a NUL."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  SQLAlchemy's signature
        return None if value is None else msgspec.json.decode(value, type=str | None)


class Survey:
    """Questions about one span of time, its end left out, over one state of the store. Made by `Database.survey`."""

    def __init__(self, connection: Connection, since: datetime, until: datetime) -> None:
        """Take the connection on which a transaction has begun."""
        self._connection = connection
        self._since = since
        self._until = until
        self._within = (_e.at >= since) & (_e.at < until)
        self._failed = self._within & _e.kind.in_(_FAILURES) & _e.replaced_by.is_(None) & (_e.grade != Trust.NONE)

    def tallies(self) -> list[Tally]:
        """Count all events, by all that is in a column."""
        alike = (_e.kind, _e.reason, _e.scope, _e.grade, _e.action)
        day = (type_coerce(_e.at, BigInteger) // _DAY).label("day")
        inner = select(day, *alike, _e.reports).where(self._within, _e.replaced_by.is_(None)).subquery()
        c = inner.c
        keys = [c[column.name] for column in (day, *alike)]
        again = func.sum(case((c.reports > 1, 1), else_=0))
        rows = self._rows(select(*keys, func.count().label("count"), again.label("again"), func.sum(c.reports - 1).label("further")).group_by(*keys))
        return [Tally(**{**row._asdict(), "day": date.fromordinal(_EPOCH + row.day), "again": int(row.again), "further": int(row.further)}) for row in rows]

    def origins(self) -> list[Origin]:
        """Count failures by the recipient's domain and the host that told of them, the most first."""
        inner = select(_e.domain, self._said("remote_mta").label("host")).where(self._failed).subquery()
        rows = self._rows(_largest(select(inner.c.domain, inner.c.host, func.count().label("count")).group_by(inner.c.domain, inner.c.host)))
        return [Origin(**row._asdict()) for row in rows]

    def faults(self) -> list[Fault]:
        """Count the failures that the sender can end: those of scope sender, and those whose advice is fix."""
        ours = or_(_e.scope == Scope.SENDER, _e.advice == Advice.FIX)
        # Long JSON is read as seldom as can be, which PostgreSQL has to be told: details are short.
        words = case((_e.reason == Reason.AUTHENTICATION_FAILED, func.lower(type_coerce(self._said("diagnostic"), Text))), else_="")
        picked = select(
            _e.reason, _e.domain, self._said("remote_mta").label("host"), type_coerce(self._said("verdict", "details"), Text).label("details"),
            func.coalesce(words, "").label("words"), _e.grade, _e.at, _e.key,
        ).where(self._failed, ours).cte("picked").prefix_with("MATERIALIZED", dialect="postgresql")  # fmt: skip
        p = picked.c
        detail = (self._part(p.details, key).label(name) for name, key in (("ip", "ip"), ("blocklist", "blocklist"), ("ours", "domain")))
        named = (case((p.words.contains(check), 1), else_=0).label(check) for check in _CHECKS)
        c = select(p.reason, p.domain, p.host, *detail, *named, p.grade, p.at, p.key).subquery().c
        keys = (c.reason, c.domain, c.host, c.ip, c.blocklist, c.ours, c.dmarc, c.spf, c.dkim)
        believed = func.sum(case((c.grade.in_([*ACTING, Trust.DKIM]), 1), else_=0)).label("believed")
        span = func.min(c.at).label("first"), func.max(c.at).label("last"), func.max(c.key).label("key")
        rows = self._rows(_largest(select(*keys, func.count().label("count"), believed, *span).group_by(*keys)))
        return [_fault(row._asdict()) for row in rows]

    def entered(self) -> list[Entered]:
        """Count entries of the suppression list that began in the span, with the rule on whose word."""
        t = suppressions.c
        rule, pack = (self._said("verdict", "evidence", 0, key).label(key) for key in ("rule", "pack"))
        joined = suppressions.outerjoin(events, _e.key == t.cause[0].as_string())
        within = (t.since >= self._since) & (t.since < self._until)
        inner = select(t.reason, t.by, rule, pack, t.lifted_at, t.domain, _e.key).select_from(joined).where(within).subquery()
        c = inner.c
        keys = (c.reason, c.by, c.rule, c.pack)
        counts = func.count().label("count"), func.count(c.lifted_at).label("lifted"), func.count(c.domain).label("domains"), func.max(c.key).label("key")
        return [Entered(**row._asdict()) for row in self._rows(_largest(select(*keys, *counts).group_by(*keys)))]

    def unknown(self, limit: int) -> Iterator[Report]:
        """Yield failures that no rule knows, the newest first."""
        wanted = select(_e.report).where(self._failed, _e.reason == Reason.UNDETERMINED).order_by(_e.at.desc()).limit(limit)
        for row in self._connection.execute(wanted.execution_options(yield_per=_PAGE)):
            yield decode(row.report)

    def senders(self) -> list[Sender]:
        """Count what nothing ties to mail of ours and led to nothing, by the From of the mail that is said to have come back."""
        stray = self._within & _e.grade.in_([Trust.NONE, Trust.PLAUSIBLE]) & or_(_e.action.is_(None), _e.action == Action.NONE)
        inner = select(self._field("original", "from").label("claimed")).where(stray).subquery()
        return [Sender(**row._asdict()) for row in self._rows(_largest(select(inner.c.claimed, func.count().label("count")).group_by(inner.c.claimed)))]

    def incidents(self) -> list[Incident]:
        """Return the incidents that are open, were in the span, or hold something still, the oldest first."""
        holding = select(held.c.incident).where(held.c.state == HELD, held.c.incident.is_not(None))
        open_then = incidents.c.closed_at.is_(None) | (incidents.c.closed_at >= self._since) | incidents.c.name.in_(holding)
        wanted = select(incidents.c.name, incidents.c.opened_at, incidents.c.closed_at, incidents.c.because)
        return [Incident(**row._asdict()) for row in self._rows(wanted.where(open_then).order_by(incidents.c.id))]

    def waiting(self) -> list[Waiting]:
        """Count what is held now: by incident, and what somebody has to look at by its sentence."""
        because = case((held.c.incident.is_(None), held.c.because), else_=None).label("because")
        inner = select(held.c.incident, because, held.c.at, held.c.until).where(held.c.state == HELD).subquery()
        c = inner.c
        counts = func.count().label("count"), func.min(c.at).label("since"), func.min(c.until).label("until")
        return [Waiting(**row._asdict()) for row in self._rows(_largest(select(c.incident, c.because, *counts).group_by(c.incident, c.because)))]

    def sent(self) -> Span:
        """Count what the sent log has of the span, from its first line on."""
        first = self._connection.scalar(select(func.min(sent.c.at)))
        if first is None or first >= self._until:
            return Span(None, 0)
        since = max(first, self._since)
        number = self._connection.scalar(select(func.count()).select_from(sent).where(sent.c.at >= since, sent.c.at < self._until))
        return Span(since, number or 0)

    def failed_since(self, since: datetime) -> tuple[int, int]:
        """Count bounces and complaints about mail of ours from a time on."""
        ours = (_e.at >= since) & (_e.at < self._until) & _e.grade.in_([*ACTING, Trust.DKIM])
        wanted = select(_e.kind, func.count().label("number")).where(ours, _e.kind.in_([Kind.BOUNCE, Kind.COMPLAINT])).group_by(_e.kind)
        rows = ((row.kind, row.number) for row in self._rows(wanted))
        found = dict(rows)
        return found.get(Kind.BOUNCE, 0), found.get(Kind.COMPLAINT, 0)

    def examples(self, keys: Iterable[str]) -> dict[str, Report]:
        """Return the reports of some events."""
        keys, found = list(dict.fromkeys(keys)), {}
        for start in range(0, len(keys), _PAGE):
            for row in self._rows(select(_e.key, _e.report).where(_e.key.in_(keys[start : start + _PAGE]))):
                found[row.key] = decode(row.report)
        return found

    def _said(self, *path: str | int) -> ColumnElement[Any]:
        """Return what an event says at a place of its JSON."""
        return self._field("events", 0, *path)

    def _field(self, *path: str | int) -> ColumnElement[Any]:
        return self._part(_e.report, *path)

    def _part(self, text: ColumnElement[Any], *path: str | int) -> ColumnElement[Any]:
        """Return what stands at a place of a text that is JSON."""
        if self._connection.dialect.name == "sqlite":
            place = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
            return type_coerce(func.json_quote(func.json_extract(text, place)), _Quoted)
        return type_coerce(cast(cast(text, JSON)[tuple(map(str, path))], Text), _Quoted)

    def _rows(self, wanted: Any) -> list[Row[Any]]:  # noqa: ANN401  a select
        return list(self._connection.execute(wanted))


_CHECKS: Final = ("dmarc", "spf", "dkim")
_EPOCH: Final = date(1970, 1, 1).toordinal()


def _fault(row: dict[str, Any]) -> Fault:
    named = {check: bool(row[check]) for check in _CHECKS}
    return Fault(**{**row, **named, "believed": int(row["believed"])})


def _largest(wanted: Any) -> Any:  # noqa: ANN401  a select with a `count`
    return wanted.order_by(func.count().desc()).limit(_MOST_GROUPS)
