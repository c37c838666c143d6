r"""The marks of MSH-1 and MSH-2, and the escape sequences that stand for them (HL7 v2.5 §2.7): ``\F\``, ``\X0D\``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_MOST_LINES = 10
_PLAIN = {"br": "\n", "ce": "\n", "fi": "", "nf": "", "in": "", "ti": ""}
"""Layout without a count (§2.7.6); ``\\.fi\\`` and its kind say how to wrap, and we never do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiters:
    """MSH-1 and MSH-2: one ASCII character each."""

    field: str
    component: str
    repetition: str
    escape: str
    sub: str


def unescape(text: str, delimiters: Delimiters, codec: str) -> str:
    r"""``text`` with its known sequences replaced; anything else stays as it was sent.

    Carriage returns that hid in ``\X0D\`` come out as line breaks of the text, never as a new segment.
    """
    meanings = {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.sub,
        "R": delimiters.repetition,
        "E": delimiters.escape,
    }

    mark = delimiters.escape

    def meaning(found: re.Match[str]) -> str:
        if found["letter"]:
            return meanings.get(found["letter"], "")
        if found["hex"]:
            digits = found["hex"].replace(f"{mark}X", "").replace(mark, "")
            return _decoded(bytes.fromhex(digits), codec)
        return _layout(found["layout"], found["count"]) if found["layout"] else ""

    replaced = known_sequences(delimiters.escape).sub(meaning, text)
    return replaced.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes, codec: str) -> str:
    r"""Bytes of ``\X…\`` in the message's charset; those that are none in UTF-8 are Latin (``\XE9\``)."""
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _layout(command: str, count: str) -> str:
    """Blank lines of ``.sp``, blanks of ``.sk``; a count is bounded, for it multiplies what was sent."""
    number = min(int(count.lstrip("+-") or "1"), _MOST_LINES)
    if command == "sp":
        return "\n" * max(number, 1)
    return " " * number if command == "sk" else _PLAIN.get(command, "")


@lru_cache(maxsize=8)
def known_sequences(escape: str) -> re.Pattern[str]:
    r"""The sequences of §2.7: delimiters, highlighting, hexadecimal data, layout, character sets, local ones.

    Neighbouring ``\X…\`` are one sequence, since some senders write each byte of a character on its own; bounded,
    or a megabyte of digits would take a hundred of memory.
    """
    mark = re.escape(escape)
    return re.compile(
        rf"{mark}(?:(?P<letter>[FSTREHN])"
        rf"|X(?P<hex>(?:[0-9A-Fa-f]{{2}}){{1,400}}(?:{mark}{mark}X(?:[0-9A-Fa-f]{{2}}){{1,400}}){{0,400}})"
        rf"|\.(?P<layout>[a-z]{{2}})(?P<count>[+-]?[0-9]{{0,3}})"
        rf"|(?P<lost>[CM][0-9A-Fa-f]{{4,6}}|Z[A-Za-z0-9]{{0,20}})){mark}"
    )


def open_escape(text: str, escape: str) -> bool:
    """Whether an escape character stands outside every known sequence."""
    return escape in known_sequences(escape).sub("", text)


def lost_escape(text: str, escape: str) -> bool:
    """Whether a sequence changes the charset or is the sender's own: nothing stands for it here."""
    return any(found["lost"] for found in known_sequences(escape).finditer(text))
