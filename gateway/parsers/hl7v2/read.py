"""Any HL7 v2 bytes to a ``Reading``: which kind of message it is, and who reads it."""

from __future__ import annotations

import re

from gateway.document import Document, Finding, Movement, Reading, Severity
from gateway.parsers.hl7v2.embedded import embedded
from gateway.parsers.hl7v2.er7 import Message
from gateway.parsers.hl7v2.flags import has_metadata
from gateway.parsers.hl7v2.frame import open_message
from gateway.parsers.hl7v2.lab import read_lab
from gateway.parsers.hl7v2.letter import read_letter
from gateway.parsers.hl7v2.movement import TRIGGERS, read_movement
from gateway.parsers.remarks import error, warning

_LETTERS = {"T02", "T04", "T10"}
_TYPES = {"MDM", "ORU", "ADT"}
_VERSION = re.compile(r"2(?:\.[0-9]{1,2}){0,3}")
_MAX_FINDINGS = 300
_TYPE = re.compile(r"[A-Z0-9]{1,5}\^[A-Z0-9]{0,5}")
_PROFILES = (
    (re.compile(r"CISIS_CDA_HL7_LPS"), "CISIS-LPS"),
    (re.compile(r"CISIS"), "CISIS"),
    (re.compile(r"IHE_FRANCE.*PAM"), "PAM.fr"),
)


def read_hl7v2(content: bytes) -> Reading:
    """The documents or the movement of one HL7 v2 message (MDM^T02/T04/T10, ORU^R01, ADT of PAM.fr).

    Raises ``UnreadableDocument`` when the bytes are no single message at all. Every other refusal is an error among
    the findings, beside ``control_id``, so that the door can answer with MSA-2.
    """
    findings: list[Finding] = []
    message = open_message(content, findings)
    msh = message.first(b"MSH")
    _check_header(message, findings)
    documents, movements = _read(message, findings)
    if message.dropped:
        words = "control characters inside the text are left out; nothing a person reads has them"
        findings.append(warning("control-character", "MSH", words))
    return Reading(
        format="hl7v2",
        variant=_variant(message),
        charset=message.codec,
        documents=documents,
        movements=movements,
        findings=_bounded(findings),
        processing=msh.get(11).upper() or None,
        control_id=msh.get(10) or None,
    )


def _read(message: Message, findings: list[Finding]) -> tuple[tuple[Document, ...], tuple[Movement, ...]]:
    msh = message.first(b"MSH")
    kind, event = msh.get(9), msh.get(9, 2) or message.first(b"EVN").get(1)
    profile = msh.get(21, 2).upper()
    volet = "CISIS" in profile or has_metadata(message)
    if kind == "MDM" and "CISIS_CDA_HL7_LPS" in profile:
        words = "this message carries a mail to a hospital's software (CISIS_CDA_HL7_LPS); it is not for this gateway"
        findings.append(error("message-type-unsupported", "MSH-21", words))
        return (), ()
    if kind == "MDM" and event in _LETTERS:
        return read_letter(message, findings, volet=volet), ()
    if kind == "ORU" and event == "R01":
        if volet or _holds_cda(message):
            return read_letter(message, findings, volet=volet), ()
        return read_lab(message, findings), ()
    if kind == "ADT" and event in TRIGGERS:
        movement = read_movement(message, event, findings)
        return (), (movement,) if movement else ()
    words = f"{_named(kind, event)} is not read here; send MDM^T02, T04, T10, ORU^R01 or an ADT of PAM.fr"
    code, place = ("event-unsupported", "MSH-9.2") if kind in _TYPES else ("message-type-unsupported", "MSH-9")
    findings.append(error(code, place, words))
    return (), ()


def _named(kind: str, event: str) -> str:
    """The type for a person to read; what does not look like one is not repeated."""
    if not kind:
        return "a message without MSH-9"
    name = f"{kind}^{event}"
    return name if _TYPE.fullmatch(name) else "the message type in MSH-9"


def _holds_cda(message: Message) -> bool:
    """Whether an ORU without the profile's name carries a CDA all the same."""
    mark = message.delimiters.field
    typed = f"{mark}ED{mark}".encode()
    if typed not in message.content:
        return False
    for obx in message.all(b"OBX"):
        if obx.get(2) == "ED":
            content = embedded(obx)
            if isinstance(content, bytes) and b"ClinicalDocument" in content[:20_000]:
                return True
    return False


def _check_header(message: Message, findings: list[Finding]) -> None:
    msh = message.first(b"MSH")
    if not msh.get(10):
        words = "MSH-10 is empty: the answer cannot name this message, nor a repetition be seen; number it"
        findings.append(warning("no-control-id", "MSH-10", words))
    if msh.get(12) and not _VERSION.fullmatch(msh.get(12)):
        words = "MSH-12 names no version of HL7 v2; say which it is, 2.5 or 2.6 for the French guides"
        findings.append(error("version-unsupported", "MSH-12", words))
    if msh.get(11) not in {"P", "T", "D"}:
        findings.append(warning("processing-not-stated", "MSH-11", "MSH-11 must be P, T or D; say which it is"))
    if msh.get(11) and msh.get(11).upper() not in {"P", "T", "D"}:
        words = "MSH-11 is none of P, T and D: a test could pass for production; say which it is"
        findings.append(error("processing-unknown", "MSH-11", words))


def _variant(message: Message) -> str:
    """``MDM^T02 2.6 CISIS 2.1``: type, version, and the profile of MSH-21 with its version."""
    msh = message.first(b"MSH")
    number, profile = msh.get(21), msh.get(21, 2)
    name = next((name for pattern, name in _PROFILES if pattern.search(profile)), "")
    return " ".join(filter(None, (f"{msh.get(9)}^{msh.get(9, 2)}", msh.get(12), name, number if name else "")))


def _bounded(findings: list[Finding]) -> tuple[Finding, ...]:
    """At most some hundred remarks, errors first to stay: a hostile message must not drown the one that counts."""
    if len(findings) <= _MAX_FINDINGS:
        return tuple(findings)
    errors = [one for one in findings if one.severity is Severity.ERROR]
    others = [one for one in findings if one.severity is not Severity.ERROR]
    return tuple((errors + others)[:_MAX_FINDINGS])
