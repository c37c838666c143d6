"""What an upgrade left to be drawn again, as a list of work: the doors open at once, a crash goes on where it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Where revision 0005 made ``timing`` anew, every stay and every letter without one is to be drawn."""
    op.create_table("undrawn", sa.Column("key", sa.String(), nullable=False), sa.PrimaryKeyConstraint("key"))
    op.execute(
        "INSERT INTO undrawn (key) SELECT heard.key FROM "
        "(SELECT key FROM stay UNION SELECT group_key AS key FROM clock) AS heard "
        "WHERE NOT EXISTS (SELECT 1 FROM timing)"
    )
