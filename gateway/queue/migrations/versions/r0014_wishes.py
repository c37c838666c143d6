"""What ADT says of a patient outside any stay is found by his numbers, without reading every movement."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """A word of before counts too, from the next time that its patient's stays are drawn."""
    where = sa.text("stay_key IS NULL AND protection IS NOT NULL")
    for name in ("ins_key", "ipp_key"):
        op.create_index(f"movement_wish_{name}", "movement", [name], sqlite_where=where, postgresql_where=where)
