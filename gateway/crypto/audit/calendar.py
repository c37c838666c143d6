"""The ends of keys as an iCalendar file (RFC 5545): who renews them finds each in his own calendar, with a reminder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

_LONGEST_LINE = 75
"""Octets without the line end; the rest is folded (RFC 5545 §3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEnd:
    """A key and when it ends; ``words`` are what the calendar shows."""

    name: str = field(repr=False)
    fingerprint: str
    at: datetime
    words: str = field(repr=False)


def calendar(ends: Iterable[KeyEnd], *, now: datetime, reminder: timedelta) -> bytes:
    """One all-day event for each end, with a display alarm so long before it."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Huitaine//keys//EN"]
    for end in ends:
        lines += _event(end, now, reminder)
    lines.append("END:VCALENDAR")
    return b"".join(part + b"\r\n" for line in lines for part in _folded(line))


def _event(end: KeyEnd, now: datetime, reminder: timedelta) -> list[str]:
    # The same key gives the same UID each time: a file imported again replaces the event, it does not double it.
    uid = sha256(f"{end.name}\0{end.fingerprint}".encode()).hexdigest()[:32]
    summary = _escaped(end.words)
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}@huitaine",
        f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{end.at:%Y%m%d}",
        f"SUMMARY:{summary}",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{summary}",
        f"TRIGGER:-P{reminder.days}D",
        "END:VALARM",
        "END:VEVENT",
    ]


def _escaped(text: str) -> str:
    """TEXT (RFC 5545 §3.3.11)."""
    for character in "\\;,":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", "\\n")


def _folded(line: str) -> Iterator[bytes]:
    """A line in pieces of at most 75 octets, never inside a character."""
    piece = b""
    for character in line:
        octets = character.encode()
        if len(piece) + len(octets) > _LONGEST_LINE:
            yield piece
            piece = b" "
        piece += octets
    yield piece
