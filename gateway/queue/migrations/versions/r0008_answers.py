"""What the hospital's software is told back, until it has taken it; and which letters asked for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Letters of before asked for nothing that anybody wrote down."""
    op.create_table(
        "answer_wish",
        sa.Column("letter_id", sa.String(), nullable=False),
        sa.Column("reception", sa.Boolean(), nullable=False),
        sa.Column("reading", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("letter_id"),
    )
    op.create_table(
        "answer",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("letter_id", sa.String(), nullable=False),
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("control_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reporter", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("answer_lane", "answer", ["state", "source", "channel", "seq"])
    op.create_index("answer_heard", "answer", ["heard_at"])
