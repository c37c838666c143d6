"""What one document or movement of a file says, as rows for `huitaine check FILE`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from commands.check_words import ROLES, day, number, said, size_of
from commands.output import say

Json = Mapping[str, Any]  # Any: JSON
Row = tuple[str, list[str]]
"""A label, and its lines; a row without any is not shown."""


def title_of(document: Json, place: int, count: int) -> str:
    """``Document 1 of 2: Lettre de liaison (LOINC 11490-0)``."""
    kind = document["kind"]
    of = say(f" {place} of {count}", f" {place} sur {count}") if count > 1 else ""
    loinc = f" (LOINC {kind['loinc']})" if kind["loinc"] else ""
    return f"Document{of}{said('colon')}{kind['label'] or '?'}{loinc}"


def document_rows(document: Json) -> Iterator[Row]:
    """Patient, stay, validation, addressees as named, content, what it replaces or cancels."""
    yield say("patient", "patient"), [_patient(document["patient"])]
    yield say("stay", "séjour"), _stay(document["stay"])
    yield say("validated", "validé le"), _some(day(document["validated_at"]))
    yield say("names", "nomme"), [_addressee(one) for one in document["addressees"]] or [said("no addressee")]
    yield say("holds", "contient"), list(_content(document)) or [say("nothing", "rien")]
    yield say("replaces", "remplace"), _some(document["replaces"])
    yield say("cancels", "annule"), _some(document["cancels"])


def movement_rows(movement: Json) -> Iterator[Row]:
    """Patient, stay, the doctors it names."""
    yield say("patient", "patient"), [_patient(movement["patient"])]
    yield say("stay", "séjour"), _stay(movement["stay"])
    yield say("names", "nomme"), [_addressee(one) for one in movement["addressees"]]


def _some(value: str | None) -> list[str]:
    return [value] if value else []


def _patient(patient: Json) -> str:
    if not patient["identified"]:
        return said("nobody stated")
    other = patient["used_family"] not in {"", patient["family"]}
    used = f" ({say('used name', 'nom utilisé')} {patient['used_family']})" if other else ""
    born = f"{say(', born ', ', né(e) le ')}{day(patient['birth_date'])}" if patient["birth_date"] else ""
    sex = f", {patient['sex']}" if patient["sex"] else ""
    numbers = "".join(f", {_identifier(one)}" for one in patient["identifiers"])
    return f"{patient['family']} {patient['given']}{used}{born}{sex}{numbers}"


def _identifier(one: Json) -> str:
    if one["type"] != "INS":
        return f"{one['type'] or say('number', 'numéro')} {one['value']}"
    status = say("qualified", "qualifiée") if one["qualified"] else say("not qualified", "non qualifiée")
    return f"INS {one['value']} ({status})"


def _stay(stay: Json) -> list[str]:
    parts = [
        stay["visit"] or "",
        f"{say('from', 'du')} {day(stay['admitted_at'])}" if stay["admitted_at"] else "",
        f"{say('to', 'au')} {day(stay['discharged_at'])}" if stay["discharged_at"] else "",
    ]
    return _some(" ".join(part for part in parts if part))


def _addressee(one: Json) -> str:
    keys = (("RPPS ", one["rpps"]), ("ADELI ", one["adeli"]), ("", one["mailbox"]))
    key = ", ".join(f"{lead}{value}" for lead, value in keys if value)
    name = " ".join(filter(None, (say(*ROLES[one["role"]]), one["name"] or one["local_code"])))
    if one["role"] == "patient" or key:
        return f"{name}, {key}" if key else name
    return name + said("unnumbered")


def _content(document: Json) -> Iterator[str]:
    valued = [one for one in document["results"] if one["value"]]
    flagged = sum(one["flag"] not in {"", "N"} for one in valued)
    if document["text"]:
        signs = len(document["text"])
        yield number(signs, ("character of text", "characters of text"), ("caractère de texte", "caractères de texte"))
    if valued:
        out = say(f", {flagged} out of range", f", dont {flagged} hors des normes") if flagged else ""
        yield number(len(valued), ("result", "results"), ("résultat", "résultats")) + out
    for one in document["attachments"]:
        yield f"{one['name'] or say('a file', 'un fichier')} ({one['media_type']}, {size_of(one['size'])})"
