"""Walking a CDA tree: children by their name in the HL7 V3 namespace, plain text, instance identifiers."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

V3 = "{urn:hl7-org:v3}"


def child(element: etree._Element | None, *names: str) -> etree._Element | None:
    """The first descendant along ``names``, one level each; ``None`` when a level is missing."""
    for name in names:
        if element is None:
            return None
        element = element.find(V3 + name)
    return element


def children(element: etree._Element | None, name: str) -> Iterator[etree._Element]:
    """The direct children called ``name``."""
    return iter(()) if element is None else element.iterchildren(V3 + name)


def attribute(element: etree._Element | None, name: str, *path: str) -> str:
    """The attribute of the element along ``path``, without surrounding blanks; empty when either is missing."""
    found = child(element, *path)
    return "" if found is None else str(found.get(name, "")).strip()


def words(element: etree._Element | None, *path: str) -> str:
    """All text below the element along ``path``, blanks folded; empty when it is missing."""
    found = child(element, *path)
    return "" if found is None else " ".join("".join(map(str, found.itertext())).split())


def instance_id(element: etree._Element | None) -> str | None:
    """An II as XDS writes it: ``root`` or ``root^extension``; ``None`` without a root."""
    root = attribute(element, "root")
    extension = attribute(element, "extension")
    if not root:
        return None
    return f"{root}^{extension}" if extension else root
