"""The twelve header lines of HPRIM Médecin, where position is everything (standards/hprim.md §1.1, §1.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.document import Finding, Identifier
from gateway.identifiers import ins_key
from gateway.parsers.hprim.dates import birth_date, day
from gateway.parsers.hprim.lines import Line
from gateway.parsers.remarks import error, note, warning

HEADER_LINES = 12
_WIDEST = 120
_LONGEST_CODE = 40
_ENVELOPE = 300
_NIR = re.compile(r"([1-478][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{6}) ?([0-9]{2})?")
_POSTCODE = re.compile(r"(?:\d{5}|2[AB]\d{3})(?:\s|$)")
_BIRTH_REMARKS: dict[str, tuple[Callable[..., Finding], str]] = {
    "iso": (note, "birth date in ISO form instead of dd/mm/yyyy"),
    "words": (note, "birth date with the month in letters instead of dd/mm/yyyy"),
    "two-digit-year": (warning, "birth date with a year of two digits: the century is unknown, kept as text"),
    "fictive": (
        warning,
        "birth date is no day of the calendar, as cards show for an unknown or lunar date: kept as text",
    ),
    "unreadable": (error, "birth date is not dd/mm/yyyy and not a known fictive form"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Line 11 or 12: the sender's own code for somebody, and a name."""

    code: str = field(repr=False, default="")
    name: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the twelve lines say; an empty string where the sender said nothing."""

    patient_code: str = field(repr=False)
    family: str = field(repr=False)
    given: str = field(repr=False)
    address: tuple[str, ...] = field(repr=False)
    birth_date: str = field(repr=False)
    nir: Identifier | None
    file_number: str = field(repr=False)
    written_at: datetime | None
    sender: Party
    recipient: Party
    findings: tuple[Finding, ...]


def looks_like_header(lines: Sequence[Line]) -> bool:
    """Whether a record may start here: two names on lines 2 and 3, a birth date on line 7."""
    if len(lines) < HEADER_LINES:
        return False
    family, given, born = (_value(lines[index]) for index in (1, 2, 6))
    return _is_name(family) and _is_name(given) and birth_date(born).remark != "unreadable"


def is_numbered(lines: Sequence[Line]) -> bool:
    """Whether what looks like a header also has a social security number on line 8, or a date on line 10."""
    nir, written = _value(lines[7]), _value(lines[9])
    return _NIR.fullmatch(nir.upper()) is not None or (bool(written) and day(written) is not None)


def read_header(lines: Sequence[Line]) -> Header:
    """Read twelve lines; what stops the record is an error among the findings, never an exception or a guess."""
    values = [_value(line) for line in lines[:HEADER_LINES]]
    values += [""] * (HEADER_LINES - len(values))
    born = birth_date(values[6])
    number, nir_findings = _nir(values[7], lines)
    written = day(values[9])
    return Header(
        patient_code=values[0] if _is_code(values[0]) else "",
        family=values[1],
        given=values[2],
        address=tuple(value for value in values[3:6] if value),
        birth_date=born.value,
        nir=number,
        file_number=values[8],
        written_at=written,
        sender=_party(lines, 10),
        recipient=_party(lines, 11),
        findings=(
            *_form(lines, values),
            *_birth(lines, values, born.remark),
            *nir_findings,
            *_day(lines, values, written),
        ),
    )


def _value(line: Line) -> str:
    value = line.text.strip(" \t\u00a0")
    return "" if value == "." else value


def _place(lines: Sequence[Line], index: int) -> str:
    first = lines[0].number if lines else 1
    return f"line {first + index}"


def _is_name(value: str) -> bool:
    return (
        0 < len(value) <= 60 and value[0].isalpha() and "|" not in value and not any(sign.isdigit() for sign in value)
    )


def _is_code(value: str) -> bool:
    """Words with blanks between them are the name of a laboratory or of a report (hprim.md §1.7)."""
    words = len(value.split()) > 1 and any(sign.isalpha() for sign in value)
    return len(value) <= _LONGEST_CODE and not words


def _form(lines: Sequence[Line], values: Sequence[str]) -> Iterator[Finding]:
    if len(lines) < HEADER_LINES:
        yield error("hprim-header-short", _place(lines, 0), f"{len(lines)} header lines instead of {HEADER_LINES}")
        return
    for index, name in ((1, "family name"), (2, "first name"), (6, "birth date")):
        if not values[index] or (index < 6 and not any(sign.isalpha() for sign in values[index])):
            yield error("hprim-header-incomplete", _place(lines, index), f"no {name}: the patient is not identified")
    for index, value in enumerate(values):
        if len(value) > (_ENVELOPE if index == 0 else _WIDEST):
            yield error("hprim-header-wide", _place(lines, index), f"{len(value)} characters in a header line")
    if len(values[0]) <= _ENVELOPE and not _is_code(values[0]):
        yield warning("hprim-line-1", _place(lines, 0), "line 1 is no patient code: kept in the original, not used")
    if _POSTCODE.match(values[4]) and birth_date(values[5]).remark != "unreadable":
        yield error("hprim-header-shifted", _place(lines, 5), "birth date on line 6: the header lost a line on its way")
    if not values[11]:
        yield note("hprim-no-recipient", _place(lines, 11), "line 12 names no recipient")


def _birth(lines: Sequence[Line], values: Sequence[str], remark: str) -> Iterator[Finding]:
    if values[6] and remark:
        kind, message = _BIRTH_REMARKS[remark]
        yield kind(f"birth-date-{remark}", _place(lines, 6), message, values[6])


def _nir(value: str, lines: Sequence[Line]) -> tuple[Identifier | None, tuple[Finding, ...]]:
    """A NIR, never an INS: the line has no authority and no status, and may be the policy holder's (§1.9, 7)."""
    if not value:
        return None, ()
    found = _NIR.fullmatch(value.upper())
    if found is None:
        return None, (warning("nir-form", _place(lines, 7), "line 8 is not a social security number: not used", value),)
    number, key = found[1], found[2] or ""
    identifier = Identifier(value=number + key, type="NIR")
    if key and ins_key(number) != int(key):
        return identifier, (
            warning("nir-key", _place(lines, 7), "the key of the social security number is wrong", value),
        )
    if not key:
        return identifier, (note("nir-without-key", _place(lines, 7), "social security number without its key"),)
    return identifier, ()


def _day(lines: Sequence[Line], values: Sequence[str], written: datetime | None) -> Iterator[Finding]:
    if not values[9]:
        yield note("hprim-no-date", _place(lines, 9), "line 10 is blank: the date of the examination is unknown")
    elif written is None:
        yield warning("hprim-date", _place(lines, 9), "line 10 is not a date dd/mm/yyyy: not used", values[9])


def _party(lines: Sequence[Line], index: int) -> Party:
    """Code in columns 1 to 10, a blank, the name from column 12; tolerant as §1.2 asks."""
    text = lines[index].text.rstrip(" \t\u00a0") if index < len(lines) else ""
    if len(text) > 11 and text[10] == " ":
        code, name = text[:10].strip(), text[11:].strip()
    else:
        code, _, name = text.strip().partition(" ")
    return Party(code="" if code == "." else code, name="" if name.strip() == "." else name.strip())
