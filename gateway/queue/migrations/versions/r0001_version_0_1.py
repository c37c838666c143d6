"""The tables as version 0.1 left them; in a database of 0.1 itself, which has no number, this finds them made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make what is missing."""
    _queue()
    _clock()


def _queue() -> None:
    op.create_table(
        "chunk",
        sa.Column("letter_id", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("letter_id", "n"),
        if_not_exists=True,
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("letter_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("rpps", sa.String(), nullable=True),
        sa.Column("addressee", sa.LargeBinary(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("protection", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proof", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ambiguous", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("dsn_offered", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("final_at", sa.BigInteger(), nullable=True),
        sa.Column("notify", sa.String(), nullable=False),
        sa.Column("reported", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_index("delivery_due", "delivery", ["state", "next_at"], if_not_exists=True)
    op.create_index("ix_delivery_letter_id", "delivery", ["letter_id"], if_not_exists=True)
    op.create_index("ix_delivery_rpps", "delivery", ["rpps"], if_not_exists=True)
    op.create_table(
        "entry",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("letter_id", sa.String(), nullable=True),
        sa.Column("delivery_id", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        if_not_exists=True,
    )
    op.create_index("ix_entry_letter_id", "entry", ["letter_id"], if_not_exists=True)
    op.create_table(
        "letter",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("whole", sa.String(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("planned", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("loinc", sa.String(), nullable=True),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("control_id", sa.String(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("discharged_at", sa.BigInteger(), nullable=True),
        sa.Column("final_at", sa.BigInteger(), nullable=True),
        sa.Column("body_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("erase_after", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_index("ix_letter_erase_after", "letter", ["erase_after"], if_not_exists=True)
    op.create_index("ix_letter_planned", "letter", ["planned"], if_not_exists=True)
    op.create_index("ix_letter_received_at", "letter", ["received_at"], if_not_exists=True)
    op.create_index("ix_letter_whole", "letter", ["whole"], if_not_exists=True)
    op.create_table(
        "replay",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("letter_id", sa.String(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("again", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        if_not_exists=True,
    )
    op.create_index("ix_replay_letter_id", "replay", ["letter_id"], if_not_exists=True)
    op.create_index("ix_replay_seen_at", "replay", ["seen_at"], if_not_exists=True)


def _clock() -> None:
    op.create_table(
        "clock",
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("letter_id", sa.String(), nullable=False),
        sa.Column("group_key", sa.String(), nullable=False),
        sa.Column("stay_key", sa.String(), nullable=True),
        sa.Column("matched", sa.String(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("hospital", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("visit_key", sa.String(), nullable=True),
        sa.Column("file_key", sa.String(), nullable=True),
        sa.Column("ins_key", sa.String(), nullable=True),
        sa.Column("ipp_key", sa.String(), nullable=True),
        sa.Column("traits_key", sa.String(), nullable=True),
        sa.Column("admitted_at", sa.BigInteger(), nullable=True),
        sa.Column("discharged_at", sa.BigInteger(), nullable=True),
        sa.Column("validated_at", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("processed_at", sa.BigInteger(), nullable=True),
        sa.Column("displayed_at", sa.BigInteger(), nullable=True),
        sa.Column("integrated_at", sa.BigInteger(), nullable=True),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id"),
        if_not_exists=True,
    )
    op.create_index("ix_clock_file_key", "clock", ["file_key"], if_not_exists=True)
    op.create_index("ix_clock_group_key", "clock", ["group_key"], if_not_exists=True)
    op.create_index("ix_clock_ins_key", "clock", ["ins_key"], if_not_exists=True)
    op.create_index("ix_clock_ipp_key", "clock", ["ipp_key"], if_not_exists=True)
    op.create_index("ix_clock_letter_id", "clock", ["letter_id"], if_not_exists=True)
    op.create_index("ix_clock_traits_key", "clock", ["traits_key"], if_not_exists=True)
    op.create_index("ix_clock_visit_key", "clock", ["visit_key"], if_not_exists=True)
    op.create_table(
        "movement",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("stay_key", sa.String(), nullable=True),
        sa.Column("prior_key", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("original_trigger", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("visit_key", sa.String(), nullable=True),
        sa.Column("file_key", sa.String(), nullable=True),
        sa.Column("ins_key", sa.String(), nullable=True),
        sa.Column("ipp_key", sa.String(), nullable=True),
        sa.Column("traits_key", sa.String(), nullable=True),
        sa.Column("hospital", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("admitted_at", sa.BigInteger(), nullable=True),
        sa.Column("pv1_45", sa.BigInteger(), nullable=True),
        sa.Column("zbe_2", sa.BigInteger(), nullable=True),
        sa.Column("evn_6", sa.BigInteger(), nullable=True),
        sa.Column("evn_2", sa.BigInteger(), nullable=True),
        sa.Column("disposition", sa.String(), nullable=True),
        sa.Column("exit_mode", sa.String(), nullable=True),
        sa.Column("no_gp", sa.Boolean(), nullable=False),
        sa.Column("gp_rpps", sa.String(), nullable=True),
        sa.Column("referrer_rpps", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("fingerprint"),
        if_not_exists=True,
    )
    op.create_index("ix_movement_prior_key", "movement", ["prior_key"], if_not_exists=True)
    op.create_index("ix_movement_stay_key", "movement", ["stay_key"], if_not_exists=True)
    op.create_table(
        "stay",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("visit_key", sa.String(), nullable=True),
        sa.Column("file_key", sa.String(), nullable=True),
        sa.Column("ins_key", sa.String(), nullable=True),
        sa.Column("ipp_key", sa.String(), nullable=True),
        sa.Column("traits_key", sa.String(), nullable=True),
        sa.Column("hospital", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("admitted_at", sa.BigInteger(), nullable=True),
        sa.Column("discharged_at", sa.BigInteger(), nullable=True),
        sa.Column("discharge_told_by", sa.String(), nullable=True),
        sa.Column("pv1_45", sa.BigInteger(), nullable=True),
        sa.Column("zbe_2", sa.BigInteger(), nullable=True),
        sa.Column("evn_6", sa.BigInteger(), nullable=True),
        sa.Column("evn_2", sa.BigInteger(), nullable=True),
        sa.Column("conflict", sa.Boolean(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.Column("apart", sa.String(), nullable=True),
        sa.Column("opposed_at", sa.BigInteger(), nullable=True),
        sa.Column("gp_rpps", sa.String(), nullable=True),
        sa.Column("referrer_rpps", sa.String(), nullable=True),
        sa.Column("details", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
        if_not_exists=True,
    )
    op.create_index("ix_stay_file_key", "stay", ["file_key"], if_not_exists=True)
    op.create_index("ix_stay_hospital", "stay", ["hospital"], if_not_exists=True)
    op.create_index("ix_stay_ins_key", "stay", ["ins_key"], if_not_exists=True)
    op.create_index("ix_stay_ipp_key", "stay", ["ipp_key"], if_not_exists=True)
    op.create_index("ix_stay_traits_key", "stay", ["traits_key"], if_not_exists=True)
    op.create_index("ix_stay_visit_key", "stay", ["visit_key"], if_not_exists=True)
    op.create_table(
        "timing",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("letter_id", sa.String(), nullable=True),
        sa.Column("hospital", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("matched", sa.String(), nullable=True),
        sa.Column("adt", sa.Boolean(), nullable=False),
        sa.Column("conflict", sa.Boolean(), nullable=False),
        sa.Column("apart", sa.String(), nullable=True),
        sa.Column("discharged_at", sa.BigInteger(), nullable=False),
        sa.Column("discharged_day", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("sent_day", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=True),
        sa.Column("discharge_to_written", sa.Integer(), nullable=True),
        sa.Column("written_to_received", sa.Integer(), nullable=True),
        sa.Column("received_to_sent", sa.Integer(), nullable=True),
        sa.Column("sent_to_delivered", sa.Integer(), nullable=True),
        sa.Column("delivered_to_read", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
        if_not_exists=True,
    )
    op.create_index("ix_timing_discharged_day", "timing", ["discharged_day"], if_not_exists=True)
