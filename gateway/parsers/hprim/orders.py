"""One order of HPRIM Santé becomes one document: its own addressees, its own status, its own bytes (hprim.md §2.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.document import (
    Document,
    Finding,
    Identifier,
    Kind,
    NamedAddressee,
    Original,
    Patient,
    Professional,
    Role,
    Stay,
)
from gateway.parsers.charsets import Decoded, iana
from gateway.parsers.hprim.dates import PARIS, timestamp
from gateway.parsers.hprim.framing import Segment
from gateway.parsers.hprim.observations import Content, read_observations
from gateway.parsers.hprim.people import Doctor, doctors
from gateway.parsers.hprim.tree import Message, Order, PatientBlock
from gateway.parsers.remarks import error, warning

_WAITING = {
    "O": "order received", "I": "samples received, nothing done", "R": "not technically validated",
    "P": "not validated by the biologist",
}  # fmt: skip
_URGENT = frozenset({"S", "A"})
"""9.6: at once, as soon as possible (ASTM E1238)."""
_RETRACTED = {"D": "cancelled by the requester", "X": "cancelled by the laboratory"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The message that the order stands in."""

    content: bytes = field(repr=False)
    decoded: Decoded
    message: Message
    kind: Kind
    sender: tuple[str, str]
    sent_at: str
    drop: Mapping[str, bytes] = field(repr=False, default_factory=dict)
    """The files that came with the message, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A document, or the reason why this order gives none."""

    document: Document | None = None
    findings: tuple[Finding, ...] = ()


def read_order(source: Source, block: PatientBlock, order: Order, patient: Patient) -> Read:
    """The document of one order; an order that is not validated yet is left out with a warning: it will come again."""
    segment = order.segment
    status = segment.value(26).upper() if segment else ""
    if segment and status in _WAITING:
        return Read(findings=(warning("order-not-final", segment.place(26), f"{_WAITING[status]}: not sent on"),))
    content = read_observations(order.observations, source.drop, sampled=_sampled(segment))
    addressees, remarks = _addressees(block, order)
    number = _number(segment)
    comments = [text for one in (*source.message.comments, *block.comments, *order.comments) if (text := one.text(4))]
    written = bool(content.text or comments)
    text = "\n\n".join(part for part in ("\n".join(_asked(segment)), content.text, *comments) if part)
    document = Document(
        kind=source.kind,
        original=_original(source, block, order),
        patient=patient,
        stay=_stay(block, segment),
        author=_author(source),
        legal_authenticator=_validator(segment),
        written_at=timestamp(segment.value(23) if segment else "") or timestamp(source.sent_at),
        validated_at=timestamp(segment.value(23)) if segment and status in {"F", "M", "C"} else None,
        addressees=addressees,
        text=text,
        results=content.results,
        attachments=content.attachments,
        replaces=number if status == "C" or _corrects(order) else None,
        cancels=number if status in _RETRACTED else None,
        id=number,
        partial=status == "M",
        urgent=segment is not None and not _URGENT.isdisjoint(part[0].upper() for part in segment.repetitions(6)),
    )
    return Read(
        document=document, findings=(*content.findings, *remarks, *_status(segment, status, content, written=written))
    )


def _status(segment: Segment | None, status: str, content: Content, *, written: bool) -> Iterator[Finding]:
    place = segment.place(26) if segment else "OBX"
    if status in _RETRACTED:
        yield warning("order-retracted", place, f"{_RETRACTED[status]}: whoever got the results is told")
    elif content.empty and not written:
        yield error(
            "order-empty", place, "the order holds nothing a doctor could read: results or the file are missing"
        )
    if status and status not in {*_WAITING, *_RETRACTED, "F", "M", "C"}:
        yield warning("order-status", place, "unknown status of the order", status)
    if status == "M":
        yield warning("order-partial", place, "partial results: more will follow")


def _corrects(order: Order) -> bool:
    """A result corrected or withdrawn says that the order was sent before (table 30: C, D)."""
    return any(one.segment.value(12).upper() in {"C", "D"} for one in order.observations)


def _asked(segment: Segment | None) -> Iterator[str]:
    """What the order says that a document has no place for, for the doctor to read: never silently away."""
    if segment is None:
        return
    wanted = dict.fromkeys((*part, "")[1] or part[0] for part in segment.repetitions(5) if any(part))
    if names := ", ".join(filter(None, wanted)):
        yield f"Examens demandés : {names}"
    if taken := _sampled(segment):
        yield f"Prélèvement : {taken.astimezone(PARIS):%d/%m/%Y %H:%M}"
    # code&text&table~additive: the only one of them whose type has sub-sub-fields.
    specimen = (*segment.separators.pieces((*segment.raw(16).split(segment.separators.sub), "")[0]), "", "")
    reasons = ", ".join(filter(None, ((*part, "")[1] or part[0] for part in segment.repetitions(32))))
    said = ("Nature du prélèvement", specimen[1] or specimen[0]), ("Renseignements cliniques", segment.text(14).strip())
    yield from (f"{words} : {text}" for words, text in (*said, ("Motif", reasons)) if text)


def _sampled(segment: Segment | None) -> datetime | None:
    """9.8: when the specimen was taken; its repetition is when that was prescribed."""
    return timestamp((*segment.subs(8), "")[0]) if segment else None


def _number(segment: Segment | None) -> str | None:
    """The performer's order number (9.4.2), else the requester's (9.3.2): what a correction refers to."""
    if segment is None:
        return None
    numbers = ((*segment.subs(position), "", "")[1] or None for position in (4, 3))
    return next((number for number in numbers if number), None)


def _addressees(block: PatientBlock, order: Order) -> tuple[tuple[NamedAddressee, ...], tuple[Finding, ...]]:
    """Prescriber (9.17), copies (9.29), the patient's doctors (8.14); 7.10 is a system, not a doctor."""
    sources = [(block.segment, 14, Role.GP)]
    if order.segment:
        sources = [(order.segment, 17, Role.REFERRER), (order.segment, 29, Role.COPY), *sources]
    named: list[NamedAddressee] = []
    findings: list[Finding] = []
    for segment, position, role in sources:
        found, remarks = doctors(segment, position)
        named += [doctor.as_addressee(role, segment.place(position)) for doctor in found]
        findings += remarks
    return tuple(named), tuple(findings)


def _stay(block: PatientBlock, segment: Segment | None) -> Stay | None:
    visit = (*block.segment.subs(5), "")[0] or None
    prescriber = doctors(segment, 17)[0] if segment else ()
    unit = _unit(prescriber[0]) if prescriber else None
    return Stay(visit=visit, unit=unit) if visit or unit else None


def _unit(doctor: Doctor) -> str | None:
    """9.17 goes on with the unit, behind an address when there are seven sub-fields (hprim.md §2.3)."""
    rest = doctor.rest[1:] if len(doctor.rest) > 3 else doctor.rest
    return rest[0] or None if rest else None


def _author(source: Source) -> Professional:
    code, name = source.sender
    return Professional(organisation=name or code, organisation_id=Identifier(value=code, type="U") if code else None)


def _validator(segment: Segment | None) -> Professional | None:
    found = doctors(segment, 33)[0] if segment else ()
    return found[0].as_professional() if found else None


def _original(source: Source, block: PatientBlock, order: Order) -> Original:
    """The whole file when it holds this order alone; else its lines only, each as it was sent, between H and L."""
    message = source.message
    alone = len(message.patients) == 1 and len(block.orders) == 1
    content = source.content if alone else _lines(source, block, order)
    media_type = f"text/plain; charset={iana(source.decoded.charset)}"
    return Original(format="hprim-sante", content=content, media_type=media_type)


def _lines(source: Source, block: PatientBlock, order: Order) -> bytes:
    message, decoded = source.message, source.decoded
    patient = (block.segment, *block.comments, *block.others)
    segments = (
        message.head,
        *message.comments,
        *patient,
        *order.segments(),
        *((message.trailer,) if message.trailer else ()),
    )
    lines = sorted({line for segment in segments for line in segment.lines}, key=lambda line: line.start)
    if decoded.narrow:
        return b"".join(source.content[decoded.bom + line.start : decoded.bom + line.end] for line in lines)
    return b"".join(decoded.text[line.start : line.end].encode(decoded.charset) for line in lines)
