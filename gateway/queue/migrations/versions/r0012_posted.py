"""The day on which a letter was posted on paper, beside what is proved electronically."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """What was posted so far is known from the work list."""
    op.add_column("clock", sa.Column("posted_on", sa.Date(), nullable=True))
    op.execute(
        "UPDATE clock SET posted_on = (SELECT min(task.posted_on) FROM task WHERE task.delivery_id = clock.delivery_id)"
        " WHERE delivery_id IN (SELECT delivery_id FROM task WHERE posted_on IS NOT NULL)"
    )
