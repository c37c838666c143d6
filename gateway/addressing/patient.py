"""The patient's own mailbox and the sender's wishes about who may see the letter: pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from gateway.addressing.policy import AddressingPolicy
from gateway.addressing.reasons import because
from gateway.document import Identifier, Role, Wishes
from gateway.identifiers import REAL_INS, TEST_INS, ins
from gateway.letter import Mode, ParsedLetter, Reason

_ADULT = 18


class WhoMay(NamedTuple):
    """The wishes of all documents together: one that forbids forbids for all."""

    to_professionals: bool | None
    to_patient: bool
    hidden_from_professionals: bool
    hidden_from_patient: bool
    hidden_from_legal_representatives: bool


def combined(parsed: ParsedLetter) -> WhoMay:
    """The wishes of a letter's documents (CI-SIS metadata OBX)."""
    wishes = [document.wishes for document in parsed.documents] or [Wishes()]
    to_professionals = {wish.to_professionals for wish in wishes}
    to_patient = {wish.to_patient for wish in wishes}
    return WhoMay(
        to_professionals=False if False in to_professionals else (True if True in to_professionals else None),
        to_patient=True in to_patient and False not in to_patient,
        hidden_from_professionals=any(wish.hidden_from_professionals for wish in wishes),
        hidden_from_patient=any(wish.hidden_from_patient for wish in wishes),
        hidden_from_legal_representatives=any(wish.hidden_from_legal_representatives for wish in wishes),
    )


def forbidden(parsed: ParsedLetter, role: Role, now: datetime) -> Reason | None:
    """Why this kind of addressee may not get the letter now, whatever the envelope says."""
    wishes = combined(parsed)
    if role is not Role.PATIENT:
        if wishes.hidden_from_professionals:
            return because("hidden-from-professionals")
        return because("professionals-not-wished") if wishes.to_professionals is False else None
    if wishes.hidden_from_patient:
        return because("hidden-from-patient")
    if any(document.wishes.to_patient is False for document in parsed.documents):
        return because("patient-not-wished")
    if wishes.hidden_from_legal_representatives and _may_be_minor(parsed, now.date()):
        return because("hidden-from-legal-representatives")
    return None


def wrong_world(parsed: ParsedLetter, mode: Mode) -> Reason | None:
    """Whether a patient of the other world is in the letter: test and production never mix."""
    wrong = TEST_INS if mode is Mode.PRODUCTION else REAL_INS
    if any(identifier.authority in wrong and identifier.value for identifier in _identifiers(parsed)):
        return because("test-identity" if mode is Mode.PRODUCTION else "real-identity")
    return None


def patient_wanted(parsed: ParsedLetter, policy: AddressingPolicy, *, given: str | None) -> str | Reason:
    """The patient's mailbox, ``<INS>@<patient domain>``, from a qualified INS alone; ``given`` must be the same."""
    worlds = REAL_INS if policy.mode is Mode.PRODUCTION else TEST_INS
    said = {ins(one.value, one.authority) for one in _identifiers(parsed) if one.qualified and one.authority in worlds}
    if len({one.number for one in said if one}) != 1 or not all(one and one.key_is_right for one in said):
        # A second one with a wrong key may be a second patient's.
        return because("patient-not-qualified")
    mailbox = f"{next(one.number for one in said if one)}@{policy.patient_domain}".lower()
    return mailbox if given is None or given.lower() == mailbox else because("patient-mismatch")


def _identifiers(parsed: ParsedLetter) -> list[Identifier]:
    patients = [document.patient for document in parsed.documents if document.patient]
    return [identifier for patient in patients for identifier in patient.identifiers]


def _may_be_minor(parsed: ParsedLetter, today: date) -> bool:
    """Under eighteen, or of unknown age."""
    try:
        born = date.fromisoformat(parsed.patient.birth_date if parsed.patient else "")
    except ValueError:
        return True
    return (today.year - born.year - ((today.month, today.day) < (born.month, born.day))) < _ADULT
