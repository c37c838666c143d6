"""ADT of PAM.fr: what happened to a stay, with all four times a discharge may have (design.md, decision 14)."""

from __future__ import annotations

from dataclasses import replace

from gateway.document import Finding, Movement, Patient, Stay
from gateway.parsers.hl7_time import moment
from gateway.parsers.hl7v2.doctors import stay_doctors
from gateway.parsers.hl7v2.er7 import Message, Segment
from gateway.parsers.hl7v2.french_segments import Zbe, read_zbe, read_zfa, read_zfm
from gateway.parsers.hl7v2.movement_checks import check_movement
from gateway.parsers.hl7v2.patient import prior_patient, read_patient, read_stay
from gateway.parsers.remarks import error, warning

TRIGGERS = frozenset(
    {
        *("A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13"),
        *("A28", "A31", "A38", "A40", "A47", "A54", "Z99"),
    }
)
"""The events of ITI-30 and ITI-31 that are read; the others are refused by name."""

_ADMISSIONS = {"A01", "A04"}
_PROTECTION = {"Y": True, "N": False, '""': False}
"""HL7 v2.5 §3.4.10.12, table 0136; a field that is deleted protects no more."""


def read_movement(message: Message, trigger: str, findings: list[Finding]) -> Movement | None:
    """The movement, or ``None`` with an error when the message names no patient or contradicts itself."""
    if len(message.all(b"PID")) > 1:
        findings.append(error("several-patients", "PID[2]", "an ADT is about one patient; send one message for each"))
    patient = read_patient(message.first(b"PID"), findings)
    if patient is None:
        return None
    movement = _movement(message, trigger, patient, findings)
    check_movement(message, movement, findings)
    return replace(movement, stay=_timed(movement))


def _movement(message: Message, trigger: str, patient: Patient, findings: list[Finding]) -> Movement:
    evn, pv1, pv2 = message.first(b"EVN"), message.first(b"PV1"), message.first(b"PV2")
    zbe, zfa = read_zbe(message, findings), read_zfa(message, findings)
    exit_mode, destination = read_zfm(message, findings)
    return Movement(
        trigger=trigger,
        patient=patient,
        stay=_stay(message, message.first(b"PID"), zbe),
        control_id=message.first(b"MSH").get(10),
        movement_id=zbe.number or None,
        original_trigger=zbe.original_trigger or None,
        action=zbe.action or None,
        historic=zbe.historic,
        care_unit=zbe.care_unit or None,
        nature=zbe.nature or None,
        pv1_45=moment(pv1.get(45)),
        zbe_2=zbe.start,
        evn_6=moment(evn.get(6)),
        evn_2=moment(evn.get(2)),
        disposition=pv1.get(36) or None,
        exit_mode=exit_mode or None,
        destination=destination or None,
        care_path=pv2.get(7) or None,
        no_gp=pv2.get(7) == "SM",
        dmp_status=zfa.status or None,
        dmp_opposed=zfa.opposed,
        dmp_consultation=zfa.consultation or None,
        protected=_PROTECTION.get(message.first(b"PD1").raw_field(12).strip()),
        gps=stay_doctors(message, findings),
        prior_patient=_prior(message, trigger, findings),
    )


def _stay(message: Message, pid: Segment, zbe: Zbe) -> Stay:
    """The stay with the responsible unit of ZBE-7 when there is one (PV1-3 is where the bed stands)."""
    stay = read_stay(message, pid) or Stay(hospital=message.first(b"MSH").get(4) or None)
    return replace(stay, unit=zbe.unit or stay.unit)


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
    """MRG of a merge (A40) or of a changed number (A47); a merge without it would join nobody."""
    prior = prior_patient(message.first(b"MRG"))
    named = prior is not None and any(one.value for one in prior.identifiers)
    if trigger == "A40" and not named:
        words = "a merge (A40) must name the identity it removes in MRG-1; send MRG"
        findings.append(error("no-prior-patient", "MRG-1" if prior else "MRG", words))
    elif trigger == "A47" and not named:
        words = "a change of identifiers (A47) without MRG-1 changes none here; name the number it replaces"
        findings.append(warning("prior-number-missing", "MRG-1", words))
    return prior
