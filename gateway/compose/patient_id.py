"""A patient's number as XDS and CDA write it: the INS when it may leave, else the hospital's own."""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

from gateway.compose.cda_header import component
from gateway.compose.dispatch import Dispatch
from gateway.compose.identity import is_oid, patient_number, qualified_ins
from gateway.document import Document


def hospital_oid(dispatch: Dispatch) -> str:
    """The hospital's OID, or one made of its mailbox so that it stays the same for every letter."""
    return dispatch.profile.oid or f"2.25.{uuid5(NAMESPACE_OID, dispatch.profile.sender).int}"


def local_number(dispatch: Dispatch, document: Document) -> tuple[str, str]:
    """Value and assigning OID of the hospital's number; the letter's id stands in where the sender gave none.

    METADATA.XML must have a patientId: an id that is nobody's number says honestly that the patient has to be
    found by name and birth date, a number taken from elsewhere would file the letter under somebody.
    """
    number = patient_number(document)
    if number is None:
        return str(dispatch.parsed.id), hospital_oid(dispatch)
    return number.value.strip(), number.authority if is_oid(number.authority) else hospital_oid(dispatch)


def patient_id(dispatch: Dispatch, document: Document) -> str:
    """patientId: INS with type ``NH`` (XDS calls it so, PAM calls it INS), else the hospital's with ``PI``."""
    ins = qualified_ins(document.patient) if document.patient else None
    if ins is not None:
        return f"{component(ins.value)}^^^&{ins.authority}&ISO^NH"
    return source_patient_id(dispatch, document)


def source_patient_id(dispatch: Dispatch, document: Document) -> str:
    """sourcePatientId: the hospital's own number, the INS where there is only that."""
    ins = qualified_ins(document.patient) if document.patient else None
    if ins is not None and patient_number(document) is None:
        return f"{component(ins.value)}^^^&{ins.authority}&ISO^NH"
    value, authority = local_number(dispatch, document)
    return f"{component(value)}^^^&{authority}&ISO^PI"
