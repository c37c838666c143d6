"""HPRIM Santé from segments to patients, orders and observations: ``H { P { OBR { OBX } } } L`` (hprim.md §2.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gateway.document import Finding
from gateway.parsers.hprim.framing import Segment
from gateway.parsers.remarks import error, note, warning


@dataclass(slots=True, kw_only=True)
class Observation:
    """One OBX with the comments behind it."""

    segment: Segment
    comments: list[Segment] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Order:
    """One OBR with its observations; ``segment`` is ``None`` where OBX stood directly under P."""

    segment: Segment | None
    observations: list[Observation] = field(default_factory=list)
    comments: list[Segment] = field(default_factory=list)
    others: list[Segment] = field(default_factory=list)

    def segments(self) -> Iterator[Segment]:
        """All its segments."""
        if self.segment:
            yield self.segment
        yield from (*self.comments, *self.others)
        for observation in self.observations:
            yield from (observation.segment, *observation.comments)


@dataclass(slots=True, kw_only=True)
class PatientBlock:
    """One P with what belongs to it."""

    segment: Segment
    orders: list[Order] = field(default_factory=list)
    comments: list[Segment] = field(default_factory=list)
    others: list[Segment] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Message:
    """The whole message; ``findings`` holds an error for each place where the structure broke."""

    head: Segment
    patients: list[PatientBlock] = field(default_factory=list)
    trailer: Segment | None = None
    comments: list[Segment] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


_MOST_ORDERS = 1000
_STRUCTURE = {"P", "OBR", "OBX", "C", "A", "L"}


def build(segments: Sequence[Segment]) -> Message:
    """Hang each segment where it belongs; never raises, a broken structure is an error among the findings."""
    message = Message(head=segments[0])
    hang: dict[str, Callable[[Message, Segment], None]] = {
        "P": _patient,
        "OBR": _order,
        "OBX": _observation,
        "C": _comment,
        "L": _trailer,
    }
    for segment in segments[1:]:
        if message.trailer:
            message.findings.append(error("sante-behind-l", segment.place(), "segment behind L, the last one"))
            break
        hang.get(segment.name, _other)(message, segment)
    _bound(message)
    if message.trailer is None:
        place = segments[-1].place()
        message.findings.append(error("sante-no-l", place, "no L segment at the end: the message may be cut short"))
    else:
        message.findings += _counts(message, segments)
    return message


def _bound(message: Message) -> None:
    """Work grows with orders times doctors; no laboratory sends that many results in a message."""
    if len(message.patients) + sum(len(patient.orders) for patient in message.patients) > _MOST_ORDERS:
        words = f"more than {_MOST_ORDERS:,} patients and orders: send the message in parts"
        message.findings.append(error("too-many-orders", message.head.place(), words))
        message.patients.clear()


def _patient(message: Message, segment: Segment) -> None:
    message.patients.append(PatientBlock(segment=segment))


def _order(message: Message, segment: Segment) -> None:
    if message.patients:
        message.patients[-1].orders.append(Order(segment=segment))
    else:
        message.findings.append(error("sante-no-p", segment.place(), "OBR before any P: whose it is cannot be told"))


def _observation(message: Message, segment: Segment) -> None:
    if not message.patients:
        message.findings.append(error("sante-no-p", segment.place(), "OBX before any P: whose it is cannot be told"))
        return
    patient = message.patients[-1]
    if not patient.orders:
        message.findings.append(
            warning("sante-no-obr", segment.place(), "OBX without OBR: read as an order without a number")
        )
        patient.orders.append(Order(segment=None))
    patient.orders[-1].observations.append(Observation(segment=segment))


def _comment(message: Message, segment: Segment) -> None:
    """A comment belongs to the segment before it."""
    if not message.patients:
        message.comments.append(segment)
        return
    patient = message.patients[-1]
    if not patient.orders:
        patient.comments.append(segment)
        return
    order = patient.orders[-1]
    (order.observations[-1].comments if order.observations else order.comments).append(segment)


def _trailer(message: Message, segment: Segment) -> None:
    message.trailer = segment


def _other(message: Message, segment: Segment) -> None:
    if segment.name == "H":
        message.findings.append(error("sante-second-h", segment.place(), "a second H: one message per file"))
        return
    if segment.name.upper() in _STRUCTURE:
        words = "a segment of the structure in small letters or out of place: what follows could be another patient's"
        message.findings.append(error("sante-segment-slip", segment.place(), words))
        return
    known = segment.name in {"AP", "AC", "FAC", "REG", "ACT", "ERR"}
    remark = note if known else warning
    message.findings.append(
        remark("sante-segment", segment.place(), "segment not used in results: kept in the original")
    )
    if message.patients:
        patient = message.patients[-1]
        (patient.orders[-1].others if patient.orders else patient.others).append(segment)


def _counts(message: Message, segments: Sequence[Segment]) -> Iterator[Finding]:
    """14.4 and 14.5, when sent: senders count differently, so never a reason to refuse (hprim.md §2.3, L)."""
    trailer = message.trailer
    patients, lines = (trailer.value(4), trailer.value(5)) if trailer else ("", "")
    if trailer and patients and (not patients.isdecimal() or int(patients[:9]) != len(message.patients)):
        yield warning(
            "sante-l-patients", trailer.place(4), f"L announces another number of patients than {len(message.patients)}"
        )
    physical = sum(len(segment.lines) for segment in segments)
    usual = {len(segments), len(segments) - 1, physical, physical - 1}
    if trailer and lines and (not lines.isdecimal() or int(lines[:9]) not in usual):
        yield warning(
            "sante-l-segments", trailer.place(5), f"L announces another number of segments than {len(segments)}"
        )
