"""Salted leaves of the journal, its tree and its signed checkpoints; a patient's birth date as a pseudonym."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Entries of before keep their words and have no salt; the tree over them is built once the gateway runs."""
    op.add_column("entry", sa.Column("salt", sa.LargeBinary(), nullable=True))
    op.add_column("entry", sa.Column("leaf", sa.LargeBinary(), nullable=True))
    op.create_table(
        "journal_tile",
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("height", "n"),
    )
    op.create_table(
        "journal_checkpoint",
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.add_column("clock", sa.Column("birth_key", sa.String(), nullable=True))
