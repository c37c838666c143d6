"""The course of one stay, drawn from all its movements at once: pure, and the same for every order of arrival.

PAM.fr 2.11: A01 A04 admission, A05 pre-admission, A02 A06 A07 changes, A03 discharge, A11 A12 A13 A38 cancellations,
Z99 corrections of the movement named by ZBE-6. A03 with ZBE-4 = CANCEL and A08 are not PAM.fr but are sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from gateway.delays.discharge import Discharge

ADMISSIONS = frozenset({"A01", "A04"})
CANCELLATIONS = {"A01": "A11", "A04": "A11", "A05": "A38", "A02": "A12", "A03": "A13"}
_MOVES = frozenset({"A02", "A06", "A07"})
_WHOLE = frozenset({"A11", "A38"})
SOMEBODY = "somebody"
"""Stands for the number of a doctor that was forgotten."""
OPPOSED, UNOPPOSED = "opposed", "opposition-withdrawn"
"""Not of PAM.fr: what a person told us (art. L.1110-4 CSP)."""
SAID_BY_A_PERSON = frozenset({OPPOSED, UNOPPOSED})
_RANKS = {"A05": 0, "A01": 1, "A04": 1, "A03": 3, "Z99": 4, "A08": 4, "A12": 5, "A13": 5, "A11": 5, "A38": 5}


class Apart(StrEnum):
    """Why a stay is counted apart; the first that holds, in this order."""

    CANCELLED = "cancelled"
    DEATH = "death"
    TRANSFER = "transfer"
    OPPOSITION = "opposition"
    NO_GP = "no_gp"


_EXITS = {"9": Apart.DEATH, "0": Apart.TRANSFER, "6": Apart.TRANSFER, "7": Apart.TRANSFER}
"""ZFM-2, the exit mode of the PMSI; 8 is home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One movement of the stay as the table keeps it."""

    fingerprint: str
    at: datetime
    trigger: str
    original_trigger: str | None = None
    action: str | None = None
    unit: str | None = None
    admitted_at: datetime | None = None
    told: Discharge = field(default_factory=Discharge)
    no_gp: bool = False
    gp_rpps: str | None = None
    referrer_rpps: str | None = None
    protection: str | None = None

    @property
    def order(self) -> tuple[datetime, int, datetime, str]:
        """When it was written down at the hospital (EVN-2), else when it happened, else when it came.

        Ties by what can only follow what, by the event's own time, then by content: never by which came first.
        """
        told = self.told
        happened = told.zbe_2 or told.evn_6 or told.pv1_45 or self.admitted_at or self.at
        return (told.evn_2 or happened, _RANKS.get(self.trigger, 2), happened, self.fingerprint)

    @property
    def meaning(self) -> str:
        """The trigger that this movement amounts to: a CANCEL is the cancellation of what it names."""
        named = self.original_trigger if self.trigger == "Z99" else self.trigger
        if self.action == "CANCEL" and named in CANCELLATIONS:
            return CANCELLATIONS[named]
        return named or self.trigger


@dataclass(slots=True, kw_only=True)
class Course:
    """What the movements leave: built by :func:`fold` alone and then only read."""

    admitted_at: datetime | None = None
    discharge: Discharge | None = None
    undone: Discharge | None = None
    cancelled: bool = False
    units: list[str] = field(default_factory=list)
    gp_rpps: str | None = None
    referrer_rpps: str | None = None
    no_gp: bool = False
    opposed_to_person: datetime | None = None
    protected_at: datetime | None = None
    """PD1-12 = Y, as long as no later message says N."""
    references: set[str] = field(default_factory=set)

    @property
    def unit(self) -> str | None:
        """The unit that the patient was in last."""
        return self.units[-1] if self.units else None

    @property
    def opposed_at(self) -> datetime | None:
        """Since when the patient opposes the sending; what a person was told and what ADT says stand side by side."""
        return self.opposed_to_person or self.protected_at

    @property
    def apart(self) -> Apart | None:
        """Why the stay has no letter to measure; a declared GP outweighs PV2-7 = SM."""
        if self.cancelled or (self.discharge is None and self.undone is not None):
            return Apart.CANCELLED
        exit_mode = self.discharge.exit_mode if self.discharge else None
        if exit_mode in _EXITS:
            return _EXITS[exit_mode]
        if self.opposed_at is not None:
            return Apart.OPPOSITION
        return Apart.NO_GP if self.no_gp and not self.gp_rpps else None


def fold(steps: Iterable[Step]) -> Course:
    """The course that these movements describe; duplicates and order of arrival change nothing."""
    course = Course()
    for step in sorted(steps, key=lambda step: step.order):
        course.no_gp |= step.no_gp
        course.gp_rpps = step.gp_rpps or course.gp_rpps
        course.referrer_rpps = step.referrer_rpps or course.referrer_rpps
        if step.protection:
            course.protected_at = (course.protected_at or step.order[0]) if step.protection == "Y" else None
        _apply(course, step)
    return course


def _apply(course: Course, step: Step) -> None:
    meaning = step.meaning
    if meaning in SAID_BY_A_PERSON:
        course.opposed_to_person = step.told.evn_2 if meaning == OPPOSED else None
    elif meaning == "A13":
        _undo_discharge(course, step)
    elif meaning in _WHOLE:
        course.cancelled, course.undone, course.discharge = True, course.discharge or course.undone, None
    elif meaning == "A12":
        del course.units[max(1, len(course.units) - 1) :]
    elif meaning == "A03":
        _discharge(course, step)
    else:
        _go_on(course, step, meaning)


def _go_on(course: Course, step: Step, meaning: str) -> None:
    """Admission, change, or a correction of either."""
    if meaning in ADMISSIONS:
        course.cancelled = False
        course.admitted_at = step.admitted_at or step.told.zbe_2 or course.admitted_at
    elif meaning == "A05":
        course.cancelled = False
    elif step.admitted_at is not None:
        course.admitted_at = step.admitted_at
    if step.unit and (meaning in ADMISSIONS or meaning in _MOVES or not course.units):
        _place(course, step.unit, corrected=step.trigger == "Z99")
    if meaning == "A08" and course.discharge and step.told.pv1_45:
        course.discharge = replace(course.discharge, pv1_45=step.told.pv1_45)


def _place(course: Course, unit: str, *, corrected: bool) -> None:
    if corrected and course.units:
        course.units[-1] = unit
    else:
        course.units.append(unit)


def _discharge(course: Course, step: Step) -> None:
    """A stay has one discharge at a time: the last told replaces the one before; what was undone is not corrected."""
    corrects = step.trigger == "Z99"
    if corrects and course.undone and step.told.reference in {None, course.undone.reference}:
        return
    course.discharge = _corrected(course.discharge, step.told) if corrects and course.discharge else step.told
    course.cancelled, course.undone = False, None
    course.admitted_at = course.admitted_at or step.admitted_at
    if step.told.reference:
        course.references.add(step.told.reference)
    if step.unit:
        _place(course, step.unit, corrected=bool(course.units))


def _corrected(before: Discharge, told: Discharge) -> Discharge:
    """Z99's times replace the first ones together when it tells any of the event itself (its EVN-6 may be its own)."""
    exit_mode = told.exit_mode or before.exit_mode
    if told.pv1_45 is None and told.zbe_2 is None:
        return replace(before, exit_mode=exit_mode)
    return replace(told, evn_6=None, exit_mode=exit_mode, reference=told.reference or before.reference)


def _undo_discharge(course: Course, step: Step) -> None:
    """A13 undoes the discharge there is, unless its number names an earlier one that was replaced since."""
    reference, current = step.told.reference, course.discharge
    if current is None or (reference in course.references and reference != current.reference):
        return
    course.discharge, course.undone = None, current
