"""What the clock remembers, without a patient's name: pseudonyms, codes and times in UTC microseconds.

Pseudonyms are made by the caller with a key that is not in the database (design.md, decision 17).
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, Table, false, text
from sqlmodel import Field, SQLModel

from gateway.moments import Moment

UNDELIVERED = (
    "cancelled_at IS NULL AND delivered_at IS NULL AND processed_at IS NULL"
    " AND displayed_at IS NULL AND integrated_at IS NULL"
)
WISH = "protection IS NOT NULL AND (stay_key IS NULL OR \"trigger\" IN ('A28', 'A31', 'A40', 'A47'))"
"""Rows of ``movement`` that say of a patient himself whether he opposes the sending, whatever number they carry."""
MERGE = "prior_key IS NOT NULL"
NAMED = "details IS NOT NULL"
UNSENT = f"{UNDELIVERED} AND (accepted_at IS NULL OR failed_at IS NOT NULL)"
"""Rows of ``clock`` that an index each finds among millions (``unproved.py``); a bounce takes the 250 back."""


def _waiting(name: str, which: str) -> Index:
    return Index(name, "letter_id", sqlite_where=text(which), postgresql_where=text(which))


class MovementRow(SQLModel, table=True):
    """One ADT message as it was heard (PAM.fr 2.11); never changed, ``fingerprint`` keeps a replay out."""

    __tablename__ = "movement"

    seq: int | None = Field(default=None, primary_key=True)
    fingerprint: str = Field(unique=True)
    stay_key: str | None = Field(default=None, index=True)
    prior_key: str | None = Field(default=None, index=True)
    source: str
    at: datetime = Field(sa_type=Moment)
    trigger: str
    original_trigger: str | None = None
    action: str | None = None
    reference: str | None = None
    visit_key: str | None = None
    file_key: str | None = None
    ins_key: str | None = None
    ipp_key: str | None = None
    traits_key: str | None = None
    hospital: str
    unit: str | None = None
    admitted_at: datetime | None = Field(default=None, sa_type=Moment)
    pv1_45: datetime | None = Field(default=None, sa_type=Moment)
    zbe_2: datetime | None = Field(default=None, sa_type=Moment)
    evn_6: datetime | None = Field(default=None, sa_type=Moment)
    evn_2: datetime | None = Field(default=None, sa_type=Moment)
    disposition: str | None = None
    exit_mode: str | None = None
    no_gp: bool = False
    gp_rpps: str | None = None
    referrer_rpps: str | None = None
    protection: str | None = None
    """PD1-12 where its source means opposition by it: ``Y``, or ``N`` once the patient does not oppose any more."""

    __table_args__ = tuple(
        Index(f"movement_{kind}_{name}", name, sqlite_where=text(which), postgresql_where=text(which))
        for kind, which in (("wish", WISH), ("merge", MERGE))
        for name in ("ins_key", "ipp_key")
    )


class StayRow(SQLModel, table=True):
    """One stay as its movements leave it; ``details`` is sealed by the caller and never read here."""

    __tablename__ = "stay"

    key: str = Field(primary_key=True)
    visit_key: str | None = Field(default=None, index=True)
    file_key: str | None = Field(default=None, index=True)
    ins_key: str | None = Field(default=None, index=True)
    ipp_key: str | None = Field(default=None, index=True)
    traits_key: str | None = Field(default=None, index=True)
    hospital: str = ""
    unit: str | None = None
    first_at: datetime = Field(sa_type=Moment)
    """When we first heard of it: from then on its hospital's ADT is known to be heard."""
    begun_at: datetime | None = Field(default=None, sa_type=Moment)
    """The earliest moment that a movement tells of the stay itself."""
    admitted_at: datetime | None = Field(default=None, sa_type=Moment)
    discharged_at: datetime | None = Field(default=None, sa_type=Moment)
    discharge_told_by: str | None = None
    pv1_45: datetime | None = Field(default=None, sa_type=Moment)
    zbe_2: datetime | None = Field(default=None, sa_type=Moment)
    evn_6: datetime | None = Field(default=None, sa_type=Moment)
    evn_2: datetime | None = Field(default=None, sa_type=Moment)
    conflict: bool = False
    cancelled: bool = False
    undone_at: datetime | None = Field(default=None, sa_type=Moment)
    apart: str | None = None
    opposed_at: datetime | None = Field(default=None, sa_type=Moment)
    gp_rpps: str | None = None
    referrer_rpps: str | None = None
    details: bytes | None = Field(default=None, repr=False)

    __table_args__ = (
        Index("stay_heard", "hospital", "first_at"),
        Index("stay_named", "key", sqlite_where=text(NAMED), postgresql_where=text(NAMED)),
    )


class ClockRow(SQLModel, table=True):
    """One letter on its way to one addressee: what it says of its stay, and when each leg was proved."""

    __tablename__ = "clock"

    delivery_id: str = Field(primary_key=True)
    letter_id: str = Field(index=True)
    group_key: str = Field(index=True)
    stay_key: str | None = Field(default=None, index=True)
    matched: str
    counts: bool
    """Whether it answers for its stay's discharge letter."""
    result: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether it is a report of laboratory results, which has a clock of its own."""
    partial: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether a final one is to follow."""
    urgent: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether its sender marked it so (OBR-27, TQ1-9, HPRIM, Importance)."""
    kind: str | None = None
    role: str
    hospital: str
    unit: str | None = None
    visit_key: str | None = Field(default=None, index=True)
    file_key: str | None = Field(default=None, index=True)
    ins_key: str | None = Field(default=None, index=True)
    ipp_key: str | None = Field(default=None, index=True)
    traits_key: str | None = Field(default=None, index=True)
    said_ins: str | None = None
    said_ipp: str | None = None
    said_traits: str | None = None
    """The patient's keys as the letter has them; those above are his whom he was merged into since."""
    birth_key: str | None = None
    """The patient's birth date as a pseudonym (``documents.py``)."""
    admitted_at: datetime | None = Field(default=None, sa_type=Moment)
    discharged_at: datetime | None = Field(default=None, sa_type=Moment)
    validated_at: datetime | None = Field(default=None, sa_type=Moment)
    received_at: datetime = Field(sa_type=Moment)
    sealed_at: datetime | None = Field(default=None, sa_type=Moment)
    accepted_at: datetime | None = Field(default=None, sa_type=Moment)
    delivered_at: datetime | None = Field(default=None, sa_type=Moment)
    processed_at: datetime | None = Field(default=None, sa_type=Moment)
    displayed_at: datetime | None = Field(default=None, sa_type=Moment)
    integrated_at: datetime | None = Field(default=None, sa_type=Moment)
    failed_at: datetime | None = Field(default=None, sa_type=Moment)
    cancelled_at: datetime | None = Field(default=None, sa_type=Moment)
    let_go_at: datetime | None = Field(default=None, sa_type=Moment)
    """When a person released it although the patient opposes the sending."""
    posted_on: date | None = None
    """When a person posted it on paper: proves no electronic leg (``posting.py``)."""
    state: str = "none"

    __table_args__ = (_waiting("clock_undelivered", UNDELIVERED), _waiting("clock_unsent", UNSENT))


class TimingRow(SQLModel, table=True):
    """One discharged stay and the letter that answers for it, or one report of results: all that a report reads.

    Drawn from ``stay`` and ``clock`` alone (``settle.py``), narrow enough for a million. Days are numbers of the
    calendar of Europe/Paris (``date.toordinal``); the moments of the way are packed (``way.py``).
    """

    __tablename__ = "timing"

    key: str = Field(primary_key=True)
    subject: str
    letter_id: str | None = None
    final_id: str | None = None
    """The first final letter, where the one that answers is a partial one."""
    hospital: str
    unit: str | None = None
    kind: str | None = None
    matched: str | None = None
    adt: bool
    conflict: bool = False
    apart: str | None = None
    started_at: datetime = Field(sa_type=Moment)
    started_day: int = Field(index=True)
    sent_at: datetime | None = Field(default=None, sa_type=Moment)
    way: bytes
    final_way: bytes | None = None
    """The way of the final letter, or of none yet; absent where the letter that answers is final itself."""


class UndrawnRow(SQLModel, table=True):
    """A stay, or a group of letters, that an upgrade left to be drawn again (``redraw.py``)."""

    __tablename__ = "undrawn"

    key: str = Field(primary_key=True)


movement: Table = SQLModel.metadata.tables["movement"]
stay: Table = SQLModel.metadata.tables["stay"]
clock: Table = SQLModel.metadata.tables["clock"]
timing: Table = SQLModel.metadata.tables["timing"]
undrawn: Table = SQLModel.metadata.tables["undrawn"]
