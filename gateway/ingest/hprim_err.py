"""The HPRIM Santé ``ERR`` message that answers a refused file, pure (standards/hprim.md §2.3, ERR).

HPRIM Santé has no positive acknowledgement; a file that is taken is not answered. What is written says which file,
which line and which field, by rank: no number of the patient, no value, nothing of what the file says of anybody.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from gateway.document import Finding, Severity

_PARIS = ZoneInfo("Europe/Paris")
_OURS = "HUITAINE"
"""7.5 of an answer to a file that does not say for whom it was."""
_LONGEST_LINE = 220
_MOST_ERRORS = 20
_LONGEST_TEXT = 400
_START = re.compile(r"H([^\sA-Za-z0-9])([^\sA-Za-z0-9]{3,4})\1")
_LEADING = "".join(map(chr, range(0x21))) + "\ufeff\u00ef\u00bb\u00bf"
_CONTEXTS = {"ORU", "ORM", "ORA", "ADM", "FAC", "REG", "ERR"}
_SECTIONS = {
    "H": 7, "P": 8, "OBR": 9, "OBX": 10, "C": 12, "L": 14, "FAC": 20, "ACT": 21, "REG": 22, "AP": 23, "AC": 24,
    "ERR": 25,
}  # fmt: skip
"""The number of each segment in the recommendation: field 9 of OBR is 9.9."""
_PLACE = re.compile(r"(?:(?P<segment>[A-Z]{1,3}) )?line (?P<line>\d+)(?: field (?P<field>\d+))?")
_MISSING = {
    *("patient-incomplete", "sante-sender", "sante-no-p", "sante-no-l", "sante-no-h", "sante-nothing-final"),
    "order-empty",
}
_SYNTAX = {
    *("birth-date-unreadable", "control-character", "sante-separators", "sante-shifted", "sante-behind-l"),
    *("sante-second-h", "too-many-lines", "too-many-orders", "too-many-doctors"),
}
"""25.10: A missing, S syntax; everything else is I, unknown or incoherent."""
_SEPARATORS = str.maketrans(dict.fromkeys("|~^\\&", " ") | dict.fromkeys(map(chr, (*range(0x20), 0x7F)), " "))


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrFile:
    """A file for the sender of the refused one: its name is field 7.3, its content ISO-8859-1 with CR LF."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """What the answer echoes of H, cleaned."""

    name: str
    sender: str
    receiver: str
    context: str
    mode: str
    liaison: str
    sent_at: str
    segments: tuple[tuple[int, str], ...] = ()
    """Line and name of each segment."""


def err_file(
    content: bytes, findings: Sequence[Finding], *, at: datetime, in_french: Callable[[str], str]
) -> ErrFile | None:
    """The answer to ``content``, refused for the errors among ``findings``; ``None`` where there must be none.

    That is what is not HPRIM Santé, and an ``ERR``: two systems would answer each other for ever. The name comes from
    the content, so that the same file refused again after a crash is answered by the same file.
    """
    refused = _refused(content)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR][:_MOST_ERRORS]
    if refused is None or refused.context == "ERR" or not errors:
        return None
    name = f"E{b32encode(sha256(content).digest()).decode()[:7]}.HPR"
    head = (
        *("H", r"~^\&", name, "", refused.receiver or _OURS, "", "ERR", "", "", refused.sender, "", refused.mode),
        *(f"H2.4~{refused.liaison}", at.astimezone(_PARIS).strftime("%Y%m%d%H%M%S")),
    )
    lines = [head, *(_err(rank, error, refused, in_french) for rank, error in enumerate(errors, start=1))]
    lines.append(("L", "1", "", "0", str(len(lines) + 1)))
    text = "".join(f"{physical}\r\n" for line in lines for physical in _physical("|".join(line)))
    return ErrFile(name=name, content=text.encode("iso-8859-1", "replace"))


def _err(rank: int, error: Finding, refused: _Refused, in_french: Callable[[str], str]) -> tuple[str, ...]:
    """25.9, the value that was refused, stays empty: it may be a patient's."""
    place = _PLACE.match(error.place)
    segment, line = (place["segment"] or "H", place["line"]) if place else ("H", "1")
    number = f"{_SECTIONS.get(segment, 7)}.{(place and place['field']) or 1}"
    words = _clean(in_french(error.code) or error.message, _LONGEST_TEXT)
    kind = "A" if error.code in _MISSING else "S" if error.code in _SYNTAX else "I"
    address = _address(refused.segments, int(line))
    return ("ERR", str(rank), refused.name, refused.sent_at, "T", line, address, number, "", kind, words)


def _address(segments: Sequence[tuple[int, str]], line: int) -> str:
    """25.7, one repetition for each level down to the line: ``P~1^OBR~2^OBX~7``."""
    levels = ("P", "OBR", "OBX")
    ranks: dict[str, int] = {}
    for number, name in segments:
        if number > line:
            break
        if name in levels:
            depth = levels.index(name)
            ranks = {level: rank for level, rank in ranks.items() if levels.index(level) <= depth}
            ranks[name] = ranks.get(name, 0) + 1
    return "^".join(f"{level}~{ranks[level]}" for level in levels if level in ranks)


def _refused(content: bytes) -> _Refused | None:
    """H read by its own separators, as far as an answer echoes it."""
    text = content.decode("iso-8859-1")
    lines = re.split(r"\r\n|\r|\n", text)
    first = next((number for number, line in enumerate(lines[:50]) if line.strip(_LEADING)), 0)
    head = lines[first].lstrip(_LEADING)
    marks = _START.match(head)
    if marks is None:
        return None
    fields = [*head.split(marks[1]), *[""] * 20]
    late = next((late for late in (0, 1, 2, -1) if fields[6 + late].strip().upper() in _CONTEXTS), 0)
    version = fields[12 + late].split(marks[2][0])
    liaison = version[1].strip().upper() if len(version) > 1 else ""
    mode, sent_at = fields[11 + late].strip().upper(), _clean(fields[13 + late], 26)
    sender, receiver = _party(fields[4], marks[2][0]), _party(fields[9 + late], marks[2][0])
    return _Refused(
        name=_clean(fields[2], 12), sender=sender, receiver=receiver,
        context=fields[6 + late].strip().upper(), mode=mode if mode in {"P", "T", "D"} else "P",
        liaison=liaison if liaison in {"L", "C", "R"} else "C", sent_at=sent_at if sent_at.isdigit() else "",
        segments=tuple(_names(lines, marks[1])),
    )  # fmt: skip


def _names(lines: Sequence[str], separator: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, start=1):
        name, found, _ = line.lstrip(_LEADING).partition(separator)
        if found:
            yield number, name.strip()


def _party(text: str, sub: str) -> str:
    """``code~name`` of 7.5 or 7.10, in our own separators."""
    code, _, name = text.partition(sub)
    cleaned = _clean(code, 16), _clean(name.partition(sub)[0], 23)
    return "~".join(cleaned).rstrip("~")


def _clean(text: str, longest: int) -> str:
    return " ".join(text.translate(_SEPARATORS).split())[:longest].rstrip()


def _physical(segment: str) -> Iterator[str]:
    """At most 220 characters with the line end; the rest in ``A`` segments (§2.1)."""
    most = _LONGEST_LINE - 2
    yield segment[:most]
    rest = segment[most:]
    while rest:
        yield f"A|{rest[: most - 2]}"
        rest = rest[most - 2 :]
