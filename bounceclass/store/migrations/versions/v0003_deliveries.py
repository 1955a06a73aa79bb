"""Deliveries of those who have failures: what heals somebody who is mailed daily."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "deliveries",
        Column("address", Text, primary_key=True),
        Column("mailing", Text, primary_key=True),
        Column("at", BigInteger, nullable=False),
    )
