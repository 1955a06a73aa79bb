"""Which stream a delivery was of, for what one list's mail tells heals nothing of another's; and whose end was passed on."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; what was kept before is of no stream that is known, and no end of it was passed on."""
    op.add_column("deliveries", Column("stream", Text, nullable=True))
    op.add_column("addresses", Column("delivered_stream", Text, nullable=True))
    op.add_column("suppressions", Column("lapsed_at", BigInteger, nullable=True))
    op.create_index("suppressions_until", "suppressions", ["until"])
