r"""HL7 escape sequences (HL7 v2.5 §2.7): ``\F\``, ``\X0D\``, ``\.br\`` and their kind."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.parsers.hl7v2.er7 import Delimiters

_BREAKS = frozenset({"br", "sp", "ce", "fi", "nf"})


def unescape(text: str, delimiters: Delimiters, codec: str) -> str:
    r"""``text`` with its known sequences replaced; anything else stays as it was sent.

    Carriage returns that hid in ``\X0D\`` come out as line breaks of the text, never as a new segment.
    """
    meanings = {
        "F": delimiters.field.decode("ascii"),
        "S": delimiters.component.decode("ascii"),
        "T": delimiters.sub.decode("ascii"),
        "R": delimiters.repetition.decode("ascii"),
        "E": delimiters.escape.decode("ascii"),
    }

    def meaning(found: re.Match[str]) -> str:
        if found["letter"]:
            return meanings.get(found["letter"], "")
        if found["hex"]:
            return bytes.fromhex(found["hex"]).decode(codec, "replace")
        return "\n" if found["layout"] in _BREAKS else ""

    replaced = known_sequences(delimiters.escape).sub(meaning, text)
    return replaced.replace("\r\n", "\n").replace("\r", "\n")


@lru_cache(maxsize=8)
def known_sequences(escape: bytes) -> re.Pattern[str]:
    """The sequences of §2.7: delimiters, highlighting, hexadecimal data, layout, character sets, local ones."""
    mark = re.escape(escape.decode("ascii"))
    return re.compile(
        rf"{mark}(?:(?P<letter>[FSTREHN])|X(?P<hex>(?:[0-9A-Fa-f]{{2}})+)|\.(?P<layout>[a-z]{{2}})[+-]?[0-9]{{0,3}}"
        rf"|[CM][0-9A-Fa-f]{{4,6}}|Z[A-Za-z0-9]{{0,20}}){mark}"
    )


def open_escape(text: str, escape: bytes) -> bool:
    """Whether an escape character stands outside every known sequence."""
    return escape.decode("ascii") in known_sequences(escape).sub("", text)
