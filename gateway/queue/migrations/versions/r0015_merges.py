"""A patient's word is found whatever stay number it carries, and under every number that was merged into his."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_WISH = "protection IS NOT NULL AND (stay_key IS NULL OR \"trigger\" IN ('A28', 'A31', 'A40', 'A47'))"
_MERGE = "prior_key IS NOT NULL"


def upgrade() -> None:
    """Partial indexes on the few rows that say it."""
    for name in ("ins_key", "ipp_key"):
        op.drop_index(f"movement_wish_{name}", "movement")
        for kind, which in (("wish", sa.text(_WISH)), ("merge", sa.text(_MERGE))):
            op.create_index(f"movement_{kind}_{name}", "movement", [name], sqlite_where=which, postgresql_where=which)
