"""The letter as PDF/A-1 for addressees whose letter came without one (référentiel #2, ECO.2.1.1).

typst is imported when the first letter needs it. The template is fixed; the letter is handed over as JSON data, so
nothing a sender wrote can be read as markup, and system fonts are left out so that every machine makes the same page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from gateway.compose.address import refusal
from gateway.compose.dispatch import Dispatch
from gateway.compose.losses import Loss, Target, Why, Written
from gateway.compose.page import page_data
from gateway.document import Document
from gateway.errors import UnreadableDocument

if TYPE_CHECKING:
    import typst

# Drawn with the fonts that typst brings, tried one by one under PDF/A-2, which unlike PDF/A-1 refuses a missing glyph.
_UNDRAWN = re.compile(
    "[^\n -~\u00a0-\u04ff\u1e00-\u2040\u2044-\u2052\u2054-\u211e\u2126-\u2151\u2153-\u2184\u2189-\u23ff\u2460-\u262f"
    "\u2638-\u268b\u2701-\u2704\u2706-\u2709\u270c-\u2727\u2729-\u274b\u27c0-\u28ff\ufb00-\ufb06\ufffd]"
)


def render(dispatch: Dispatch, document: Document) -> Written:
    """The PDF with what it shows otherwise; ``UnreadableDocument`` when no page can be made.

    Without tags: PDF 1.4 cannot pack them, they would make three quarters of the file, and the mail has the same words
    as text. A character that no font draws is shown as ``[U+6F22]``, not as a box that says nothing.
    """
    import typst  # noqa: PLC0415 - 30 MB that most letters do not need

    plain = json.dumps(page_data(dispatch, document), ensure_ascii=False)
    data = _UNDRAWN.sub(_numbered, plain)
    try:
        made = typst.compile(
            _template(), sys_inputs={"data": data}, pdf_standards="a-1b", pdf_tags=False, font_paths=_fonts()
        )
    except typst.TypstError as error:  # its words may quote the letter: they go nowhere
        raise UnreadableDocument((refusal("pdf", "page-not-printed", "no page can be made of this letter"),)) from error
    return Written(content=bytes(made), losses=tuple(_numbered_losses(plain)))


def _numbered_losses(text: str) -> Iterator[Loss]:
    shown = " ".join(f"U+{ord(sign):04X}" for sign in sorted(set(_UNDRAWN.findall(text))))
    if shown:
        yield Loss(target=Target.PDF, why=Why.CHANGED, code="characters-numbered", place="document", what=shown)


@cache
def _fonts() -> typst.Fonts:
    """The fonts inside typst and no others, found once: finding them is an eighth of a page."""
    import typst  # noqa: PLC0415 - as above

    return typst.Fonts(include_system_fonts=False)


@cache
def _template() -> bytes:
    return files("gateway.compose").joinpath("letter.typ").read_bytes()


def _numbered(found: re.Match[str]) -> str:
    return f"[U+{ord(found[0]):04X}]"
