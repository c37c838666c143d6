"""Leases with a phase, strikes that outlive a process, held deliveries that are not forgotten; nodes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

PARTIAL = {
    "delivery_due": (["route", "next_at"], "state = 'ready'"),
    "delivery_age": (["created_at"], "state = 'ready'"),
    "delivery_lease": (["lease_until"], "state = 'leased'"),
    "delivery_held": (["next_at"], "state = 'held'"),
    "delivery_unsure": (["ambiguous"], "ambiguous > 0"),
    "delivery_suspect": (["strikes"], "strikes > 0"),
}


def upgrade() -> None:
    """New columns, and indexes that stay small however many deliveries are over."""
    op.add_column("letter", sa.Column("strikes", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("delivery", sa.Column("phase", sa.String(), nullable=False, server_default=""))
    op.add_column("delivery", sa.Column("strikes", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("delivery", sa.Column("held_at", sa.BigInteger(), nullable=True))
    op.add_column("delivery", sa.Column("reminded_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "node",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    _indexes()
    op.execute("UPDATE delivery SET held_at = created_at WHERE state = 'held'")
    op.execute(
        "UPDATE delivery SET reported = 'nothing'"
        " WHERE state = 'done' AND reported = '' AND notify NOT LIKE '%SUCCESS%'"
    )


def _indexes() -> None:
    op.drop_index("ix_letter_planned", "letter")
    lite, postgres = sa.text("planned = 0"), sa.text("NOT planned")
    op.create_index("letter_unplanned", "letter", ["id"], sqlite_where=lite, postgresql_where=postgres)
    op.drop_index("delivery_due", "delivery")
    for name, (columns, where) in PARTIAL.items():
        op.create_index(name, "delivery", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_index("delivery_told", "delivery", ["reported", "state", "created_at"])
