"""ADT of PAM.fr: what happened to a stay, with all four times a discharge may have (design.md, decision 14)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.document import Finding, Movement, Patient, Stay
from gateway.parsers.hl7_time import PARIS, moment
from gateway.parsers.hl7v2.doctors import stay_doctors
from gateway.parsers.hl7v2.er7 import Message, Segment
from gateway.parsers.hl7v2.patient import prior_patient, read_patient, read_stay
from gateway.parsers.remarks import error, note, warning

TRIGGERS = frozenset(
    {
        *("A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13"),
        *("A28", "A31", "A38", "A40", "A47", "A54", "Z99"),
    }
)
"""The events of ITI-30 and ITI-31 that are read; the others are refused by name."""

_ACTIONS = {"INSERT", "UPDATE", "CANCEL"}
_IDENTITY = {"A28", "A31", "A40", "A47"}
_ADMISSIONS = {"A01", "A04"}


def read_movement(message: Message, findings: list[Finding]) -> Movement | None:
    """The movement, or ``None`` with an error when the message names no patient or contradicts itself."""
    pid, zbe, evn = message.first(b"PID"), _zbe(message, findings), message.first(b"EVN")
    trigger = message.first(b"MSH").get(9, 2) or evn.get(1)
    if len(message.all(b"PID")) > 1:
        findings.append(error("several-patients", "PID[2]", "an ADT is about one patient; send one message for each"))
    patient = read_patient(pid, findings)
    if patient is None:
        return None
    movement = Movement(
        trigger=trigger,
        patient=patient,
        stay=_stay(message, pid, zbe.unit),
        control_id=message.first(b"MSH").get(10),
        original_trigger=zbe.original_trigger or None,
        action=zbe.action or None,
        pv1_45=moment(message.first(b"PV1").get(45)),
        zbe_2=zbe.start,
        evn_6=moment(evn.get(6)),
        evn_2=moment(evn.get(2)),
        disposition=message.first(b"PV1").get(36) or None,
        exit_mode=message.first(b"ZFM").get(2) or None,
        no_gp=message.first(b"PV2").get(7) == "SM",
        gps=stay_doctors(message, findings),
        prior_patient=_prior(message, trigger, findings),
    )
    _check(movement, findings)
    return replace(movement, stay=_timed(movement))


def _stay(message: Message, pid: Segment, unit: str) -> Stay:
    """The stay with the responsible unit of ZBE-7 when there is one (PV1-3 is where the bed stands)."""
    stay = read_stay(message, pid) or Stay(hospital=message.first(b"MSH").get(4) or None)
    return replace(stay, unit=unit or stay.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Zbe:
    """What is used of a ZBE segment."""

    start: datetime | None
    action: str
    original_trigger: str
    unit: str


def _zbe(message: Message, findings: list[Finding]) -> _Zbe:
    """ZBE, also when a forbidden ZBE-3 pushed all that follows one field on (as in a template of the ANS)."""
    zbe = message.first(b"ZBE")
    pushed = int(zbe.get(4) not in _ACTIONS and zbe.get(5) in _ACTIONS)
    if pushed:
        words = "ZBE-4 stands in ZBE-5: the fields are read one further on; correct the order of ZBE"
        findings.append(warning("zbe-shifted", "ZBE-4", words))
    if zbe.get(3):
        words = "PAM.fr forbids the end of a movement in ZBE-3; it is not used"
        findings.append(note("zbe-3-forbidden", "ZBE-3", words))
    unit = zbe.element(7 + pushed)
    return _Zbe(
        start=moment(zbe.get(2)),
        action=zbe.get(4 + pushed),
        original_trigger=zbe.get(6 + pushed),
        unit=unit.get(1) or unit.get(10),
    )


def _timed(movement: Movement) -> Stay:
    """Admission and discharge as this event tells them: PV1-44/45, else ZBE-2, EVN-6, EVN-2 in that order."""
    stay = movement.stay
    event = movement.zbe_2 or movement.evn_6 or movement.evn_2
    meant = movement.original_trigger if movement.trigger == "Z99" else movement.trigger
    cancelled = movement.action == "CANCEL"
    if meant in _ADMISSIONS and not stay.admitted_at and not cancelled:
        return replace(stay, admitted_at=event)
    if meant == "A03" and not cancelled:
        return replace(stay, discharged_at=movement.pv1_45 or event)
    if movement.trigger == "A13":
        return replace(stay, discharged_at=None)
    return stay


def _prior(message: Message, trigger: str, findings: list[Finding]) -> Patient | None:
    prior = prior_patient(message.first(b"MRG"))
    if trigger == "A40" and prior is None:
        findings.append(error("no-prior-patient", "MRG", "a merge (A40) must name the identity it removes; send MRG"))
    return prior


def _check(movement: Movement, findings: list[Finding]) -> None:
    if movement.trigger not in _IDENTITY and not (movement.stay.visit or movement.stay.file_number):
        words = "neither PV1-19 nor PID-18 numbers the stay: letters can only be matched by patient and date"
        findings.append(warning("no-visit-number", "PV1-19", words))
    if movement.trigger == "A08":
        findings.append(note("a08-excluded", "MSH-9", "PAM.fr has no A08 for stays; it is read as an update"))
    if movement.trigger == "Z99" and not movement.original_trigger:
        words = "Z99 without ZBE-6: which movement it corrects is not stated; fill ZBE-6"
        findings.append(warning("original-trigger-missing", "ZBE-6", words))
    _check_action(movement, findings)
    if movement.trigger == "A03":
        _check_times(movement, findings)


def _check_action(movement: Movement, findings: list[Finding]) -> None:
    """ZBE-4 must fit the event: only A11, A12, A13, A38 and A06/A07 take something back (PAM.fr 2.11 ZBE-4)."""
    if movement.trigger == "A03" and movement.action == "CANCEL":
        words = "a discharge (A03) with ZBE-4 CANCEL says two things; send A13 to cancel it"
        findings.append(error("movement-contradiction", "ZBE-4", words))
    elif movement.trigger == "A03" and movement.action == "UPDATE":
        findings.append(
            warning("movement-action-unusual", "ZBE-4", "a correction is a Z99 in PAM.fr; read as a discharge")
        )


def _check_times(movement: Movement, findings: list[Finding]) -> None:
    times: list[datetime] = [one for one in (movement.pv1_45, movement.zbe_2, movement.evn_6) if one]
    if not times and not movement.evn_2:
        words = "the discharge has no time in PV1-45, ZBE-2, EVN-6 or EVN-2; its delay cannot be measured: send one"
        findings.append(error("discharge-without-time", "ZBE-2", words))
    elif len({one.astimezone(PARIS).date() for one in times}) > 1:
        words = "PV1-45, ZBE-2 and EVN-6 name different days of discharge; the first of them counts"
        findings.append(warning("discharge-times-differ", "ZBE-2", words))
    elif len(set(times)) > 1:
        words = "PV1-45, ZBE-2 and EVN-6 are not the same moment; the first of them counts"
        findings.append(note("discharge-times-differ", "ZBE-2", words))
