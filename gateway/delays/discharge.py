"""When the patient left: four candidate times, one choice, and whether they contradict each other (decision 14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.delays.clock import legal_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Discharge:
    """One discharge as told; ``reference`` is the pseudonym of the movement's own number (ZBE-1)."""

    reference: str | None = None
    pv1_45: datetime | None = None
    zbe_2: datetime | None = None
    evn_6: datetime | None = None
    evn_2: datetime | None = None
    exit_mode: str | None = None

    @property
    def told_by(self) -> str | None:
        """The field that is believed: PV1-45, else ZBE-2 of the A03, else EVN-6, else EVN-2."""
        told = {"PV1-45": self.pv1_45, "ZBE-2": self.zbe_2, "EVN-6": self.evn_6, "EVN-2": self.evn_2}
        return next((field for field, at in told.items() if at is not None), None)

    @property
    def at(self) -> datetime | None:
        """The time that is believed."""
        return self.pv1_45 or self.zbe_2 or self.evn_6 or self.evn_2

    def contradicts(self, admitted_at: datetime | None) -> bool:
        """Whether a person should look: other legal days, not after the admission, or known a day before it happened.

        EVN-2 is when it was written down, so it may well be later; it may not be earlier.
        """
        if self.at is None:
            return False
        days = {legal_day(at) for at in (self.pv1_45, self.zbe_2, self.evn_6) if at is not None}
        early = self.evn_2 is not None and legal_day(self.evn_2) < legal_day(self.at)
        return len(days) > 1 or early or (admitted_at is not None and self.at <= admitted_at)
