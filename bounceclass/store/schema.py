"""The tables, as they are now; how they came to be is in `migrations`.

    events        one row for each event key: what happened, what was decided; evidence: further reports of it
    failures      one row for each mailing that an address did not get: what the score is counted from
    addresses     since when an address is known, and its last delivery; deliveries: those of who has failures
    suppressions  one row for each cause; an address is suppressed while any is active; `lapsed_at` is when its end was passed on
    history       who did what, when and why: added to, never changed
    outbox        calls of plugins' hooks, until they are done
    sent, queues, tags, attempts       what trust and the runner look up
    tallies, incidents, held           the brake: counts by the hour, what is open, what waits
    facts         about the database itself

Columns `address`, `addressed`, `domain` and `named` hold the comparable form, or its HMAC; `recipient` is as written.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import JSON, BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.types import TypeDecorator

from bounceclass.model import clean_text

if TYPE_CHECKING:
    from sqlalchemy import Dialect

__all__ = [
    "VERSION",
    "addresses",
    "attempts",
    "deliveries",
    "events",
    "evidence",
    "facts",
    "failures",
    "held",
    "history",
    "incidents",
    "metadata",
    "outbox",
    "queues",
    "sent",
    "suppressions",
    "tags",
    "tallies",
]

VERSION: Final = "0005"
"""The newest of the migrations."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """A time as microseconds since 1970 in UTC: no driver's idea of time zones comes between, and maps can compare it."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  SQLAlchemy's signature
        return None if value is None else (value - _EPOCH) // _TICK

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  as above
        return None if value is None else _EPOCH + value * _TICK


class Words(TypeDecorator[str]):
    """Text that either database takes: no lone surrogate, and no NUL, which PostgreSQL refuses."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  as above
        return None if value is None else clean_text(value).replace("\0", "\ufffd")


metadata: Final = MetaData()
_Id: Final = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up integers only


def _text(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, Words, primary_key=key, nullable=null)


def _time(name: str, *, null: bool = False) -> Column[datetime]:
    return Column(name, Moment, nullable=null)


def _id() -> Column[int]:
    return Column("id", _Id, primary_key=True)


facts: Final = Table("facts", metadata, _text("name", key=True), _text("value"))

events: Final = Table(
    "events",
    metadata,
    _text("key", key=True),
    _text("kind"),
    _text("addressed", null=True),
    _text("named", null=True),
    _text("domain", null=True),
    _text("recipient", null=True),
    _text("stream", null=True),
    _text("mailing"),
    _text("reason"),
    _text("scope"),
    _text("permanence"),
    _text("advice"),
    _text("grade"),
    _time("at"),
    _text("report"),
    Column("reports", Integer, nullable=False),
    _text("replaced_by", null=True),
    _text("action", null=True),
    _text("because", null=True),
    Index("events_addressed", "addressed", "at"),
    Index("events_named", "named"),
    Index("events_at", "at"),
)

evidence: Final = Table("evidence", metadata, _id(), _text("event"), _text("grade"), _time("at"), _text("report"), Index("evidence_event", "event"))

failures: Final = Table(
    "failures",
    metadata,
    _text("addressed", key=True),
    _text("mailing", key=True),
    _text("domain", null=True),
    _text("stream", null=True),
    _text("reason"),
    _text("scope"),
    Column("points", Float, nullable=False),
    _time("at"),
    _time("healed_at", null=True),
    Index("failures_domain", "domain", "scope", "at"),
)

addresses: Final = Table(
    "addresses",
    metadata,
    _text("address", key=True),
    _text("domain", null=True),
    _time("known_since"),
    _time("delivered_at", null=True),
    _text("delivered_mailing", null=True),
    _text("delivered_stream", null=True),
    Index("addresses_domain", "domain", "delivered_at"),
)

deliveries: Final = Table("deliveries", metadata, _text("address", key=True), _text("mailing", key=True), _time("at"), _text("stream", null=True))

suppressions: Final = Table(
    "suppressions",
    metadata,
    _id(),
    _text("address", null=True),
    _text("domain", null=True),
    _text("recipient", null=True),
    _text("scope", null=True),
    _text("reason"),
    _time("since"),
    _time("until", null=True),
    Column("cause", JSON, nullable=False),
    _text("by"),
    _text("account", null=True),
    _text("provider", null=True),
    _time("lifted_at", null=True),
    _text("lifted_by", null=True),
    _time("lapsed_at", null=True),
    Index("suppressions_address", "address"),
    Index("suppressions_domain", "domain"),
    Index("suppressions_since", "since"),
    Index("suppressions_until", "until"),
)

history: Final = Table(
    "history",
    metadata,
    _id(),
    _time("at"),
    _text("by"),
    _text("what"),
    _text("address", null=True),
    _text("domain", null=True),
    _text("event", null=True),
    _text("why"),
    Index("history_address", "address"),
    Index("history_domain", "domain"),
)

outbox: Final = Table(
    "outbox",
    metadata,
    _id(),
    _text("plugin"),
    _text("hook"),
    _text("key"),
    _text("address", null=True),
    Column("payload", LargeBinary, nullable=True),
    Column("attempts", Integer, nullable=False),
    _time("not_before", null=True),
    _text("state"),
    _text("fault", null=True),
    _time("done_at", null=True),
    Column("queued_at", Moment, nullable=True, default=lambda: datetime.now(UTC)),
    UniqueConstraint("plugin", "hook", "key", name="outbox_call"),
    Index("outbox_state", "plugin", "state", "id"),
    Index("outbox_address", "address", "plugin", "state"),
)

sent: Final = Table(
    "sent",
    metadata,
    _text("mailing", key=True),
    _text("address", key=True),
    _text("recipient", null=True),
    _text("stream", null=True),
    _text("fingerprint", null=True),
    _time("at"),
    Index("sent_address", "address"),
    Index("sent_fingerprint", "fingerprint"),
    Index("sent_at", "at"),
)

queues: Final = Table("queues", metadata, _text("queue", key=True), _text("address", key=True), _time("at"), Index("queues_address", "address"))
tags: Final = Table("tags", metadata, _text("tag", key=True), _text("address", key=True), Index("tags_address", "address"))
attempts: Final = Table("attempts", metadata, _text("key", key=True), Column("count", Integer, nullable=False))

tallies: Final = Table(
    "tallies",
    metadata,
    _text("counter", key=True),
    Column("hour", Moment, primary_key=True),
    Column("count", Integer, nullable=False),
    Index("tallies_hour", "hour"),
)

incidents: Final = Table(
    "incidents", metadata, _id(), _text("name"), _time("opened_at"), _time("closed_at", null=True), _text("because"), Index("incidents_name", "name")
)

held: Final = Table(
    "held",
    metadata,
    _id(),
    _text("incident", null=True),
    _text("event"),
    _text("address", null=True),
    Column("suppression", JSON, nullable=True),
    _text("because"),
    _time("at"),
    _time("until", null=True),
    _text("state"),
    Index("held_state", "state", "incident"),
    Index("held_address", "address"),
)
