"""Which mails of a watched mailbox were taken or refused (B9, B10)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """A table of its own; what was taken before is known by its replay key for 72 hours, as it was."""
    op.create_table(
        "imap_seen",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("letter_id", sa.String(), nullable=False),
        sa.Column("fate", sa.String(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "uidvalidity", "uid"),
    )
    op.create_index("imap_seen_bytes", "imap_seen", ["account", "sha256"])
    op.create_index("ix_imap_seen_letter_id", "imap_seen", ["letter_id"])
    op.create_index("ix_imap_seen_seen_at", "imap_seen", ["seen_at"])
