"""Opposition stops the sending: what ADT says of it (HL7 v2.5 PD1-12), and which letters a person let go again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Of what was heard before nothing is known."""
    op.add_column("movement", sa.Column("protection", sa.String(), nullable=True))
    op.add_column("clock", sa.Column("let_go_at", sa.BigInteger(), nullable=True))
