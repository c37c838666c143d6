"""HL7 v2 acknowledgements, pure: AA taken · AR try again · AE correct the content (design.md, decision 12).

Written by hand because hl7apy takes 36 ms for one; hl7apy judges every shape of them in the tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.document import Finding, Severity
from gateway.ingest.conditions import condition_of, stated
from gateway.ingest.msh import Msh

_LONGEST_TEXT = 250
"""ERR-8 in HL7 2.5."""
_LONGEST_ID = 20
"""MSH-10 up to HL7 2.6."""
_MOST_ERRORS = 10

_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+)(?:\.(\d+))?(?:\.(\d+))?)?(?![\w-])")

_CONTROLS = bytes([*range(0x20), 0x7F])
_ON_ONE_LINE = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
"""What is echoed ends no segment and no block, whatever the request holds (promises.md §2, row 23)."""


class Answer(StrEnum):
    """MSA-1, HL7 table 0008 in original mode."""

    TAKEN = "AA"
    CORRECT = "AE"
    AGAIN = "AR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One ERR segment: a condition of table 0357, where, our own stable code, and words."""

    condition: str
    code: str
    words: str
    place: str = ""


def complaints_of(findings: tuple[Finding, ...]) -> tuple[Complaint, ...]:
    """The errors among ``findings``, ten at most; their ``detail`` never leaves."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    return tuple(
        Complaint(
            condition=condition_of(finding),
            code=finding.code,
            words=finding.message,
            place=finding.place,
        )
        for finding in errors[:_MOST_ERRORS]
    )


def acknowledge(
    request: Msh, answer: Answer, *, letter: str, at: datetime, complaints: tuple[Complaint, ...] = ()
) -> bytes:
    """The ACK, segments ended by CR: same separators, charset and version as the request, MSA-2 is its MSH-10.

    Equal arguments give equal bytes: MSH-10 is the end of the letter's id, MSH-7 its time of arrival.
    """
    segments = [_msh(request, letter=letter, at=at), _msa(request, answer, complaints)]
    segments += _errors(request, complaints)
    return b"".join(segment.rstrip(request.field(1)).translate(_ON_ONE_LINE) + b"\r" for segment in segments)


def _msh(request: Msh, *, letter: str, at: datetime) -> bytes:
    fields = [
        b"MSH",
        request.field(2),
        *(request.field(number) for number in (5, 6, 3, 4)),
        at.strftime("%Y%m%d%H%M%S%z").encode(),
        b"",
        _message_type(request),
        letter[-_LONGEST_ID:].encode(),
        request.field(11) or b"P",
        request.field(12) or b"2.5",
        *(b"", b"", b"", b""),
        request.field(17),
        request.field(18),
    ]
    return request.field(1).join(fields)


def _message_type(request: Msh) -> bytes:
    """``ACK^T02^ACK``; the structure came with 2.3.1, the event with 2.2."""
    trigger = request.component(9, 2)
    parts = ["ACK", trigger, "ACK"] if trigger else ["ACK"]
    most = 1 if request.version < (2, 2) else 2 if request.version < (2, 3, 1) else 3
    return request.separators[1].join(parts[:most]).encode(request.codec, "replace")


def _msa(request: Msh, answer: Answer, complaints: tuple[Complaint, ...]) -> bytes:
    fields = [b"MSA", answer.encode(), request.field(10) or b"UNKNOWN"]
    if complaints and request.version < (2, 5):
        fields.append(_text(request, complaints[0].words)[:80])  # MSA-3; from 2.5 on ERR-8 says it
    return request.field(1).join(fields)


def _errors(request: Msh, complaints: tuple[Complaint, ...]) -> list[bytes]:
    if request.version < (2, 5):
        places = [_old_location(request, complaint) for complaint in complaints]
        return [request.field(1).join([b"ERR", request.field(2)[1:2].join(places)])] if places else []
    return [_error(request, complaint) for complaint in complaints]


def _error(request: Msh, complaint: Complaint) -> bytes:
    """ERR-2 location (ERL), ERR-3 condition, ERR-4 severity, ERR-5 our code, ERR-8 words (HL7 2.5 §2.15.5)."""
    component = request.field(2)[:1]
    code, words = stated(complaint.condition, request.version)
    condition = [code.encode(), words.encode(), b"HL70357"]
    own = [complaint.code.encode("ascii", "replace"), b"", b"99HUITAINE"]
    fields = [
        b"ERR",
        b"",
        component.join(_location(complaint.place)),
        component.join(condition),
        b"E",
        component.join(own),
        b"",
        b"",
        _text(request, complaint.words),
    ]
    return request.field(1).join(fields)


def _old_location(request: Msh, complaint: Complaint) -> bytes:
    """ERR-1 (ELD) before 2.5: segment, sequence, field, condition with its text."""
    component, sub = request.field(2)[:1], request.field(2)[3:4] or b"&"
    place = (*_location(complaint.place), b"", b"", b"")[:3]
    condition = sub.join(part.encode() for part in stated(complaint.condition, request.version))
    return component.join([*(place if place[0] else (b"MSH", b"1", b"")), condition])


def _location(place: str) -> tuple[bytes, ...]:
    """``OBX[2]-5.1`` as segment, sequence, field, repetition, component, sub-component; empty for other places."""
    found = _PLACE.match(place)
    if not found:
        return (b"",)
    segment, sequence, field, component, sub = found.groups()
    parts = [segment, sequence or "1", field or ""]
    if component:
        parts += ["1", component, sub or ""]
    while not parts[-1]:
        parts.pop()
    return tuple(part.encode() for part in parts)


def _text(request: Msh, words: str) -> bytes:
    """Words with the request's separators escaped (HL7 §2.7.1), in its charset, on one line."""
    names = dict(zip(request.separators, "FSRET", strict=False))
    escape = request.separators[3]
    plain = "".join(mark if mark.isprintable() else " " for mark in words)[:_LONGEST_TEXT]
    escaped = "".join(f"{escape}{names[mark]}{escape}" if mark in names else mark for mark in plain)
    return escaped.encode(request.codec, "replace")
