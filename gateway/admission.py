"""Test and production never mix (design.md, decision 16): a pure rule over what was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from gateway.document import Finding, Identifier, Patient, Reading, Severity
from gateway.identifiers import REAL_INS, TEST_INS
from gateway.letter import Mode

TRIAL = {"T", "D"}


def admission(mode: Mode) -> Callable[[Reading], Reading]:
    """The rule of one mode: gives the reading again, with an error finding when it does not belong here."""

    def admit(reading: Reading) -> Reading:
        return replace(reading, findings=(*reading.findings, *refusals(reading, mode)))

    return admit


def refusals(reading: Reading, mode: Mode) -> Iterator[Finding]:
    """Why this reading has no place in this mode: test messages in production, real identities in test."""
    if mode is Mode.PRODUCTION and reading.processing in TRIAL:
        yield _error(
            "MSH-11", "test-message", "a message marked as test or debugging is refused in production; send it with P"
        )
    wrong = TEST_INS if mode is Mode.PRODUCTION else REAL_INS
    if any(identifier.authority in wrong and identifier.value for identifier in _identifiers(reading)):
        words = {
            Mode.PRODUCTION: "a test identity (INS of OID .10 or .11) is refused in production",
            Mode.TEST: "a real identity (INS of OID .8 or .9) is refused in test; use a test identity",
        }
        yield _error("PID-3", "wrong-world-identity", words[mode])


def _identifiers(reading: Reading) -> Iterator[Identifier]:
    patients = [document.patient for document in reading.documents]
    patients += [movement.patient for movement in reading.movements]
    for patient in patients:
        yield from _of(patient)


def _of(patient: Patient | None) -> tuple[Identifier, ...]:
    return patient.identifiers if patient else ()


def _error(place: str, code: str, words: str) -> Finding:
    return Finding(severity=Severity.ERROR, place=place, code=code, message=words)
