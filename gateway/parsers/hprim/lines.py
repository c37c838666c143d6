"""Physical lines with their place in the file: CRLF, LF and CR alone all end a line (standards/hprim.md §1.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gateway.document import Finding
from gateway.parsers.remarks import error

MOST_LINES = 20_000

_END = re.compile(r"\r\n|\r|\n")
_BREAKS = re.compile(r"<br\s*/?>|</p>", re.IGNORECASE)
_TAGS = re.compile(r"</?(?:p|b|i|u|em|strong|font|span|div)(?:\s[^<>]{0,200})?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,6}|#x[0-9a-fA-F]{1,5}|[A-Za-z]{2,8});")
_ENTITIES = {
    "amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": "\u00a0", "eacute": "é", "egrave": "è",
    "agrave": "à", "ccedil": "ç", "ugrave": "ù", "acirc": "â", "ecirc": "ê", "icirc": "î", "ocirc": "ô", "ucirc": "û",
    "euml": "ë", "iuml": "ï", "uuml": "ü", "ouml": "ö", "oelig": "œ", "micro": "µ", "deg": "°", "euro": "€",
    "Eacute": "É", "Egrave": "È", "Agrave": "À", "Ccedil": "Ç", "le": "≤", "ge": "≥", "rsquo": "’", "laquo": "«",
    "raquo": "»", "plusmn": "±", "sup2": "²", "sup3": "³",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; ``start`` and ``end`` (line end included) are characters of the file's text."""

    number: int
    text: str = field(repr=False)
    start: int
    end: int


def split_lines(text: str) -> tuple[Line, ...]:
    """All lines, numbered from 1; a last line without an end counts, an empty rest does not."""
    lines = []
    start = 0
    for number, found in enumerate(_END.finditer(text), start=1):
        lines.append(Line(number, text[start : found.start()], start, found.end()))
        start = found.end()
    if start < len(text):
        lines.append(Line(len(lines) + 1, text[start:], start, len(text)))
    return tuple(lines)


def excess(text: str) -> Finding | None:
    """An error when there are more lines than any letter has: the time of reading stays bounded."""
    if max(text.count("\n"), text.count("\r")) <= MOST_LINES:
        return None
    return error(
        "too-many-lines", f"line {MOST_LINES + 1}", f"more than {MOST_LINES:,} lines: not a letter; send it in parts"
    )


def without_html(text: str) -> str:
    """HTML entities and the few tags laboratories leave in a text, read as what they show (hprim.md §1.5)."""
    if "<" not in text and "&" not in text:
        return text
    return _ENTITY.sub(_character, _TAGS.sub("", _BREAKS.sub("\n", text)))


def _character(found: re.Match[str]) -> str:
    name = found[0][1:-1]
    if not name.startswith("#"):
        return _ENTITIES.get(name, found[0])
    code = int("0" + name[1:], base=0) if name[1] in "xX" else int(name[1:])
    return chr(code) if 0x20 <= code < 0x80 or 0xA0 <= code < 0xD800 else found[0]
