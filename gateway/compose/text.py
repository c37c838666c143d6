"""Lines of readable text: nothing invisible in them, nothing wider than a mail window."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

WIDTH = 78
"""RFC 5322 §2.1.1."""

_LINE_END = re.compile(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
# C0, C1, bidirectional controls (they can turn "1,2" into "2,1" on the screen), lone surrogates, noncharacters.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_NOT_ASCII_LETTERS = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O"})


def visible(text: str) -> str:
    """``text`` with LF line ends, blanks for tabs, and U+FFFD where an invisible control stood."""
    if text.isprintable():
        return text
    lined = _LINE_END.sub("\n", text)
    return _HIDDEN.sub("\ufffd", lined.expandtabs(8) if "\t" in lined else lined)


def one_line(text: str) -> str:
    """``text`` on one line, blanks folded, controls made visible."""
    if text.isprintable() and "  " not in text:
        return text.strip(" ")  # of the blanks, only U+0020 is printable
    return " ".join(visible(text).split())


def wrapped(line: str, width: int = WIDTH, *, hard: bool = False) -> Iterator[str]:
    """The line, cut at blanks to ``width``; its indent is kept. Only ``hard`` cuts a word that is longer.

    A row of a table is cut between two cells where it can be, and goes on indented: a dose stays in one piece.
    """
    rest = line.rstrip()
    if len(rest) <= width:
        yield rest
        return
    lead = " " * min(len(line) - len(line.lstrip(" ")), 20)
    row = "  " in rest.lstrip(" ")
    first = True
    while len(rest) > width:
        cut = rest.rfind("  ", len(lead) + 1, width + 1) if row else -1
        if cut < 0 or not rest[:cut].strip():
            cut = rest.rfind(" ", len(lead) + 1, width + 1)
        if cut < 0:
            cut = width if hard else rest.find(" ", width)
        if cut < 0:
            break
        yield rest[:cut].rstrip()
        if row and first:
            lead, first = f"{lead}    ", False
        rest = lead + rest[cut:].lstrip(" ")
    yield rest


def paragraphs(text: str, width: int = WIDTH) -> list[str]:
    """Every line of ``text``, wrapped; blank lines at both ends are dropped, all others stay."""
    lines = visible(text).strip("\n").split("\n")
    return [piece for line in lines for piece in (wrapped(line, width) if len(line) > width else (line.rstrip(),))]


def folded(text: str) -> str:
    """``text`` in ASCII: accents dropped, ligatures spelled, the rest gone (subjects and file names)."""
    spelled = unicodedata.normalize("NFKD", text.translate(_NOT_ASCII_LETTERS))
    return spelled.encode("ascii", "ignore").decode("ascii")
