"""The ledger: events, failures, suppressions, history, outbox, and what trust looks up."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Float, Integer, LargeBinary, Text, UniqueConstraint

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table("facts", _text("name", key=True), _text("value"))
    op.create_table(
        "events",
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
        _count("reports"),
        _text("replaced_by", null=True),
        _text("action", null=True),
        _text("because", null=True),
    )
    op.create_index("events_addressed", "events", ["addressed", "at"])
    op.create_index("events_at", "events", ["at"])
    op.create_index("events_named", "events", ["named"])
    op.create_table("evidence", _id(), _text("event"), _text("grade"), _time("at"), _text("report"))
    op.create_index("evidence_event", "evidence", ["event"])
    op.create_table(
        "failures",
        _text("addressed", key=True),
        _text("mailing", key=True),
        _text("domain", null=True),
        _text("stream", null=True),
        _text("reason"),
        _text("scope"),
        Column("points", Float, nullable=False),
        _time("at"),
        _time("healed_at", null=True),
    )
    op.create_index("failures_domain", "failures", ["domain", "scope", "at"])
    op.create_table(
        "addresses",
        _text("address", key=True),
        _text("domain", null=True),
        _time("known_since"),
        _time("delivered_at", null=True),
        _text("delivered_mailing", null=True),
    )
    op.create_index("addresses_domain", "addresses", ["domain", "delivered_at"])
    op.create_table(
        "suppressions",
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
    )
    op.create_index("suppressions_address", "suppressions", ["address"])
    op.create_index("suppressions_domain", "suppressions", ["domain"])
    op.create_index("suppressions_since", "suppressions", ["since"])
    op.create_table(
        "history",
        _id(),
        _time("at"),
        _text("by"),
        _text("what"),
        _text("address", null=True),
        _text("domain", null=True),
        _text("event", null=True),
        _text("why"),
    )
    op.create_index("history_address", "history", ["address"])
    op.create_index("history_domain", "history", ["domain"])
    op.create_table(
        "outbox",
        _id(),
        _text("plugin"),
        _text("hook"),
        _text("key"),
        _text("address", null=True),
        Column("payload", LargeBinary, nullable=True),
        _count("attempts"),
        _time("not_before", null=True),
        _text("state"),
        _text("fault", null=True),
        _time("done_at", null=True),
        UniqueConstraint("plugin", "hook", "key", name="outbox_call"),
    )
    op.create_index("outbox_address", "outbox", ["address", "plugin", "state"])
    op.create_index("outbox_state", "outbox", ["plugin", "state", "id"])
    op.create_table(
        "sent",
        _text("mailing", key=True),
        _text("address", key=True),
        _text("recipient", null=True),
        _text("stream", null=True),
        _text("fingerprint", null=True),
        _time("at"),
    )
    op.create_index("sent_address", "sent", ["address"])
    op.create_index("sent_at", "sent", ["at"])
    op.create_index("sent_fingerprint", "sent", ["fingerprint"])
    op.create_table("queues", _text("queue", key=True), _text("address", key=True), _time("at"))
    op.create_index("queues_address", "queues", ["address"])
    op.create_table("tags", _text("tag", key=True), _text("address", key=True))
    op.create_index("tags_address", "tags", ["address"])
    op.create_table("attempts", _text("key", key=True), _count("count"))


def _text(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=null)


def _time(name: str, *, key: bool = False, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=null)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _id() -> Column[int]:
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
