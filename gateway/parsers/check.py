"""``huitaine check FILE --format json``: what was read of a file, in the shape that scripts rely on; pure.

Keys are only ever added. An object that the letter does not state stands there with empty members: a script reads
``patient.family`` of any document.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.document import (
    Attachment,
    Document,
    Finding,
    Movement,
    NamedAddressee,
    Patient,
    Reading,
    Result,
    Stay,
)
from gateway.parsers.catalogue import sentences

Json = dict[str, Any]  # Any: the shape of interface.md, values of several types at each level
FORMATS = frozenset({"hprim-medecin", "hprim-sante", "hl7v2", "cda", "xdm", "mime", "pdf", "unknown"})
"""What ``format`` may be; a text that is none of them is ``unknown``, and ``variant`` says so."""


def as_json(reading: Reading, language: str = "en") -> Json:
    """The JSON of interface.md; ``language`` (``fr``, ``en``) is that of the findings' sentences alone."""
    known = reading.format in FORMATS
    return {
        "format": reading.format if known else "unknown",
        "variant": reading.variant or ("" if known else reading.format),
        "charset": reading.charset,
        "accepted": reading.accepted,
        "already_sealed": reading.already_sealed,
        "processing": reading.processing,
        "documents": [_document(document) for document in reading.documents],
        "movements": [_movement(movement) for movement in reading.movements],
        "findings": [finding_json(finding, language) for finding in reading.findings],
    }


def finding_json(finding: Finding, language: str = "en") -> Json:
    """One deviation: ``message`` says what, ``why`` it matters, ``do`` what to do; ``detail`` may quote the file."""
    told = sentences(finding.code, finding.message, language)
    return {
        "severity": str(finding.severity),
        "place": finding.place,
        "code": finding.code,
        "message": told.what if language == "fr" else finding.message,
        "why": told.why,
        "do": told.do,
        "detail": finding.detail,
    }


def headline(finding: Mapping[str, Any], language: str) -> str:  # Any: JSON
    """The message of a finding of :func:`as_json` without the advice that readers put behind it."""
    return sentences(finding["code"], finding["message"], language).what if language != "fr" else finding["message"]


def _document(document: Document) -> Json:
    return {
        "kind": {"loinc": document.kind.loinc, "label": document.kind.label},
        "patient": _patient(document.patient),
        "stay": _stay(document.stay),
        "written_at": _moment(document.written_at),
        "validated_at": _moment(document.validated_at),
        "addressees": [_addressee(addressee) for addressee in document.addressees],
        "title": document.title,
        "urgent": document.urgent,
        "results": [_result(result) for result in document.results],
        "text": document.text or document.wishes.body_for_professionals,
        "attachments": [_attachment(attachment) for attachment in document.attachments],
        "replaces": document.replaces,
        "cancels": document.cancels,
    }


def _patient(patient: Patient | None) -> Json:
    """``identified`` says whether the letter names anybody at all."""
    stated = patient or Patient(family="", given="")
    return {
        "family": stated.family,
        "given": stated.given,
        "birth_date": stated.birth_date,
        "sex": stated.sex if stated.sex in {"F", "M", "U"} else None,
        "used_family": stated.used_family,
        "identified": patient is not None,
        "identifiers": [
            {"value": one.value, "authority": one.authority, "type": one.type, "qualified": one.qualified}
            for one in stated.identifiers
        ],
    }


def _stay(stay: Stay | None) -> Json:
    stated = stay or Stay()
    return {
        "visit": stated.visit,
        "file_number": stated.file_number,
        "unit": stated.unit,
        "admitted_at": _moment(stated.admitted_at),
        "discharged_at": _moment(stated.discharged_at),
    }


def _addressee(addressee: NamedAddressee) -> Json:
    return {
        "role": str(addressee.role),
        "rpps": addressee.rpps,
        "adeli": addressee.adeli,
        "mailbox": addressee.mailbox,
        "name": f"{addressee.family} {addressee.given}".strip(),
        "local_code": addressee.local_code,
        "place": addressee.place,
    }


def _result(result: Result) -> Json:
    second = result.second
    return {
        "code": result.code,
        "label": result.label,
        "value": result.value,
        "comparator": result.comparator,
        "unit": result.unit,
        "low": result.low,
        "high": result.high,
        "flag": result.flag,
        "status": result.status,
        "second": {"value": second.value, "unit": second.unit, "low": second.low, "high": second.high}
        if second
        else None,
        "comment": result.comment,
    }


def _attachment(attachment: Attachment) -> Json:
    return {
        "name": attachment.name,
        "media_type": attachment.media_type,
        "size": len(attachment.content),
        "sha256": attachment.sha256,
    }


def _movement(movement: Movement) -> Json:
    return {
        "trigger": movement.trigger,
        "action": movement.action,
        "patient": _patient(movement.patient),
        "stay": _stay(movement.stay),
        "addressees": [_addressee(one) for one in movement.gps],
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
