"""Clocks of results and of final letters; the drawn table is made anew and drawn at the next start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """What was heard stays as it is: ``timing`` follows from it (gateway/delays/redraw.py)."""
    op.add_column("clock", sa.Column("result", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("clock", sa.Column("partial", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name, current in (("said_ins", "ins_key"), ("said_ipp", "ipp_key"), ("said_traits", "traits_key")):
        op.add_column("clock", sa.Column(name, sa.String(), nullable=True))
        op.execute(f"UPDATE clock SET {name} = {current}")  # noqa: S608 (names of ours)
    op.create_index("ix_clock_stay_key", "clock", ["stay_key"])
    op.add_column("stay", sa.Column("begun_at", sa.BigInteger(), nullable=True))
    op.drop_index("ix_stay_hospital", "stay")
    op.create_index("stay_heard", "stay", ["hospital", "first_at"])
    op.drop_index("ix_timing_discharged_day", "timing")
    op.drop_table("timing")
    op.create_table(
        "timing",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("letter_id", sa.String(), nullable=True),
        sa.Column("final_id", sa.String(), nullable=True),
        sa.Column("hospital", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("matched", sa.String(), nullable=True),
        sa.Column("adt", sa.Boolean(), nullable=False),
        sa.Column("conflict", sa.Boolean(), nullable=False),
        sa.Column("apart", sa.String(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("started_day", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("way", sa.LargeBinary(), nullable=False),
        sa.Column("final_way", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_timing_started_day", "timing", ["started_day"])
