"""ORC-1, OBX-11 and the MDM event say the same thing three times: new, replacement or deletion (IG-TRANS)."""

from __future__ import annotations

from enum import Enum

from gateway.document import Finding
from gateway.parsers.hl7v2.er7 import Message, Segment
from gateway.parsers.remarks import error, note


class Purpose(Enum):
    """What the sender wants done with the document."""

    NEW = "new"
    REPLACE = "replace"
    DELETE = "delete"


_ORDERS = {"NW": Purpose.NEW, "RO": Purpose.REPLACE, "CA": Purpose.DELETE}
_STATUSES = {
    "F": Purpose.NEW, "C": Purpose.REPLACE, "D": Purpose.DELETE, "W": Purpose.DELETE, "X": Purpose.DELETE,
}  # fmt: skip
"""Table 0085: W was posted as wrong (another patient's, say), X cannot be had; neither is ever a new document."""
_EVENTS = {"T02": Purpose.NEW, "T10": Purpose.REPLACE, "T04": Purpose.DELETE}


def purpose_of(message: Message, obx: Segment, findings: list[Finding]) -> Purpose:
    """What all that is stated agrees on; a contradiction is an error, nothing stated is a new document."""
    msh, orc = message.first(b"MSH"), message.first(b"ORC")
    event = _EVENTS.get(msh.get(9, 2)) if msh.get(9) == "MDM" else None
    order, status = orc.get(1), obx.get(11)
    stated = {found for found in (event, _ORDERS.get(order), _STATUSES.get(status)) if found}
    if len(stated) > 1:
        words = "ORC-1, OBX-11 and the event contradict each other: NW/F/T02, RO/C/T10 or CA/D/T04; correct them"
        findings.append(error("order-status-contradiction", obx.place(11), words))
    if orc and order not in _ORDERS:
        findings.append(note("order-unknown", "ORC-1", "ORC-1 is none of NW, RO, CA; OBX-11 and the event decide"))
    return next(iter(stated), Purpose.NEW) if len(stated) < 2 else Purpose.NEW
