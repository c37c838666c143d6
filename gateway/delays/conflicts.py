"""Stays whose candidate discharge times contradict each other: for a person to look at (decision 14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import Connection, select

from gateway.delays.clock import PARIS
from gateway.delays.tables import stay


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One stay with all that was told of its discharge; ``stay`` is a pseudonym."""

    stay: str
    hospital: str
    unit: str | None
    admitted_at: datetime | None
    candidates: dict[str, datetime | None]
    """By field; the dates of a document are no candidate of a stay that ADT told."""
    told_by: str | None
    """The field that is believed."""

    CANDIDATES: ClassVar[tuple[str, ...]] = ("PV1-45", "ZBE-2", "EVN-6", "EVN-2")
    COLUMNS: ClassVar[tuple[str, ...]] = ("stay", "hospital", "unit", "admitted_at", *CANDIDATES, "told_by")

    def as_json(self) -> dict[str, object]:
        """Its columns; moments with the offset of Europe/Paris."""
        told = {"stay": self.stay, "hospital": self.hospital, "unit": self.unit, "told_by": self.told_by}
        moments = {"admitted_at": self.admitted_at, **self.candidates}
        return told | {name: at and at.astimezone(PARIS) for name, at in moments.items()}


def conflicts(connection: Connection) -> tuple[Conflict, ...]:
    """All of them, the latest discharge first."""
    wanted = select(stay).where(stay.c.conflict).order_by(stay.c.discharged_at.desc(), stay.c.key)
    return tuple(
        Conflict(
            stay=row["key"],
            hospital=row["hospital"],
            unit=row["unit"],
            admitted_at=row["admitted_at"],
            candidates={name: row[name.lower().replace("-", "_")] for name in Conflict.CANDIDATES},
            told_by=row["discharge_told_by"],
        )
        for row in connection.execute(wanted).mappings()
    )
