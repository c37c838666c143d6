"""HPRIM Santé 2.0 to 2.5: results (ORU) are read, the other messages are refused by name (hprim.md §2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.document import Document, Finding, Kind, Reading, Severity
from gateway.parsers.charsets import Decoded, decode, iana
from gateway.parsers.hprim.dates import timestamp
from gateway.parsers.hprim.framing import Segment, segments_of, separators_of
from gateway.parsers.hprim.lines import excess, split_lines
from gateway.parsers.hprim.orders import Source, read_order
from gateway.parsers.hprim.people import read_patient
from gateway.parsers.hprim.tree import PatientBlock, build
from gateway.parsers.remarks import error, warning

CONTEXTS = {
    "ORU": "results", "ORM": "order", "ORA": "order with administrative data", "ADM": "admission", "FAC": "invoice",
    "REG": "payment", "ERR": "error report",
}  # fmt: skip
_VERSIONS = {"H2.0", "H2.1", "H2.2", "H2.3", "H2.4", "H2.5"}
_VERSION = re.compile(r"H\d")
_LEADING = "\ufeff\x0b\x1c \t\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The ``H`` segment, read where its fields really are."""

    control_id: str
    sender: tuple[str, str]
    context: str
    receiver: str
    mode: str
    version: str
    liaison: str
    sent_at: str
    findings: tuple[Finding, ...] = field(default=())

    @property
    def variant(self) -> str:
        """``ORU H2.4 C``: context, version, liaison."""
        return " ".join(part for part in (self.context, self.version, self.liaison) if part)


def read_hprim_sante(content: bytes, *, drop: Mapping[str, bytes] | None = None) -> Reading:
    """One document per validated order, results with their comments, doctors with the type of their number.

    ``drop`` holds the files that came in the same drop, by their bare names: ``FIC`` may name one. Never raises.
    ``processing`` is 7.12: a message in mode T or D must never reach a real mailbox.
    """
    decoded = _framed(decode(content))
    separators, findings = separators_of(decoded.text.lstrip(_LEADING))
    findings = (*decoded.findings, *findings)
    if separators is None:
        return Reading(format="hprim-sante", charset=iana(decoded.charset), findings=findings)
    if too_many := excess(decoded.text):
        return Reading(format="hprim-sante", charset=iana(decoded.charset), findings=(*findings, too_many))
    segments, remarks = segments_of(split_lines(decoded.text), separators)
    head = read_head(segments[0])
    findings = (*findings, *remarks, *head.findings)
    documents: tuple[Document, ...] = ()
    endless = any(finding.code == "field-too-large" for finding in remarks)
    if head.context == "ORU" and not endless:
        documents, more = _documents(content, decoded, head, segments, drop or {})
        findings = (*findings, *more)
    refused = any(finding.severity is Severity.ERROR for finding in findings)
    return Reading(
        format="hprim-sante",
        variant=head.variant,
        charset=iana(decoded.charset),
        documents=() if refused else documents,
        findings=findings,
        processing=head.mode,
        control_id=head.control_id or None,
    )


def _framed(decoded: Decoded) -> Decoded:
    """MLLP's 0x0B and 0x1C around a message are not content: no control character to complain of."""
    inner = decoded.text.strip("\x0b\x1c\r\n")
    if not any(sign in decoded.text for sign in "\x0b\x1c") or any(sign in inner for sign in "\x0b\x1c"):
        return decoded
    findings = tuple(finding for finding in decoded.findings if finding.code != "control-character")
    return replace(decoded, findings=findings)


def read_head(segment: Segment) -> Head:
    """Fields 7.x; a context one field late (seen in the wild) shifts the rest, with a warning."""
    late, shift, findings = _shift(segment)
    code, name = (*segment.subs(5), "", "")[:2]
    version, liaison = (*segment.subs(13 + shift), "", "")[:2]
    head = Head(
        control_id=segment.value(3), sender=(code, name), context=segment.value(7 + late).upper(),
        receiver=(*segment.subs(10 + shift), "")[0], mode=segment.value(12 + shift).upper() or "P",
        version=version, liaison=liaison, sent_at=segment.value(14 + shift),
    )  # fmt: skip
    remarks = (*findings, *_head_findings(segment, head, late, shift))
    return Head(
        control_id=head.control_id, sender=head.sender, context=head.context, receiver=head.receiver, mode=head.mode,
        version=head.version, liaison=head.liaison, sent_at=head.sent_at, findings=remarks,
    )  # fmt: skip


def _shift(segment: Segment) -> tuple[int, int, tuple[Finding, ...]]:
    """How late the context is, and how late the fields behind it: told by the version and the date standing there.

    Without both of them nothing says where the mode is, and a test could pass for production.
    """
    late = next((late for late in (1, 2, -1) if segment.value(7 + late).upper() in CONTEXTS), 0)
    if segment.value(7) or not late:
        return 0, 0, ()
    words = f"the context stands in field {7 + late} instead of 7"
    for shift in (late, 0):
        if _VERSION.match(segment.value(13 + shift)) and timestamp(segment.value(14 + shift)):
            return late, shift, (warning("sante-shifted", segment.place(7), f"{words}: H is read as it is shifted"),)
    lost = f"{words}, and version and date are not where they would be: send it in field 7"
    return late, late, (error("sante-shifted", segment.place(7), lost),)


def _head_findings(segment: Segment, head: Head, late: int, shift: int) -> Iterator[Finding]:
    if head.context not in CONTEXTS:
        yield error(
            "sante-context",
            segment.place(7),
            "unknown context: neither results nor another HPRIM Santé message",
            head.context,
        )
    elif head.context != "ORU":
        message = f"HPRIM Santé {head.context} ({CONTEXTS[head.context]}) carries no results for a doctor"
        yield error("sante-not-results", segment.place(7 + late), message)
    if head.mode not in {"P", "T", "D"}:
        yield error(
            "sante-mode",
            segment.place(12 + shift),
            "mode is none of P, T, D: production cannot be told from test",
            head.mode,
        )
    if not any(head.sender):
        yield error("sante-sender", segment.place(5), "the message does not say who sent it")
    if not head.receiver:
        yield warning("sante-receiver", segment.place(10 + shift), "the message does not say for whom it is")
    if head.version not in _VERSIONS:
        yield warning("sante-version", segment.place(13 + shift), "unknown version: read as 2.4", head.version)
    elif not head.liaison:
        yield warning("sante-version", segment.place(13 + shift), "version without a type of liaison L, C or R")
    if timestamp(head.sent_at) is None:
        yield warning(
            "sante-date", segment.place(14 + shift), "date of the message is missing or not AAAAMMJJHHmm", head.sent_at
        )


def _documents(
    content: bytes, decoded: Decoded, head: Head, segments: Sequence[Segment], drop: Mapping[str, bytes]
) -> tuple[tuple[Document, ...], tuple[Finding, ...]]:
    message = build(segments)
    label = "Compte rendu d'imagerie" if head.liaison == "R" else "Résultats d'examens"
    source = Source(
        content=content, decoded=decoded, message=message, kind=Kind(loinc=None, label=label), sender=head.sender,
        sent_at=head.sent_at, drop=drop,
    )  # fmt: skip
    documents: list[Document] = []
    findings: list[Finding] = list(message.findings)
    for block in message.patients:
        found, remarks = _of_patient(source, block, head)
        documents += found
        findings += remarks
    if not documents and not any(finding.severity is Severity.ERROR for finding in findings):
        findings.append(error("sante-nothing-final", segments[-1].place(), "the message holds no validated result"))
    return tuple(documents), tuple(findings)


def _of_patient(source: Source, block: PatientBlock, head: Head) -> tuple[list[Document], list[Finding]]:
    patient, remarks = read_patient(block.segment, requester=head.receiver, performer=head.sender[0])
    read = [read_order(source, block, order, patient) for order in block.orders]
    documents = [one.document for one in read if one.document]
    findings = [*remarks, *(finding for one in read for finding in one.findings)]
    return documents, findings
