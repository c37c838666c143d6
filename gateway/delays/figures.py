"""What a delay report holds: frozen values whose ``as_json`` is the shape that scripts rely on (interface.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

import numpy as np

from gateway.delays.clock import PARIS, midnight
from gateway.delays.course import Apart
from gateway.delays.lines import Numbers

UNKNOWN = "unknown"
"""The group of stays whose unit, hospital or kind nobody stated."""
SMALL = "small-groups"
"""All groups too small to be shared, together."""
FEW = 5
"""A shared report tells of no group, no cell and no median of fewer."""
NO_LETTER = "no-letter"
"""The group of stays without a letter when the report is by kind."""


class By(StrEnum):
    """What one row of the report is about."""

    SERVICE = "service"
    HOSPITAL = "hospital"
    KIND = "kind"
    MONTH = "month"


class LegName(StrEnum):
    """The legs of the way from the ward to the GP's records; ``received_to_sent`` is the two in its middle together."""

    DISCHARGE_TO_WRITTEN = "discharge_to_written"
    WRITTEN_TO_RECEIVED = "written_to_received"
    RECEIVED_TO_SEALED = "received_to_sealed"
    SEALED_TO_SENT = "sealed_to_sent"
    RECEIVED_TO_SENT = "received_to_sent"
    SENT_TO_DELIVERED = "sent_to_delivered"
    DELIVERED_TO_READ = "delivered_to_read"
    READ_TO_INTEGRATED = "read_to_integrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median (mean of the middle two) and 90th percentile (nearest rank) in whole seconds; ``None`` of nothing."""

    median_seconds: int | None = None
    p90_seconds: int | None = None

    @classmethod
    def of(cls, values: Numbers, *, least: int = 1) -> Spread:
        """The spread of ``values``; of fewer than ``least`` nothing is told."""
        count = values.size
        if count < max(1, least):
            return cls()
        low, high, last = (count - 1) // 2, count // 2, (9 * count + 9) // 10 - 1
        placed = np.partition(values, sorted({low, high, last}))
        return cls(median_seconds=int(placed[low] + placed[high]) // 2, p90_seconds=int(placed[last]))

    def as_json(self) -> dict[str, object]:
        """The two keys of the JSON."""
        return {"median_seconds": self.median_seconds, "p90_seconds": self.p90_seconds}


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayRow:
    """The figures of one group, or of all."""

    group: str
    in_time: int
    late: int
    never_sent: int
    pending: int
    taken: Spread
    """Discharge to acceptance, of the stays whose letter was sent."""
    legs: dict[LegName, Spread]
    apart: dict[Apart, int | None]
    """``None`` in a shared report: too few to be told."""
    letter_only: int | None = 0
    """Stays that no ADT message told of: their discharge is the one that the letter states."""
    by_identity: int | None = 0
    """Stays whose letter was tied by identity and dates for want of a number."""
    conflicts: int | None = 0
    """Stays whose candidate discharge times contradict each other."""
    unmatched_letters: int | None = 0
    """Letters of a hospital with ADT that fit none of its stays: counted here and in no stay."""
    urgent: int | None = 0
    """Stays whose letter is marked urgent by its sender."""
    urgent_in_time: int | None = 0
    """Of those, the ones whose letter came within their limit."""
    posted: int | None = 0
    """Stays without a sufficient electronic proof whose letter a person posted on paper; they stay what they are."""

    @property
    def stays(self) -> int:
        """All stays that a letter is owed for; those counted apart are not among them."""
        return self.in_time + self.late + self.never_sent + self.pending

    @property
    def share_in_time(self) -> float | None:
        """In time among those whose time is over or whose letter has left; ``None`` when there are none."""
        judged = self.in_time + self.late + self.never_sent
        return self.in_time / judged if judged else None

    def as_json(self) -> dict[str, object]:
        """The keys of interface.md, then ours."""
        share = self.share_in_time
        return {
            "group": self.group,
            "stays": self.stays,
            "in_time": self.in_time,
            "late": self.late,
            "never_sent": self.never_sent,
            "pending": self.pending,
            "share_in_time": None if share is None else round(share, 4),
            **self.taken.as_json(),
            "legs": {leg.value: self.legs.get(leg, Spread()).as_json() for leg in LegName},
            "apart": {why.value: self.apart.get(why, 0) for why in APART},
            "letter_only": self.letter_only,
            "by_identity": self.by_identity,
            "conflicts": self.conflicts,
            "unmatched_letters": self.unmatched_letters,
            "urgent": self.urgent,
            "urgent_in_time": self.urgent_in_time,
            "posted": self.posted,
        }


APART = (Apart.DEATH, Apart.TRANSFER, Apart.CANCELLED, Apart.OPPOSITION, Apart.NO_GP)
"""The order of the JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A published figure to stand beside a hospital's own."""

    label: str
    share_in_time: float

    def as_json(self) -> dict[str, object]:
        """The two keys of the JSON."""
        return {"label": self.label, "share_in_time": self.share_in_time}


REFERENCES = (
    Reference(label="Île-de-France 2002", share_in_time=0.376),
    Reference(label="AP-HP 2006, 34 hospitals", share_in_time=0.48),
    Reference(label="CHUV 2022", share_in_time=0.467),
    Reference(label="HAS target", share_in_time=0.8),
)
"""All but the last were measured against 8 days (design.md, "The law that the clock measures")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayReport:
    """How long letters took, for stays discharged from ``start`` to ``end``, both days included, Europe/Paris."""

    policy: str
    start: date | None
    end: date | None
    generated_at: datetime
    by: By
    rows: tuple[DelayRow, ...]
    total: DelayRow
    source: str = ""
    """The rule behind the policy's name."""
    is_told: bool = True
    """``False`` when all stays together are too few to be shared: then no figure may be shown."""
    shared: bool = False
    """Whether what is told of fewer than ``FEW`` was left out."""
    undated_letters: int = 0
    """Letters received in the period that fit no stay and state no discharge: nothing can be measured from."""
    references: tuple[Reference, ...] = REFERENCES

    def as_json(self) -> dict[str, object]:
        """The shape of interface.md; ``to`` is the last second of the last day."""
        last = None if self.end is None else midnight(self.end + timedelta(days=1)) - timedelta(seconds=1)
        return {
            "policy": self.policy,
            "from": None if self.start is None else _iso(midnight(self.start)),
            "to": None if last is None else _iso(last),
            "generated_at": _iso(self.generated_at),
            "by": self.by.value,
            "rows": [row.as_json() for row in self.rows],
            "total": self.total.as_json() if self.is_told else dict.fromkeys(self.total.as_json()),
            "undated_letters": self.undated_letters,
            "shared": self.shared,
            "references": [reference.as_json() for reference in self.references],
        }


def _iso(at: datetime) -> str:
    return at.astimezone(PARIS).isoformat(timespec="seconds")
