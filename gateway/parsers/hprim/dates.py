"""Dates of the HPRIM formats: what is a calendar date becomes one, what is not stays text and is told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
"""HPRIM dates carry no offset; both formats are used in France."""

_FRENCH = re.compile(r"(\d{2})[/.-](\d{2})[/.-](\d{4})")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_SHORT = re.compile(r"\d{2}/\d{2}/\d{2}")
_WORDS = re.compile(r"(\d{1,2}) ([A-Za-zéûÉÛ]{3,9})\.? (\d{4})")
_TS = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?(?:\.\d+)?")
_MONTHS = (
    "jan",
    "f[ée]v|feb",
    "mar",
    "a[vp]r",
    "ma[iy]",
    "juin|jun",
    "juil|jul",
    "ao[uû]|aug",
    "sep",
    "oct",
    "nov",
    "d[ée]c",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BirthDate:
    """ISO when it is a calendar date, else as sent; ``remark`` is empty, or says which deviation it is."""

    value: str = field(repr=False)
    remark: str = ""


def birth_date(text: str) -> BirthDate:
    """Read line 7. Remarks: ``iso``, ``words``, ``two-digit-year``, ``fictive``, ``unreadable`` (hprim.md §1.5).

    A fictive date is what the Vitale card may hold for somebody whose birthday is unknown or lunar: day or month
    00, a month above 12, day 30 of February. Anything else that is no day of the calendar is a slip.
    """
    if found := _FRENCH.fullmatch(text):
        day, month, year = (int(part) for part in found.groups())
        if calendar := _calendar(year, month, day):
            return BirthDate(value=calendar)
        fictive = day == 0 or month == 0 or month > 12 or (month, day) == (2, 30)
        return BirthDate(value=text, remark="fictive" if fictive and day <= 31 else "unreadable")
    if found := _ISO.fullmatch(text):
        calendar = _calendar(*(int(part) for part in found.groups()))
        return BirthDate(value=calendar or text, remark="iso" if calendar else "unreadable")
    if _SHORT.fullmatch(text):
        return BirthDate(value=text, remark="two-digit-year")
    if (found := _WORDS.fullmatch(text)) and (calendar := _calendar(int(found[3]), _month(found[2]), int(found[1]))):
        return BirthDate(value=calendar, remark="words")
    return BirthDate(value=text, remark="unreadable")


def day(text: str) -> datetime | None:
    """Read line 10: midnight in Paris of a calendar date; ``None`` otherwise."""
    read = birth_date(text.strip())
    if read.remark not in {"", "iso", "words"}:
        return None
    return datetime.combine(date.fromisoformat(read.value), datetime.min.time(), PARIS).astimezone(UTC)


def timestamp(text: str) -> datetime | None:
    """Read a ``TS``: ``AAAAMMJJ[HHmm[SS]]``, Paris time; ``None`` when it is not one."""
    found = _TS.fullmatch(text.strip())
    if found is None:
        return None
    try:
        local = datetime(*(int(part or 0) for part in found.groups()), tzinfo=PARIS)  # type: ignore[misc, arg-type]  # six numbers, then the zone
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _calendar(year: int, month: int, day_of_month: int) -> str:
    try:
        read = date(year, month, day_of_month)
    except ValueError:
        return ""
    return read.isoformat() if read.year >= 1850 else ""


def _month(word: str) -> int:
    found = (number for number, pattern in enumerate(_MONTHS, start=1) if re.match(pattern, word.lower()))
    return next(found, 0)
