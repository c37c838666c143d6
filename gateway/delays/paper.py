"""The last step on paper: a cover sheet for a window envelope with a code to follow it by, the letter's pages behind.

Nothing here knows a letter: pages come as PDF files, the addressee as lines. What a PDF holds is read by typst's own
reader, which is memory-safe, and goes nowhere but into the result.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from gateway.delays.clock import PARIS
from gateway.errors import PermanentFailure

if TYPE_CHECKING:
    import typst

LINES, SIGNS = 6, 38
"""What an address may have (NF Z 10-011)."""
_MOST_PAGES, _MOST_BYTES = 400, 30_000_000
_BARS = ("WNNNW", "NWNNW", "WWNNN", "NNWNW", "WNWNN", "NWWNN", "NNNWW", "WNNWN", "NWNWN", "NNWWN")
_GAPS = (("1234567890", "NWNN"), ("ABCDEFGHIJ", "NNWN"), ("KLMNOPQRST", "NNNW"), ("UVWXYZ-. *", "WNNN"))
_PUNCTUATION = re.compile(r"[^\w /-]")


class NotPrinted(PermanentFailure):
    """No paper can be made of this letter; ``detail`` is a code."""

    status, words = "5.6.0", "This letter cannot be printed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What the cover says. ``address`` are at most six lines, names first."""

    code: str
    hospital: str
    sender: tuple[str, ...] = ()
    """Where the hospital is, when the settings tell."""
    address: tuple[str, ...] = field(repr=False)
    at: datetime
    letter: str


def postal(lines: Sequence[str]) -> tuple[str, ...]:
    """An address as sorting machines read it: the last three lines in capitals, no sign that is not needed.

    Raises NotPrinted ``bad-address`` for one that has no street or town, or too many or too long lines.
    """
    told = [" ".join(line.split()) for line in lines if line.strip()]
    if not 3 <= len(told) <= LINES or any(len(line) > SIGNS for line in told):
        raise NotPrinted("bad-address")
    if not re.match(r"[0-9]{5} \S", told[-1]):
        raise NotPrinted("bad-address")
    return (*told[:-2], *(_for_machines(line) for line in told[-2:]))


def code39(text: str) -> str:
    """``text`` as bars and gaps in turn, ``W`` wide and ``N`` narrow, with start and stop (ISO/IEC 16388).

    ``KeyError`` for a sign that it does not have.
    """
    return "N".join(_sign(sign) for sign in f"*{text}*")


def print_ready(sheet: Sheet, pages: Sequence[bytes]) -> bytes:
    """One PDF, A4: the cover, then all pages of these PDFs in their order. Raises NotPrinted."""
    if not pages or sum(map(len, pages)) > _MOST_BYTES:
        raise NotPrinted("nothing-to-print" if not pages else "too-large")
    counted = [{"bytes": list(one), "pages": page_count(one)} for one in pages]
    at = sheet.at.astimezone(PARIS)
    said = {
        "code": sheet.code,
        "bars": code39(sheet.code),
        "hospital": sheet.hospital,
        "sender": list(sheet.sender),
        "address": list(sheet.address),
        "date": f"{at:%d/%m/%Y}",
        "day": [at.year, at.month, at.day],
        "letter": sheet.letter,
        "count": sum(int(one["pages"]) for one in counted),  # type: ignore[call-overload]  # both kinds of value
        "files": counted,
    }
    return _compiled("paper.typ", {"data": json.dumps(said)})


def page_count(pdf: bytes) -> int:
    """How many pages a PDF has; raises NotPrinted for one that cannot be read, is locked, or has too many."""
    data = json.dumps(list(pdf))
    if not _has_page(data, 1):
        raise NotPrinted("unreadable-pdf")
    known, beyond = 1, 2
    while _has_page(data, beyond):
        known, beyond = beyond, 2 * beyond
        if known > _MOST_PAGES:
            raise NotPrinted("too-many-pages")
    while beyond - known > 1:
        middle = (known + beyond) // 2
        known, beyond = (middle, beyond) if _has_page(data, middle) else (known, middle)
    return known


def _sign(sign: str) -> str:
    row, gaps = next(((row, gaps) for row, gaps in _GAPS if sign in row), ("", ""))
    if not row:
        raise KeyError(sign)
    bars = _BARS[row.index(sign)]
    return "".join(bar + gap for bar, gap in zip(bars, f"{gaps} ", strict=True)).strip()


def _for_machines(line: str) -> str:
    plain = unicodedata.normalize("NFKD", line).encode("ascii", "ignore").decode()
    return " ".join(_PUNCTUATION.sub(" ", plain).upper().split())


_PROBE = b"""#set page(width: 10pt, height: 10pt, margin: 0pt)
#image(bytes(json(bytes(sys.inputs.pdf))), format: "pdf", page: int(sys.inputs.page), width: 10pt)"""


def _has_page(data: str, number: int) -> bool:
    try:
        _compile(_PROBE, {"pdf": data, "page": str(number)})
    except NotPrinted:
        return False
    return True


def _compiled(name: str, inputs: dict[str, str]) -> bytes:
    return _compile(files("gateway.delays").joinpath(name).read_bytes(), inputs)


def _compile(source: bytes, inputs: dict[str, str]) -> bytes:
    import typst  # noqa: PLC0415 - 30 MB that nobody else needs

    try:
        return bytes(typst.compile(source, sys_inputs=inputs, pdf_tags=False, font_paths=_fonts()))
    except typst.TypstError as error:  # its words may quote the letter: they go nowhere
        raise NotPrinted("page-not-made") from error


@cache
def _fonts() -> typst.Fonts:
    import typst  # noqa: PLC0415 - as above

    return typst.Fonts(include_system_fonts=False)
