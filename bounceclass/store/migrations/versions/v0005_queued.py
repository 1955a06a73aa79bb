"""Since when a call waits in the outbox, for who watches how long it takes."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; of what waits already it is not known."""
    op.add_column("outbox", Column("queued_at", BigInteger, nullable=True))
