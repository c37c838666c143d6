"""The metadata OBX of the CI-SIS volet: where the document may go and what the sender wants to hear back (IG-TRANS)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.document import Finding, Wishes
from gateway.parsers.hl7v2.embedded import embedded
from gateway.parsers.hl7v2.er7 import Message, Segment
from gateway.parsers.remarks import error, note, warning

_FLAGS = {
    "MASQUE_PS": "hidden_from_professionals",
    "INVISIBLE_PATIENT": "hidden_from_patient",
    "INVISIBLE_REP_LEGAUX": "hidden_from_legal_representatives",
    "CONNEXION_SECRETE": "secret_connection",
    "MODIF_CONF_CODE": "confidentiality_changed",
    "DESTDMP": "to_dmp",
    "DESTMSSANTEPS": "to_professionals",
    "DESTMSSANTEPAT": "to_patient",
    "ACK_RECEPTION": "acknowledge_reception",
    "ACK_LECTURE_MSS": "acknowledge_reading",
}
_OLD_NAMES = {
    "INVISIBLE_REPRESENTANTS_LEGAUX": "INVISIBLE_REP_LEGAUX",
    "ACK_LECTURE": "ACK_LECTURE_MSS",
    "MODIF_CONFIDENTIALITYCODE": "MODIF_CONF_CODE",
}
_NOT_KEPT = {"COMP_LOT"}
_WORDS = (b"MetaDMPMSS", b"MASQUE_PS", b"INVISIBLE_PATIENT", b"DESTMSSANTE")
_BODIES = {"CORPSMAIL_PS": "body_for_professionals", "CORPSMAIL_PATIENT": "body_for_patient"}
_VALUES = {"Y": True, "N": False}


def has_metadata(message: Message) -> bool:
    """Whether flags of the volet stand in the message, whatever MSH-21 says: a prohibition counts without it."""
    return any(word in message.content for word in _WORDS) and any(map(is_metadata, message.all(b"OBX")))


def is_metadata(obx: Segment) -> bool:
    """Whether the OBX tells about the document rather than being it."""
    code = obx.get(3).upper()
    return code in _FLAGS or code in _OLD_NAMES or code in _NOT_KEPT or code in _BODIES


def read_wishes(message: Message, findings: list[Finding]) -> Wishes:
    """What the flags say; ``None`` for a flag that is missing, which is a warning in this volet.

    A document that its own flags forbid for somebody is an error: it must not be sent in doubt.
    """
    found: dict[str, bool | str] = {}
    for obx, notes in _with_notes(message):
        code = obx.get(3).upper()
        code = _OLD_NAMES.get(code, code)
        if code in _FLAGS:
            found.update(_flag(obx, _FLAGS[code], findings))
        elif code in _BODIES:
            found[_BODIES[code]] = _body(obx, findings)
        if code == "DESTMSSANTEPAT" and any("FIN" in (nte.get(3), nte.get(4)) for nte in notes):
            found["patient_may_answer"] = False
    wishes = replace(Wishes(), **found)  # type: ignore[arg-type] # the tables above name fields of their type
    findings.extend(_remarks(wishes, found))
    return wishes


def _with_notes(message: Message) -> Iterable[tuple[Segment, list[Segment]]]:
    groups: list[tuple[Segment, list[Segment]]] = []
    for segment in message.segments():
        if segment.name == b"OBX":
            groups.append((segment, []))
        elif segment.name == b"NTE" and groups:
            groups[-1][1].append(segment)
    return [(obx, notes) for obx, notes in groups if is_metadata(obx)]


def _flag(obx: Segment, name: str, findings: list[Finding]) -> dict[str, bool]:
    value = _VALUES.get(obx.get(5).upper())
    if value is None:
        findings.append(warning("flag-unreadable", obx.place(5), "a flag must be Y or N; it counts as not stated"))
        return {}
    return {name: value}


def _body(obx: Segment, findings: list[Finding]) -> str:
    """The mail text that comes along; unreadable, it is left out with a warning: the document itself goes."""
    content = embedded(obx)
    if isinstance(content, Finding):
        words = "the mail text cannot be decoded and is left out; send it as whole base64"
        findings.append(warning("mail-text-unreadable", obx.place(5), words))
        return ""
    try:
        return content.decode("utf-8").strip()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace").strip()


def _remarks(wishes: Wishes, found: dict[str, bool | str]) -> Iterable[Finding]:
    missing = [code for code, name in _FLAGS.items() if name not in found]
    if missing:
        yield warning("flag-missing", "OBX-3", f"these flags of the volet are missing: {', '.join(missing)}; add them")
    if wishes.to_patient and wishes.hidden_from_patient:
        words = "DESTMSSANTEPAT is Y but INVISIBLE_PATIENT too: the patient may not get it; correct one of both"
        yield error("patient-not-allowed", "OBX-5", words)
    if wishes.to_professionals and wishes.hidden_from_professionals:
        words = "DESTMSSANTEPS is Y but MASQUE_PS too: professionals may not get it; correct one of both"
        yield error("professionals-not-allowed", "OBX-5", words)
    if not missing and not _in_matrix(wishes):
        yield note("routing-outside-matrix", "OBX-5", "this combination of flags is not in the table of IG-TRANS")
    if wishes.to_dmp:
        yield warning(
            "dmp-not-fed", "OBX-5", "DESTDMP is Y: this gateway does not feed the DMP; send it there otherwise"
        )


def _in_matrix(wishes: Wishes) -> bool:
    """The three allowed rows of IG-TRANS (text of 21/04/2026); its own examples leave it, so this only remarks."""
    hidden = wishes.hidden_from_professionals, wishes.hidden_from_patient, wishes.hidden_from_legal_representatives
    target = wishes.to_professionals, wishes.to_patient
    if target == (True, True):
        return hidden == (False, False, False)
    if target == (True, False):
        return hidden == (False, True, False)
    return target == (False, True) and hidden[1] is False and not wishes.to_dmp and not wishes.secret_connection
