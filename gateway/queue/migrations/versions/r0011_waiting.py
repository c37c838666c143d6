"""Letters that wait for a proof are found without reading all others; urgent ones have a clock of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_ON_ITS_WAY = (
    "cancelled_at IS NULL AND delivered_at IS NULL AND processed_at IS NULL"
    " AND displayed_at IS NULL AND integrated_at IS NULL"
)
_UNSENT = f"{_ON_ITS_WAY} AND (accepted_at IS NULL OR failed_at IS NOT NULL)"


def upgrade() -> None:
    """Of letters of before it is not known whether they were urgent."""
    op.add_column("clock", sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False))
    for name, which in (("clock_undelivered", _ON_ITS_WAY), ("clock_unsent", _UNSENT)):
        where = sa.text(which)
        op.create_index(name, "clock", ["letter_id"], sqlite_where=where, postgresql_where=where)
