"""Whether the parts of a movement agree with each other: event, ZBE-4, ZBE-6, the times (PAM.fr 2.11)."""

from __future__ import annotations

from datetime import datetime

from gateway.document import Finding, Movement
from gateway.parsers.hl7_time import PARIS
from gateway.parsers.hl7v2.er7 import Message
from gateway.parsers.remarks import error, note, warning

_IDENTITY = frozenset({"A28", "A31", "A40", "A47"})
"""ITI-30: about a person, so neither a stay nor a ZBE is to be expected."""

_CANCELS = {
    "A11": frozenset({"A01", "A04", "A05"}),
    "A12": frozenset({"A02"}),
    "A13": frozenset({"A03"}),
    "A38": frozenset({"A05"}),
}
_BOTH_WAYS = frozenset({"A06", "A07"})
"""Each inserts its own change and cancels the other's."""

_CLASSES = frozenset({"I", "O", "E", "R", "N", "P", "B", "V", "C", "U"})
"""PV1-2, table 0004; PAM.fr uses E, I, N, O, R and, in older guides, V."""


def check_movement(message: Message, movement: Movement, findings: list[Finding]) -> None:
    """Remarks on what is missing or contradicts itself; errors where the message could be read two ways."""
    if movement.trigger not in _IDENTITY:
        _check_stay(message, movement, findings)
        _check_action(movement, findings)
    if movement.trigger == "A08":
        findings.append(note("a08-excluded", "MSH-9", "PAM.fr has no A08 for stays; it is read as an update"))
    if movement.trigger == "Z99" and not movement.original_trigger:
        words = "Z99 without ZBE-6: which movement it corrects is not stated; fill ZBE-6"
        findings.append(warning("original-trigger-missing", "ZBE-6", words))
    if movement.trigger == "A03":
        _check_times(movement, findings)


def _check_stay(message: Message, movement: Movement, findings: list[Finding]) -> None:
    if not (movement.stay.visit or movement.stay.file_number):
        words = "neither PV1-19 nor PID-18 numbers the stay: letters can only be matched by patient and date"
        findings.append(warning("no-visit-number", "PV1-19", words))
    if movement.stay.patient_class not in _CLASSES:
        words = "PV1-2 must say which kind of stay it is (I, O, E, R, N); it is not used"
        findings.append(warning("patient-class-unknown", "PV1-2", words))
    if not message.first(b"ZBE") and movement.trigger != "A08":
        words = "a movement without ZBE: its number, its time and what it corrects are not told; PAM.fr asks for ZBE"
        findings.append(warning("movement-without-zbe", "ZBE", words))


def _check_action(movement: Movement, findings: list[Finding]) -> None:
    """ZBE-4 must fit the event: A11, A12, A13, A38 and A06/A07 take something back, Z99 corrects (ZBE-4, ZBE-6)."""
    trigger, action = movement.trigger, movement.action
    if trigger == "A03" and action == "CANCEL":
        words = "a discharge (A03) with ZBE-4 CANCEL says two things; send A13 to cancel it"
        findings.append(error("movement-contradiction", "ZBE-4", words))
    elif action and action != _expected(trigger) and trigger not in _BOTH_WAYS:
        words = f"ZBE-4 does not fit the event: PAM.fr sends {_expected(trigger)} with it; the event counts"
        findings.append(warning("movement-action-unusual", "ZBE-4", words))
    cancelled = _CANCELS.get(trigger)
    if cancelled and movement.original_trigger and movement.original_trigger not in cancelled:
        words = "ZBE-6 names an event that this one does not cancel; the event counts: correct one of both"
        findings.append(warning("original-trigger-unusual", "ZBE-6", words))


def _expected(trigger: str) -> str:
    if trigger in _CANCELS:
        return "CANCEL"
    return "UPDATE" if trigger in {"Z99", "A08"} else "INSERT"


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
