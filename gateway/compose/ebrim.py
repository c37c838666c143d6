"""The few ebRIM 3.0 constructions that METADATA.XML is made of."""

from __future__ import annotations

from lxml import etree

from gateway.compose.profile import Coded

_RIM_URI = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
_LCM_URI = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
RIM = f"{{{_RIM_URI}}}"
LCM = f"{{{_LCM_URI}}}"
NSMAP = {"lcm": _LCM_URI, "rim": _RIM_URI}
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
_SUBMISSION_SET_NODE = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"


def approved() -> str:
    """The status of what is submitted."""
    return "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"


def slot(owner: etree._Element, name: str, *values: str) -> None:
    """A slot with its values; none at all when every value is empty, for an empty slot is an error to readers."""
    said = [value for value in values if value]
    if not said:
        return
    listed = etree.SubElement(etree.SubElement(owner, f"{RIM}Slot", name=name), f"{RIM}ValueList")
    for value in said:
        etree.SubElement(listed, f"{RIM}Value").text = value


def localized(owner: etree._Element, kind: str, text: str) -> None:
    """``Name`` or ``Description`` in French."""
    string = etree.SubElement(etree.SubElement(owner, f"{RIM}{kind}"), f"{RIM}LocalizedString")
    string.set("charset", "UTF8")
    string.set("value", text)
    string.set(_XML_LANG, "FR")


def classify(owner: etree._Element, scheme: str, code: Coded | None) -> etree._Element:
    """A classification of ``owner``: by a code of a value set, or an author (no code, slots added by the caller)."""
    name = owner.get("id", "")
    node = etree.SubElement(
        owner,
        f"{RIM}Classification",
        id=_next_id(owner, "Classification"),
        classificationScheme=scheme,
        classifiedObject=name,
        nodeRepresentation=code.code if code else "",
    )
    if code is not None:
        slot(node, "codingScheme", code.system)
        localized(node, "Name", code.label)
    return node


def external(owner: etree._Element, scheme: str, name: str, value: str) -> None:
    """An identifier of ``owner`` in a scheme: patientId, uniqueId, sourceId."""
    node = etree.SubElement(
        owner,
        f"{RIM}ExternalIdentifier",
        id=_next_id(owner, "Identifier"),
        registryObject=owner.get("id", ""),
        identificationScheme=scheme,
        value=value,
    )
    localized(node, "Name", name)


def submission_node(objects: etree._Element, name: str) -> None:
    """What makes a registry package a submission set."""
    etree.SubElement(
        objects,
        f"{RIM}Classification",
        id=f"{name}-Node",
        classifiedObject=name,
        classificationNode=_SUBMISSION_SET_NODE,
    )


def association(objects: etree._Element, source: str, target: str, number: int) -> None:
    """The submission set has this document as an original member."""
    node = etree.SubElement(
        objects,
        f"{RIM}Association",
        id=f"Association{number:02}",
        associationType=_HAS_MEMBER,
        sourceObject=source,
        targetObject=target,
    )
    slot(node, "SubmissionSetStatus", "Original")


def _next_id(owner: etree._Element, kind: str) -> str:
    # Symbolic ids: the registry assigns the real ones (ITI TF-3 §4.2.1.1).
    return f"{owner.get('id', '')}-{kind}{len(owner) + 1:02}"
