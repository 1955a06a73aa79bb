"""Which stream a delivery was of: what one list's mail tells heals nothing of another's."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; what was kept before is of no stream that is known."""
    op.add_column("deliveries", Column("stream", Text, nullable=True))
    op.add_column("addresses", Column("delivered_stream", Text, nullable=True))
