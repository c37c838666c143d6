"""What an ADT message says of the patient's protection (HL7 v2.5 PD1-12): ``Y`` stops what is sent about the stay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Of what was heard before nothing is known."""
    op.add_column("movement", sa.Column("protection", sa.String(), nullable=True))
