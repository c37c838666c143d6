"""French value sets that the metadata of a document need (mssante.md §2.3 to §2.5)."""

from __future__ import annotations

import re

from gateway.compose.profile import Coded, ComposeProfile
from gateway.document import Kind, Stay, Wishes

LOINC = "2.16.840.1.113883.6.1"
TYPE_COMPLEMENT = "1.2.250.1.213.1.1.4.12"
"""TRE_A05: the types of JDV_J07 that have no LOINC code."""
IHE_FORMATS = "1.3.6.1.4.1.19376.1.2.3"
FRENCH_FORMATS = "1.2.250.1.213.1.1.4.12"
PROFESSIONALS = "1.2.250.1.71.4.2.1"
STRUCTURES = "1.2.250.1.71.4.2.2"

_LOINC_CODE = re.compile(r"[0-9]{1,7}-[0-9]")
_CLASS_SYSTEM = "1.2.250.1.213.1.1.4.1"
_CLASSES = {
    "10": "Compte rendu",
    "11": "Synthèse",
    "31": "Imagerie médicale",
    "42": "Prescription",
    "43": "Dispensation",
    "44": "Plan de soins, protocole de soins",
    "45": "Traitement administré",
    "52": "Certificat, déclaration",
    "60": "Remboursement",
    "90": "Patient",
    "95": "Gestion",
}
_CLASS_OF_TYPE = {
    "18748-4": "31",
    "57833-6": "42",
    "PRESC-BIO": "42",
    "SYNTH": "11",
    "60591-5": "11",
}
"""The national table type → class is not public: reports are class 10, settings change what differs."""

_CONTENT_TYPES = {"I": "03", "O": "07", "E": "07", "R": "19", "N": "97"}
_CONTENT_LABELS = {"03": "Hospitalisation complète", "07": "Consultation"}

_FORMATS: tuple[tuple[str, str], ...] = (
    ("1.2.250.1.213.1.1.1.29", "urn:asip:ci-sis:ldl-ses:2017"),
    ("1.2.250.1.213.1.1.1.21", "urn:asip:ci-sis:ldl-ees:2017"),
    ("1.2.250.1.213.1.1.1.13", "urn:asip:ci-sis:vsm:2012"),
    ("1.2.250.1.213.1.1.1.55", "urn:ihe:lab:xd-lab:2008"),
    ("1.3.6.1.4.1.19376.1.3.3", "urn:ihe:lab:xd-lab:2008"),
    ("1.2.250.1.213.1.1.1.45", "urn:ihe:rad:CDA:ImagingReportStructuredHeadings:2013"),
    ("1.2.250.1.213.1.1.1.57", "urn:ihe:palm:apsr:2016"),
    ("1.2.250.1.213.1.1.1.39", "urn:ihe:pharm:pre:2010"),
    ("1.2.250.1.213.1.1.1.54", "urn:ihe:pharm:dis:2010"),
    ("1.2.250.1.213.1.1.1.40", "urn:asip:ci-sis:cr-anest:2020"),
    ("1.2.250.1.213.1.1.1.41", "urn:asip:ci-sis:cr-cpa:2020"),
    ("1.2.250.1.213.1.1.1.51", "urn:ihe:pcc:ips:2020"),
    ("1.2.250.1.213.1.1.1.32", "urn:asip:ci-sis:crgm:2018"),
    ("1.2.250.1.213.1.1.1.20", "urn:asip:ci-sis:pps-paerpa:2017"),
    ("1.2.250.1.213.1.1.1.22", "urn:asip:ci-sis:dlu:2015"),
)
_UNSTRUCTURED = "urn:ihe:iti:xds-sd:pdf:2008"
_STRUCTURED = "urn:ihe:iti:xds:2017:mimeTypeSufficient"


def type_code(kind: Kind) -> Coded | None:
    """The kind as XDS typeCode; ``None`` when the sender did not state a code."""
    if not kind.loinc:
        return None
    system = LOINC if _LOINC_CODE.fullmatch(kind.loinc) else TYPE_COMPLEMENT
    return Coded(code=kind.loinc, system=system, label=kind.label or kind.loinc)


def class_code(code: str, profile: ComposeProfile) -> Coded:
    """The XDS classCode of a type: the settings', else the known ones, else a report."""
    chosen = dict(profile.class_codes).get(code) or _CLASS_OF_TYPE.get(code, "10")
    return Coded(code=chosen, system=_CLASS_SYSTEM, label=_CLASSES.get(chosen, chosen))


def format_code(templates: frozenset[str], *, unstructured: bool) -> Coded:
    """ASS_A11: by the template of the content, else by whether the body is a file or XML."""
    if unstructured:
        return _format(_UNSTRUCTURED)
    return _format(next((urn for template, urn in _FORMATS if template in templates), _STRUCTURED))


def flags(wishes: Wishes) -> list[Coded]:
    """JDV_J08: what the sender hides, beside the confidentiality of the document itself."""
    system = "1.2.250.1.213.1.1.4.13"
    hidden = (
        (wishes.hidden_from_professionals, "MASQUE_PS", "Masqué aux professionnels de santé"),
        (wishes.hidden_from_patient, "INVISIBLE_PATIENT", "Non visible par le patient"),
        (
            wishes.hidden_from_legal_representatives,
            "INVISIBLE_REPRESENTANTS_LEGAUX",
            "Non visible par les représentants légaux du patient",
        ),
    )
    return [Coded(code=code, system=system, label=label) for asked, code, label in hidden if asked]


def content_type(stay: Stay | None) -> Coded:
    """The contentTypeCode of the submission set (TRE_R209) by PV1-2; where nobody said it, by whether there is a stay.

    Only the codes and their letters are public (mssante.md §2.2): I is 03, O and E are 07, R is 19, N is 97.
    """
    code = _CONTENT_TYPES.get((stay.patient_class or "").upper()) if stay else None
    code = code or ("03" if stay else "07")
    return Coded(code=code, system="1.2.250.1.213.2.2", label=_CONTENT_LABELS.get(code, code))


def _format(urn: str) -> Coded:
    system = FRENCH_FORMATS if urn.startswith("urn:asip") else IHE_FORMATS
    return Coded(code=urn, system=system, label=urn)
