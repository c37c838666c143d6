"""The few stays whose patient's name is kept, sealed, are found without reading the many."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """No stay of before has one."""
    where = sa.text("details IS NOT NULL")
    op.create_index("stay_named", "stay", ["key"], sqlite_where=where, postgresql_where=where)
