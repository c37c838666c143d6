"""Time stamps of the HL7 family (HL7 v2 TS/DTM, CDA TS, XDS DTM): digits from the year down, perhaps an offset."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
"""Loaded with the module: a reading child can open no file later."""

_STAMP = re.compile(
    r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,6})\d*)?)?)?)?(?:([+-])(\d{2})(\d{2}))?", re.ASCII
)
_PLAUSIBLE = range(1850, 2200)


def moment(text: str) -> datetime | None:
    """The moment that ``text`` names, aware, in Europe/Paris; ``None`` when it names no calendar day.

    Without an offset the time is local French time (PAM.fr: times carry no offset); a day alone is its midnight.
    An hour that a change of clocks repeats is taken as the first of the two.
    """
    found = _STAMP.fullmatch(text.strip()) if text else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, *_ = found.groups("0")
    if int(year) not in _PLAUSIBLE:
        return None
    parts = (int(month), int(day), int(hour), int(minute), int(second), int(fraction.ljust(6, "0")))
    try:
        local = datetime(int(year), *parts, tzinfo=PARIS if sign == "0" else _zone(found))
    except ValueError:
        return None
    return local if sign == "0" else local.astimezone(PARIS)


def _zone(found: re.Match[str]) -> timezone:
    offset = timedelta(hours=int(found[9]), minutes=int(found[10]))
    return timezone(-offset if found[8] == "-" else offset)


def birth_date(text: str) -> str:
    """ISO when the first eight digits are a calendar day, else the text as sent (19470000 for a day not known)."""
    digits = text.strip()[:8]
    if len(digits) == 8 and digits.isascii() and digits.isdigit():
        try:
            return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat()
        except ValueError:
            return text.strip()
    return text.strip()
