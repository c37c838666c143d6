"""The ebRIM 3.0 constructions that METADATA.XML is made of, read: slots, classifications, external identifiers."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

LCM = "{urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0}"
RIM = "{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}"


def slots(owner: etree._Element) -> dict[str, tuple[str, ...]]:
    """The values of each slot of an object, in their order; a slot that stands twice counts once, as it stands last."""
    found: dict[str, tuple[str, ...]] = {}
    for slot in owner.iterchildren(RIM + "Slot"):
        values = ((value.text or "").strip() for value in slot.iter(RIM + "Value"))
        found[slot.get("name", "")] = tuple(filter(None, values))
    return found


def classifications(owner: etree._Element, scheme: str) -> Iterator[etree._Element]:
    """The classifications of an object in one scheme."""
    for one in owner.iterchildren(RIM + "Classification"):
        if one.get("classificationScheme") == scheme:
            yield one


def external(owner: etree._Element, scheme: str) -> str:
    """The identifier of an object in a scheme, empty without."""
    for one in owner.iterchildren(RIM + "ExternalIdentifier"):
        if one.get("identificationScheme") == scheme:
            return one.get("value", "").strip()
    return ""


def localized(owner: etree._Element, kind: str) -> str:
    """``Name`` or ``Description`` in the first language there is."""
    text = owner.find(f"{RIM}{kind}/{RIM}LocalizedString")
    return "" if text is None else " ".join(text.get("value", "").split())
