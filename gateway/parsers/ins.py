"""The national health identity (INS) as HL7 v2, CDA and XDM carry it: its OIDs, its key, when it counts as one."""

from __future__ import annotations

from gateway.document import Finding, Identifier, Patient
from gateway.identifiers import REAL_INS, ins_is_right
from gateway.parsers.remarks import error, warning


def check_ins(identifier: Identifier, place: str) -> tuple[Finding, ...]:
    """An INS that is not 15 characters with the right key: an error on a real OID, a warning on a test OID.

    Numbers printed in the official specifications fail (standards/mssante.md §5.2), so tests must go on with them.
    """
    if identifier.type != "INS" or ins_is_right(identifier.value):
        return ()
    remark = error if identifier.authority in REAL_INS else warning
    return (remark("ins-key-wrong", place, "the INS is not 13 characters and their key; send it as INSi returned it"),)


def ins_of(patient: Patient) -> frozenset[str]:
    """The matricules of the patient's INS numbers, without their keys."""
    return frozenset(identifier.value[:13] for identifier in patient.identifiers if identifier.type == "INS")
