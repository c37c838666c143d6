"""Physical lines with their place in the file: CRLF, LF and CR alone all end a line (standards/hprim.md §1.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, count
from operator import add
from typing import NamedTuple

from gateway.document import Finding
from gateway.parsers.remarks import error

MOST_LINES = 20_000
LONGEST = 1_000_000
"""Characters of a line of HPRIM Médecin, or of a field of HPRIM Santé that is no file; 64 K are allowed (10.6)."""

_END = re.compile(r"\r\n|\r|\n")
_MARKUP = re.compile(r"<[/A-Za-z]")
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


class Line(NamedTuple):
    """One line without its end; ``start`` and ``end`` (line end included) are characters of the file's text.

    A named tuple, because a letter has hundreds: a frozen dataclass costs four times as much to make.
    """

    number: int
    text: str
    start: int
    end: int

    def __repr__(self) -> str:
        """The place alone: the text is a patient's."""
        return f"Line(number={self.number})"


_LINE: Callable[[tuple[int, str, int, int]], Line] = partial(tuple.__new__, Line)
"""``Line._make`` without its own frame: most of the time a file takes to be cut went there."""


def split_lines(text: str) -> tuple[Line, ...]:
    """All lines, numbered from 1; a last line without an end counts, an empty rest does not."""
    end = _only_end(text)
    if end is None:
        return _mixed(text)
    texts = text.split(end)
    bounds = list(map(add, accumulate(map(len, texts), initial=0), count(0, len(end))))
    lines = list(map(_LINE, zip(count(1), texts, bounds, bounds[1:], strict=False)))
    last = lines.pop()
    return (*lines, last._replace(end=len(text))) if last.text else tuple(lines)


def _only_end(text: str) -> str | None:
    """The one line end the text uses; ``None`` when it mixes them."""
    returns, feeds = text.count("\r"), text.count("\n")
    if not returns or not feeds:
        return "\r" if returns else "\n"
    return "\r\n" if returns == feeds == text.count("\r\n") else None


def _mixed(text: str) -> tuple[Line, ...]:
    ends = list(_END.finditer(text))
    starts = [0, *(found.end() for found in ends)]
    lines = [
        Line(number, text[start : found.start()], start, found.end())
        for number, (start, found) in enumerate(zip(starts, ends, strict=False), start=1)
    ]
    if starts[-1] < len(text):
        lines.append(Line(len(lines) + 1, text[starts[-1] :], starts[-1], len(text)))
    return tuple(lines)


def excess(text: str) -> Finding | None:
    """An error when there are more lines than any letter has: the time of reading stays bounded."""
    if max(text.count("\n"), text.count("\r")) <= MOST_LINES:
        return None
    return error(
        "too-many-lines", f"line {MOST_LINES + 1}", f"more than {MOST_LINES:,} lines: not a letter; send it in parts"
    )


def endless(lines: Sequence[Line]) -> Finding | None:
    """An error for the first line that no letter has (promises.md §2, row 23)."""
    found = next((line for line in lines if len(line.text) > LONGEST), None)
    if found is None:
        return None
    return error("line-too-long", f"line {found.number}", f"more than {LONGEST:,} characters in a line: not a letter")


def without_html(text: str) -> str:
    """HTML entities and the few tags laboratories leave in a text, read as what they show (hprim.md §1.5)."""
    if "<" in text and _MARKUP.search(text):  # a comparator is no tag, and letters are full of them
        text = _TAGS.sub("", _BREAKS.sub("\n", text))
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    name = found[0][1:-1]
    if not name.startswith("#"):
        return _ENTITIES.get(name, found[0])
    code = int("0" + name[1:], base=0) if name[1] in "xX" else int(name[1:])
    return chr(code) if 0x20 <= code < 0x80 or 0xA0 <= code < 0xD800 else found[0]
