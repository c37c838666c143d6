"""Reading what the metadata of an XDM archive repeat from a CDA header, and nothing after it.

The reader parsed the whole document in a child process; here only the header is fed to the parser, until
``component`` opens, so neither a large body nor what is wrong in it can cost anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from gateway.compose.address import refusal
from gateway.compose.profile import Coded
from gateway.compose.text import one_line
from gateway.errors import UnreadableDocument

_HL7 = "{urn:hl7-org:v3}"
_STEP = 16384
_LONGEST_HEADER = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CdaHeader:
    """Values as they stand in the CDA; empty where it has none."""

    id: str
    code: Coded
    title: str = field(repr=False)
    effective_time: str
    language: str
    confidentiality: Coded
    templates: frozenset[str]
    unstructured: bool
    set_id: str
    replaced: str
    start: str
    stop: str
    facility: Coded | None
    practice: Coded | None
    author_person: str = field(repr=False)
    author_institution: str
    author_specialty: str
    legal_authenticator: str = field(repr=False)


def read_header(content: bytes) -> CdaHeader:
    """The header of ``content``; ``UnreadableDocument`` when it is not XML, has a DTD, or is not a CDA."""
    root, unstructured = _header_tree(content)
    encounter = root.find(f"{_HL7}componentOf/{_HL7}encompassingEncounter")
    service = root.find(f"{_HL7}documentationOf/{_HL7}serviceEvent")
    author = root.find(f"{_HL7}author/{_HL7}assignedAuthor")
    return CdaHeader(
        id=_id(root.find(f"{_HL7}id")),
        code=_coded(root.find(f"{_HL7}code")) or Coded(code="", system="", label=""),
        title=" ".join((root.findtext(f"{_HL7}title") or "").split()),
        effective_time=_value(root, "effectiveTime"),
        language=_attribute(root.find(f"{_HL7}languageCode"), "code") or "fr-FR",
        confidentiality=_coded(root.find(f"{_HL7}confidentialityCode")) or _NORMAL,
        templates=frozenset(_attribute(node, "root") for node in root.findall(f"{_HL7}templateId")),
        unstructured=unstructured,
        set_id=_id(root.find(f"{_HL7}setId")),
        replaced=_id(root.find(f"{_HL7}relatedDocument[@typeCode='RPLC']/{_HL7}parentDocument/{_HL7}id")),
        start=_bound(service, encounter, "low"),
        stop=_bound(service, encounter, "high"),
        facility=_coded(_find(encounter, "location/healthCareFacility/code")),
        practice=_coded(
            _find(service, "performer/assignedEntity/representedOrganization/standardIndustryClassCode"),
        ),
        author_person=_person(author),
        author_institution=_institution(_find(author, "representedOrganization")),
        author_specialty=_specialty(_coded(_find(author, "code"))),
        legal_authenticator=_person(root.find(f"{_HL7}legalAuthenticator/{_HL7}assignedEntity")),
    )


def component(text: str) -> str:
    """``text`` as one component of an XDS value: without the separators of HL7 v2."""
    return one_line(text.translate(_SEPARATORS))


_SEPARATORS = str.maketrans("|^&~\\", "     ")
_NORMAL = Coded(code="N", system="2.16.840.1.113883.5.25", label="Normal")


def _header_tree(content: bytes) -> tuple[etree._Element, bool]:
    parser = etree.XMLPullParser(
        events=("start",),
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
    )
    root: etree._Element | None = None
    waiting = False
    try:
        for start in range(0, min(len(content), _LONGEST_HEADER), _STEP):
            parser.feed(content[start : start + _STEP])
            for _, node in parser.read_events():
                if not isinstance(node, etree._Element):  # the stubs know other events too
                    continue
                if root is None:
                    root = _clinical_document(node)
                if waiting:
                    return root, node.tag == f"{_HL7}nonXMLBody"
                waiting = node.tag == f"{_HL7}component" and node.getparent() is root
    except etree.XMLSyntaxError as error:
        raise _not_a_cda(f"XML, line {error.lineno}") from error
    raise _not_a_cda("ClinicalDocument/component")


def _clinical_document(node: etree._Element) -> etree._Element:
    if node.tag != f"{_HL7}ClinicalDocument" or node.getroottree().docinfo.internalDTD is not None:
        raise _not_a_cda("ClinicalDocument")
    return node


def _not_a_cda(place: str) -> UnreadableDocument:
    return UnreadableDocument((refusal(place, "not-a-cda", "the document is not a CDA R2 without DTD"),))


def _find(node: etree._Element | None, path: str) -> etree._Element | None:
    return None if node is None else node.find("/".join(_HL7 + step for step in path.split("/")))


def _attribute(node: etree._Element | None, name: str) -> str:
    return "" if node is None else str(node.get(name) or "")


def _value(root: etree._Element, name: str) -> str:
    return _attribute(root.find(_HL7 + name), "value")


def _id(node: etree._Element | None) -> str:
    root, extension = _attribute(node, "root"), _attribute(node, "extension")
    return f"{root}^{extension}" if extension else root


def _coded(node: etree._Element | None) -> Coded | None:
    code = _attribute(node, "code")
    if not code:
        return None
    label = " ".join(_attribute(node, "displayName").split())
    return Coded(code=code, system=_attribute(node, "codeSystem"), label=label or code)


def _bound(service: etree._Element | None, encounter: etree._Element | None, which: str) -> str:
    bounds = (_attribute(_find(node, f"effectiveTime/{which}"), "value") for node in (service, encounter))
    return next(filter(None, bounds), "")


def _person(entity: etree._Element | None) -> str:
    """XCN of mssante.md §2.2: ``id^NOM^Prénom^^^^^^&root&ISO^D^^^IDNPS``."""
    number, name = _find(entity, "id"), _find(entity, "assignedPerson/name")
    family, given = (component(_text(name, part)) for part in ("family", "given"))
    if not family:
        return ""
    root = component(_attribute(number, "root"))
    kind = "IDNPS" if root == "1.2.250.1.71.4.2.1" else "EI"
    return f"{component(_attribute(number, 'extension'))}^{family}^{given}^^^^^^&{root}&ISO^D^^^{kind}"


def _text(node: etree._Element | None, name: str) -> str:
    return "" if node is None else (node.findtext(_HL7 + name) or "")


def _institution(organisation: etree._Element | None) -> str:
    name = component(_text(organisation, "name"))
    number = _find(organisation, "id")
    if not name:
        return ""
    root, extension = component(_attribute(number, "root")), component(_attribute(number, "extension"))
    return f"{name}^^^^^&{root}&ISO^IDNST^^^{extension}" if extension else name


def _specialty(code: Coded | None) -> str:
    return f"{component(code.code)}^{component(code.label)}^{component(code.system)}" if code else ""
