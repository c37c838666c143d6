"""The business receipt that the hospital's software reads: HL7 ZAM^Z02 and ZAM^Z03 (CI-SIS, mssante.md §3.2), pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.letter import Receipt, ReceiptKind

PARIS = ZoneInfo("Europe/Paris")

_DELIVERED = {ReceiptKind.DELIVERED: True, ReceiptKind.FAILED: False}
_READ = {
    ReceiptKind.PROCESSED: True,
    ReceiptKind.DISPLAYED: True,
    ReceiptKind.INTEGRATED: True,
    ReceiptKind.NOT_INTEGRATED: False,
}
_INTEGRATION_ERRORS = {  # table 0533 as extended by IG-LPS
    "900": "Version incorrecte pour un remplacement ou une suppression",
    "901": "Auteur non autorisé",
    "902": "Identifiant de patient inconnu",
    "903": "INS absent du document",
    "904": "INS différent de l'INS enregistré",
    "905": "INS incomplet",
    "906": "Autre erreur",
}
_SMTP_ERRORS = re.compile(r"101|111|251|252|42[012]|43[12]|44[12]|45[012]|50[0-4]|51[023]|523|530|541|55[0-4]")
"""SMTPERRORCODE of IG-TRANS: a code that the table does not have is told by its class."""
_ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Who speaks to whom: applications and facilities of MSH-3 to MSH-6, and MSH-11 (P, T or D)."""

    our_application: str
    our_facility: str
    application: str
    facility: str
    processing: str = "P"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """``control_id`` is MSH-10 of the ORU or MDM that asked; ``idnps`` and ``mailbox`` are the addressee's."""

    control_id: str
    mailbox: str = field(repr=False)
    idnps: str = ""


def zam_says(kind: ReceiptKind) -> str | None:
    """``Z02Y``, ``Z02N``, ``Z03Y`` or ``Z03N``: all that a ZAM tells; ``None`` for what it has no word for.

    ``deleted`` may mean unread, ``relayed`` and ``delayed`` are no reception: no ZAM is made of them.
    """
    for event, positive in (("Z02", _DELIVERED), ("Z03", _READ)):
        if kind in positive:
            return f"{event}{'Y' if positive[kind] else 'N'}"
    return None


def build_zam(receipt: Receipt, about: About, ends: Ends, *, at: datetime, control_id: str) -> bytes | None:
    """The message in UTF-8 with CR line ends, or ``None`` when this receipt tells the hospital nothing sure."""
    says = zam_says(receipt.kind)
    if says is None:
        return None
    event, is_positive = says[:3], says.endswith("Y")
    names = _RECEPTION if event == "Z02" else _READING
    box = (receipt.final_addressee if event == "Z03" else None) or about.mailbox
    time = at.astimezone(PARIS).strftime("%Y%m%d%H%M%S%z")
    segments = [
        _header(ends, event, time, control_id),
        f"EVN||{time}",
        f"OBX|1|CWE|{names[0]}^AckMetierZAM|{_text(about.control_id)}|{_yes(is_positive)}||||||F",
        f"OBX|2|XTN|{names[1]}^AckMetierZAM|{_text(about.idnps)}|^^X.400^{_text(box)}||||||F",
    ]
    if not is_positive:
        segments.append(f"ERR|||207^Application error^messageErrorCondition|E|{_error(receipt, event)}")
    return "".join(f"{segment}\r" for segment in segments).encode()


_RECEPTION = ("ACK_RECEPTION_MSS^Accusé de réception MSSanté", "DESTINATAIRE_MSS^Destinataire MSSanté")
_READING = ("ACK_LECTURE_MSS^Accusé de lecture MSSanté", "LECTEUR_MSS^Lecteur MSSanté")


def _header(ends: Ends, event: str, time: str, control_id: str) -> str:
    who = (ends.our_application, ends.our_facility, ends.application, ends.facility)
    return (
        f"MSH|^~\\&|{'|'.join(_text(name) for name in who)}|{time}||ZAM^{event}^ZAM_Z01|{_text(control_id)}"
        f"|{_text(ends.processing)}|2.6|||||FRA|UNICODE UTF-8|||2.1^CISIS_CDA_HL7_V2"
    )


def _error(receipt: Receipt, event: str) -> str:
    if event == "Z02":
        general = "550" if (receipt.status or "5").startswith("5") else "450"
        code = receipt.code if receipt.code and _SMTP_ERRORS.fullmatch(receipt.code) else general
        return f"{_text(code)}^{_text(receipt.status or '')}^SMTPERRORCODE"
    code = receipt.code if receipt.code in _INTEGRATION_ERRORS else "906"
    return f"{code}^{_text(_INTEGRATION_ERRORS[code])}^applicationErrorCondition"


def _yes(is_positive: bool) -> str:  # noqa: FBT001 - private, a yes or a no in itself
    return f"{'Y' if is_positive else 'N'}^^expandedYes-NoIndicator"


def _text(value: str) -> str:
    """Escaped (HL7 v2 chapter 2.7): no delimiter and no control character of a stranger becomes structure."""
    return "".join(character for character in value if character.isprintable()).translate(_ESCAPES)
