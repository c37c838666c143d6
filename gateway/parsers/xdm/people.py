"""People as XDS metadata write them: XCN and XON on one line (ITI TF-3 §4.2.3), patients in PID fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.document import Identifier, Patient, Professional
from gateway.identifiers import INS_OIDS, adeli, rpps
from gateway.parsers.hl7_time import birth_date

_PROFESSIONALS = "1.2.250.1.71.4.2.1"
_STRUCTURES = "1.2.250.1.71.4.2.2"


def patient_identifier(text: str) -> Identifier:
    """``value^^^&OID&ISO^type``; in XDS the type of an INS is NH, which in HL7 v2 is a billing number (§2.2)."""
    parts = text.split("^")
    oid = _authority(parts, 3)
    kind = "INS" if oid in INS_OIDS else (parts[4] if len(parts) > 4 else "")
    return Identifier(value=parts[0], authority=oid, type=kind)


def patient_of(info: Sequence[str], identifiers: Sequence[Identifier]) -> Patient | None:
    """From sourcePatientInfo (``PID-5|NOM^PRENOM^^^^^L``, ``PID-7|19790328``) and the patient's identifiers.

    The name of birth is the one of type L, wherever it stands; another is the used name.
    """
    lines = [(name, value) for name, _, value in (line.partition("|") for line in info)]
    facts: dict[str, str] = dict(reversed(lines))
    names = [_padded(value, 7) for name, value in lines if name == "PID-5"]
    birth = next((one for one in names if one[6] in {"L", ""}), names[0] if names else _padded("", 7))
    used = next((one[0] for one in names if one is not birth and one[0] != birth[0]), "")
    if not birth[0] and not identifiers:
        return None
    return Patient(
        family=birth[0],
        given=birth[1],
        birth_date=birth_date(facts.get("PID-7", "")),
        sex=facts.get("PID-8") or None,
        used_family=used,
        birth_place=_birth_place(lines),
        identifiers=tuple(identifiers),
    )


def author_of(slots: Mapping[str, Sequence[str]]) -> Professional | None:
    """The first person and institution of an author classification; ``None`` when it names neither."""
    person, institution = (next(iter(slots.get(name, ())), "") for name in ("authorPerson", "authorInstitution"))
    return professional(person, institution) if person or institution else None


def professional(person: str, institution: str = "") -> Professional:
    """``801234567897^DAVID^Charles^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS`` at ``CH^^^^^&OID&ISO^IDNST^^^1750803447``.

    A number counts only when the national register assigned it.
    """
    who, where = _padded(person, 10), _padded(institution, 10)
    known = who[0] if _authority(who, 8) == _PROFESSIONALS else ""
    structure = Identifier(value=where[9], authority=_STRUCTURES, type="IDNST")
    return Professional(
        rpps=rpps(known),
        adeli=adeli(known),
        family=who[1],
        given=who[2],
        title=who[5],
        organisation=where[0],
        organisation_id=structure if where[9] and _authority(where, 5) == _STRUCTURES else None,
    )


def _birth_place(lines: Sequence[tuple[str, str]]) -> str:
    """The INSEE code of an address of type BDL."""
    places = (_padded(value, 9) for name, value in lines if name == "PID-11")
    return next((one[8] for one in places if one[6] == "BDL"), "")


def _authority(parts: Sequence[str], index: int) -> str:
    """The OID of an HD component, ``&1.2.250.1.71.4.2.1&ISO``; empty without."""
    return parts[index].split("&")[1].strip() if len(parts) > index and "&" in parts[index] else ""


def _padded(text: str, count: int) -> list[str]:
    parts = [part.strip() for part in text.split("^")]
    return [*parts, *[""] * (count - len(parts))]
