"""The brake: counts by the hour, incidents, and what they hold."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Integer, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    op.create_table("tallies", _text("counter", key=True), _time("hour", key=True), _count("count"))
    op.create_index("tallies_hour", "tallies", ["hour"])
    op.create_table("incidents", _id(), _text("name"), _time("opened_at"), _time("closed_at", null=True), _text("because"))
    op.create_index("incidents_name", "incidents", ["name"])
    op.create_table(
        "held",
        _id(),
        _text("incident", null=True),
        _text("event"),
        _text("address", null=True),
        Column("suppression", JSON, nullable=True),
        _text("because"),
        _time("at"),
        _time("until", null=True),
        _text("state"),
    )
    op.create_index("held_address", "held", ["address"])
    op.create_index("held_state", "held", ["state", "incident"])


def _text(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=null)


def _time(name: str, *, key: bool = False, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=null)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _id() -> Column[int]:
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
