"""``huitaine check FILE``: what a file is, what it says, whom it would go to, and each deviation; a local look only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast

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
from gateway.errors import UnreadableDocument
from gateway.parsers.detect import detect
from gateway.parsers.french import in_french
from gateway.parsers.read import read

Json = dict[str, Any]  # Any: the shape of interface.md, values of several types at each level


def check(content: bytes, name: str) -> Json:
    """The JSON of interface.md for any bytes; never raises for what they hold."""
    try:
        reading = read(content, name=name)
    except UnreadableDocument as refusal:
        reading = Reading(format=str(detect(content, name)), findings=refusal.findings)
    return {
        "format": reading.format,
        "variant": reading.variant,
        "charset": reading.charset,
        "accepted": reading.accepted,
        "already_sealed": reading.already_sealed,
        "processing": reading.processing,
        "documents": [_document(document) for document in reading.documents],
        "movements": [_movement(movement) for movement in reading.movements],
        "findings": [_finding(finding) for finding in reading.findings],
    }


def explain(checked: Mapping[str, Any], language: str = "en") -> Iterator[str]:
    """The same in plain sentences, French for ``fr``: what it is, about whom, to whom, and what is wrong where."""
    french = language == "fr"
    words = _FRENCH if french else _ENGLISH
    yield words["is"].format(**{key: checked[key] or "?" for key in ("format", "variant", "charset")})
    if checked["already_sealed"]:
        yield words["sealed"]
    if checked["processing"] in {"T", "D"}:
        yield words["test"]
    for number, document in enumerate(checked["documents"], start=1):
        yield from _told(document, number, words)
    for movement in checked["movements"]:
        yield words["movement"].format(trigger=movement["trigger"], visit=movement["stay"]["visit"] or "?")
    for finding in checked["findings"]:
        yield _finding_told(finding, words, french=french)
    yield words["accepted" if checked["accepted"] else "refused"]


def _told(document: Mapping[str, Any], number: int, words: Mapping[str, str]) -> Iterator[str]:
    yield words["document"].format(number=number, label=document["kind"]["label"] or "?")
    patient = document["patient"]
    yield words["patient"].format(**patient) if patient else words["nobody"]
    for addressee in document["addressees"]:
        key = addressee["rpps"] or addressee["mailbox"] or ""
        yield words["addressee" if key else "unnumbered"].format(
            role=words[f"role {addressee['role']}"], key=key, name=addressee["name"] or addressee["local_code"] or "?"
        )
    if not document["addressees"]:
        yield words["no_addressee"]
    counts = {key: len(document[key]) for key in ("results", "attachments")}
    yield words["content"].format(characters=len(document["text"]), **counts)
    for key in ("replaces", "cancels"):
        if document[key]:
            yield words[key].format(id=document[key])


def _finding_told(finding: Mapping[str, Any], words: Mapping[str, str], *, french: bool) -> str:
    message = (in_french(finding["code"]) if french else "") or finding["message"]
    quoted = f" [{finding['detail']}]" if finding["detail"] else ""
    return f"{words[finding['severity']]} {finding['place']}: {message} ({finding['code']}){quoted}"


_ENGLISH = {
    "is": "This is {format} ({variant}), charset {charset}.",
    "sealed": "The mail is signed or encrypted already: it goes on with the same bytes.",
    "test": "It is a test message: it never reaches a real mailbox.",
    "document": "Document {number}: {label}",
    "patient": "  about {family} {given}, born {birth_date}",
    "nobody": "  about nobody stated",
    "addressee": "  to the {role}: {name}, found by {key}",
    "unnumbered": "  to the {role}: {name}, without a number: never looked up by name",
    "no_addressee": "  names no addressee: the envelope or the source's rules decide",
    "content": "  holds {characters} characters of text, {results} results, {attachments} files",
    "replaces": "  replaces {id}",
    "cancels": "  cancels {id}",
    "movement": "Movement {trigger} of stay {visit}",
    "role gp": "GP", "role referrer": "referrer", "role copy": "doctor in copy", "role patient": "patient",
    "role organisation": "organisation",
    "error": "ERROR  ", "warning": "warning", "note": "note   ",
    "accepted": "It would be accepted.", "refused": "It would be refused.",
}  # fmt: skip
_FRENCH = {
    "is": "C'est du {format} ({variant}), jeu de caractères {charset}.",
    "sealed": "Le message est déjà signé ou chiffré : ses octets passent inchangés.",
    "test": "C'est un message de test : il n'atteint jamais une vraie boîte aux lettres.",
    "document": "Document {number} : {label}",
    "patient": "  au sujet de {family} {given}, né(e) le {birth_date}",
    "nobody": "  sans patient indiqué",
    "addressee": "  pour le {role} : {name}, trouvé par {key}",
    "unnumbered": "  pour le {role} : {name}, sans numéro : jamais cherché par son nom",
    "no_addressee": "  ne nomme aucun destinataire : l'enveloppe ou les règles de la source décident",
    "content": "  contient {characters} caractères de texte, {results} résultats, {attachments} fichiers",
    "replaces": "  remplace {id}",
    "cancels": "  annule {id}",
    "movement": "Mouvement {trigger} du séjour {visit}",
    "role gp": "médecin traitant", "role referrer": "médecin adresseur", "role copy": "médecin en copie",
    "role patient": "patient", "role organisation": "établissement",
    "error": "ERREUR   ", "warning": "attention", "note": "note     ",
    "accepted": "Il serait accepté.", "refused": "Il serait refusé.",
}  # fmt: skip


def _document(document: Document) -> Json:
    return {
        "kind": {"loinc": document.kind.loinc, "label": document.kind.label},
        "patient": _patient(document.patient),
        "stay": _stay(document.stay),
        "written_at": _moment(document.written_at),
        "validated_at": _moment(document.validated_at),
        "addressees": [_addressee(addressee) for addressee in document.addressees],
        "title": document.title,
        "results": [_result(result) for result in document.results],
        "text": document.text or document.wishes.body_for_professionals,
        "attachments": [_attachment(attachment) for attachment in document.attachments],
        "replaces": document.replaces,
        "cancels": document.cancels,
    }


def _patient(patient: Patient | None) -> Json | None:
    if patient is None:
        return None
    return {
        "family": patient.family,
        "given": patient.given,
        "birth_date": patient.birth_date,
        "sex": patient.sex,
        "used_family": patient.used_family,
        "identifiers": [
            {"value": one.value, "authority": one.authority, "type": one.type, "qualified": one.qualified}
            for one in patient.identifiers
        ],
    }


def _stay(stay: Stay | None) -> Json | None:
    if stay is None:
        return None
    return {
        "visit": stay.visit,
        "file_number": stay.file_number,
        "unit": stay.unit,
        "admitted_at": _moment(stay.admitted_at),
        "discharged_at": _moment(stay.discharged_at),
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
        "stay": cast("Json", _stay(movement.stay)),
        "addressees": [_addressee(one) for one in movement.gps],
    }


def _finding(finding: Finding) -> Json:
    return {
        "severity": str(finding.severity),
        "place": finding.place,
        "code": finding.code,
        "message": finding.message,
        "detail": finding.detail,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
