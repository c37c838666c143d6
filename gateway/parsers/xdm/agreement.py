"""Does what the metadata say fit the document: bytes, patient, ids, and the set that holds it (ITI TF-3 §4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha1

from gateway.document import Document, Finding, Identifier, Patient
from gateway.parsers.remarks import error, note, warning
from gateway.parsers.split import folded
from gateway.parsers.xdm.metadata import Entry, Submission
from gateway.parsers.xdm.people import patient_of


def damage_of(content: bytes, entry: Entry, place: str) -> tuple[Finding, ...]:
    """Size and SHA-1 against the metadata: an error when they differ, a warning when they are not stated."""
    if entry.size and entry.size != str(len(content)):
        words = "XDM refused: the document has not the size that the metadata state; pack it again"
        return (error("size-differs", place, words),)
    if entry.hash and entry.hash != sha1(content, usedforsecurity=False).hexdigest():
        words = "XDM refused: the document has not the hash that the metadata state; pack it again"
        return (error("hash-differs", place, words),)
    if not entry.size or not entry.hash:
        return (warning("hash-not-stated", place, "the metadata lack hash or size, so damage cannot be seen"),)
    return ()


def differences(document: Document, entry: Entry, place: str) -> Iterator[Finding]:
    """What the document and its entry say differently; another patient is an error."""
    if document.patient is not None:
        yield from _patients(document.patient, entry, place)
    if entry.unique_id and document.id and entry.unique_id != document.id:
        yield warning("unique-id-differs", place, "uniqueId in the metadata is not the id of the document")
    kinds = document.kind.loinc, entry.kind.loinc
    if all(kinds) and kinds[0] != kinds[1]:
        yield warning("kind-differs", place, "typeCode in the metadata is not the code of the document")


def _patients(found: Patient, entry: Entry, place: str) -> Iterator[Finding]:
    stated = entry.patient_id
    if stated and not any(one.value == stated.value for one in found.identifiers):
        same_authority = any(one.authority == stated.authority for one in found.identifiers)
        remark, words = (error, "is another's") if same_authority else (warning, "is not among the document's numbers")
        yield remark("patient-mismatch", place, f"the patientId of the metadata {words}; correct the archive")
    told = patient_of(entry.patient_info, ())
    if told is None:
        return
    name = folded(told.family) not in {folded(found.family), folded(found.used_family)}
    birth = bool(told.birth_date and found.birth_date) and told.birth_date != found.birth_date
    if name and birth:
        yield error("patient-mismatch", place, "name and birth date of the metadata are another's; correct the archive")
    elif name or birth:
        yield warning("patient-trait-differs", place, "a trait of the patient is not the same in metadata and document")


def set_remarks(submission: Submission) -> Iterator[Finding]:
    """What is odd about the submission set itself; a set about another patient than its documents is an error."""
    place = "METADATA.XML RegistryPackage"
    if not submission.sets:
        yield warning("submission-set-missing", place, "the metadata hold no submission set; send them with one")
    for one in submission.sets:
        if one.patient_id and any(_another(one.patient_id, entry.patient_id) for entry in submission.entries):
            words = "XDM refused: the submission set and a document name different patients; send one patient at a time"
            yield error("set-patient-differs", place, words)
        if one.recipients:
            words = "intendedRecipient are not addressees: name them where the letter is sent from"
            yield note("information-recipient-not-routed", place, words)
    if submission.members and any(entry.name not in submission.members for entry in submission.entries):
        yield warning("document-not-in-set", place, "a document is in the metadata, but no submission set holds it")


def _another(one: Identifier, other: Identifier | None) -> bool:
    """Both from the same authority, and not the same: numbers of two authorities cannot be compared."""
    return other is not None and one.authority == other.authority and one.value != other.value
