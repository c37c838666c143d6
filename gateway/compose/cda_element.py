"""Making elements of CDA R2, in the order that CDA.xsd asks for."""

from __future__ import annotations

from datetime import datetime

from lxml import etree

from gateway.compose.dispatch import PARIS

URI = "urn:hl7-org:v3"


def add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    """A new last child of ``parent``."""
    node = etree.SubElement(parent, f"{{{URI}}}{name}", attributes)
    node.text = text
    return node


def stamp(moment: datetime) -> str:
    """TS with its offset, of Europe/Paris."""
    return moment.astimezone(PARIS).strftime("%Y%m%d%H%M%S%z")


def period(parent: etree._Element, low: datetime | None, high: datetime | None) -> None:
    """``effectiveTime`` with the bounds that are known; ``UNK`` when neither is."""
    if low is None and high is None:
        add(parent, "effectiveTime", nullFlavor="UNK")
        return
    node = add(parent, "effectiveTime")
    for name, moment in (("low", low), ("high", high)):
        if moment is not None:
            add(node, name, value=stamp(moment))
