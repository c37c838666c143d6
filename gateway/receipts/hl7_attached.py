"""HL7 v2 answers that practice software attaches to a mail, pure: ACK, and the ZAM of another gateway.

Which mail they answer is said by the mail around them; which message, by MSA-2 or OBX-4, and both must be ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.letter import Receipt, ReceiptKind
from gateway.receipts.mime import Parsed, address, header, message_id, moment, parts
from gateway.receipts.report import returned_message_id

LARGEST = 64 << 10
"""Octets of an answer: one that is larger is something else."""
MOST = 20

_MSA = {
    b"AA": ReceiptKind.INTEGRATED,  # HL7 table 0008: the application took its content
    b"CA": ReceiptKind.PROCESSED,  # taken over, and nothing said about its content
    b"AE": ReceiptKind.NOT_INTEGRATED,
    b"AR": ReceiptKind.NOT_INTEGRATED,
    b"CE": ReceiptKind.NOT_INTEGRATED,
    b"CR": ReceiptKind.NOT_INTEGRATED,
}
_ZAM = {  # of Z03 the volet counts every automatic processing as reading: no more is proved
    (b"Z02", b"ACK_RECEPTION_MSS", b"Y"): ReceiptKind.DELIVERED,
    (b"Z02", b"ACK_RECEPTION_MSS", b"N"): ReceiptKind.FAILED,
    (b"Z03", b"ACK_LECTURE_MSS", b"Y"): ReceiptKind.PROCESSED,
    (b"Z03", b"ACK_LECTURE_MSS", b"N"): ReceiptKind.NOT_INTEGRATED,
}
_WRONG = frozenset({ReceiptKind.FAILED, ReceiptKind.NOT_INTEGRATED})
_CODE = re.compile(rb"[0-9]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer: what it says of the message whose MSH-10 is ``control_id``, and the box that a ZAM names."""

    kind: ReceiptKind
    control_id: str
    code: str | None = None
    box: str | None = None


def read_attached_hl7(message: Parsed) -> tuple[Receipt, ...]:
    """A receipt for each message that is answered; where one went wrong, what went well is not told.

    The addressee is whoever wrote the mail: a ZAM's own box is the final one.
    """
    said = [found for content in _answers(message) if (found := read_answer(content))]
    wrong = [one for one in said if one.kind in _WRONG]
    about = _about(message)
    return tuple(
        Receipt(
            kind=one.kind,
            message_id=about,
            addressee=address(header(message, "From")),
            final_addressee=one.box,
            at=moment(header(message, "Date")),
            code=one.code,
            reporter="hl7",
            control_id=one.control_id,
        )
        for one in wrong or said
    )


def read_answer(content: bytes) -> Said | None:
    """What an ACK or a ZAM says; ``None`` for any other bytes, and for one that names no message."""
    lines = [line for line in content.replace(b"\n", b"\r").split(b"\r") if line]
    if not lines or not lines[0].startswith(b"MSH") or len(lines[0]) < 8:
        return None
    segments = [line.split(lines[0][3:4]) for line in lines]
    kind = _component(segments[0], 8, lines[0])  # MSH-9: MSH-1 is the separator itself
    error = next((_code(segment, lines[0]) for segment in segments if segment[0] == b"ERR"), None)
    match kind[:2]:
        case [b"ACK", *_]:
            return _of_ack(segments, error)
        case [b"ZAM", event]:
            return _of_zam(segments, event, error, lines[0])
    return None


def _of_ack(segments: Sequence[Sequence[bytes]], error: str | None) -> Said | None:
    msa = next((segment for segment in segments if segment[0] == b"MSA"), [])
    kind = _MSA.get(msa[1].strip()) if len(msa) > 2 else None
    if kind is None or not (control_id := _text(msa[2])):
        return None
    return Said(kind=kind, control_id=control_id, code=error if kind in _WRONG else None)


def _of_zam(segments: Sequence[Sequence[bytes]], event: bytes, error: str | None, head: bytes) -> Said | None:
    observed = [segment for segment in segments if segment[0] == b"OBX" and len(segment) > 5]
    if not observed:
        return None
    first, *others = observed
    kind = _ZAM.get((event, _component(first, 3, head)[0], _component(first, 5, head)[0]))
    if kind is None or not (control_id := _text(first[4])):
        return None
    boxes = [found for other in others if (found := address(_text(b" ".join(_component(other, 5, head)))))]
    return Said(
        kind=kind, control_id=control_id, code=error if kind in _WRONG else None, box=boxes[0] if boxes else None
    )


def _code(segment: Sequence[bytes], head: bytes) -> str | None:
    """ERR-5, the application's own, before ERR-3 (HL7 table 0357)."""
    for number in (5, 3):
        code = _component(segment, number, head)[0]
        if _CODE.fullmatch(code):
            return code.decode("ascii")
    return None


def _component(segment: Sequence[bytes], number: int, head: bytes) -> list[bytes]:
    """The components of a field, one of them at least; ``head`` is MSH, which says what separates them."""
    field = segment[number] if len(segment) > number else b""
    return [part.strip() for part in field.split(head[4:5])]


def _text(field: bytes) -> str:
    return field.strip().decode("utf-8", "replace")


def _answers(message: Parsed) -> Iterator[bytes]:
    """The parts that begin like HL7, whatever they are called: media types and names differ from maker to maker."""
    number = 0
    for part in parts(message):
        payload = part.get_payload()
        if not isinstance(payload, str) or len(payload) > 2 * LARGEST or number == MOST:
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and looks_like_hl7(content):
            number += 1
            yield _begun(content)[:LARGEST].partition(b"\x1c")[0]


def looks_like_hl7(content: bytes) -> bool:
    """Whether it begins as every HL7 v2 message does, behind a byte order mark or the block's first byte."""
    return _begun(content).startswith(b"MSH")


def _begun(content: bytes) -> bytes:
    return content.lstrip(b"\xef\xbb\xbf\x0b\r\n ")


def _about(message: Parsed) -> str | None:
    """The mail that is answered: the one that came back, else the one that it says it answers (RFC 5322 §3.6.4)."""
    earlier = header(message, "References").split()
    return (
        returned_message_id(message) or message_id(header(message, "In-Reply-To")) or message_id("".join(earlier[-1:]))
    )
