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
from typing import Any

from gateway.compose.address import refusal
from gateway.compose.body import heading, title_line
from gateway.compose.dispatch import PARIS, Dispatch
from gateway.compose.essential import passages
from gateway.compose.identity import french_birth
from gateway.compose.losses import Loss, Target, Why, Written
from gateway.compose.results import is_title, mark_of, notes_of, range_of, value_of
from gateway.compose.table import legend, summary
from gateway.compose.text import one_line, paragraphs, visible
from gateway.compose.words import Words
from gateway.document import Document, Result
from gateway.errors import UnreadableDocument

_COLUMNS = 92
# Drawn with the fonts that typst brings, tried one by one under PDF/A-2, which unlike PDF/A-1 refuses a missing glyph.
_UNDRAWN = re.compile(
    "[^\n -~\u00a0-\u04ff\u1e00-\u2040\u2044-\u2052\u2054-\u211e\u2126-\u2151\u2153-\u2184\u2189-\u23ff\u2460-\u262f"
    "\u2638-\u268b\u2701-\u2704\u2706-\u2709\u270c-\u2727\u2729-\u274b\u27c0-\u28ff\ufb00-\ufb06\ufffd]"
)


def render(dispatch: Dispatch, document: Document) -> Written:
    """The PDF with what it shows otherwise; ``UnreadableDocument`` when no page can be made.

    A character that no font draws is shown as ``[U+6F22]``, not as a box that says nothing.
    """
    import typst  # noqa: PLC0415 - 30 MB that most letters do not need

    plain = json.dumps(_data(dispatch, document), ensure_ascii=False)
    data = _UNDRAWN.sub(_numbered, plain)
    try:
        made = typst.compile(_template(), sys_inputs={"data": data}, pdf_standards="a-1b", ignore_system_fonts=True)
    except typst.TypstError as error:  # its words may quote the letter: they go nowhere
        raise UnreadableDocument((refusal("pdf", "page-not-printed", "no page can be made of this letter"),)) from error
    return Written(content=bytes(made), losses=tuple(_numbered_losses(plain)))


def _numbered_losses(text: str) -> Iterator[Loss]:
    shown = " ".join(f"U+{ord(sign):04X}" for sign in sorted(set(_UNDRAWN.findall(text))))
    if shown:
        yield Loss(target=Target.PDF, why=Why.CHANGED, code="characters-numbered", place="document", what=shown)


@cache
def _template() -> bytes:
    return files("gateway.compose").joinpath("letter.typ").read_bytes()


def _numbered(found: re.Match[str]) -> str:
    return f"[U+{ord(found[0]):04X}]"


def _data(dispatch: Dispatch, document: Document) -> dict[str, Any]:  # any: what JSON holds
    words, about = dispatch.words, dispatch.about.astimezone(PARIS)
    text = paragraphs(document.text, _COLUMNS) if document.text.strip() else []
    results = document.results
    return {
        "title": title_line(document, words),
        "hospital": one_line(dispatch.profile.hospital),
        "day": [about.year, about.month, about.day],
        "language": "fr" if dispatch.profile.language.lower().startswith("fr") else "en",
        "running": _running(document),
        "reference": str(dispatch.parsed.id),
        "page": words.page,
        "heading": [line for line in heading(document, words, titled=False) if line],
        "essential_title": words.essential,
        "essential": [*summary(results, words), *passages(text, words.goes_on)],
        "results_title": words.results,
        "columns": list(words.columns),
        "rows": [row for result in results for row in _rows(result, words)],
        "legend": [line for line in legend(results, words) if line],
        "text_title": words.full_text,
        "text": text,
    }


def _running(document: Document) -> str:
    """Who the page is about, on every page: pages get separated."""
    patient = document.patient
    if patient is None:
        return ""
    return one_line(f"{patient.family} {patient.given} {french_birth(patient) or patient.birth_date}")


def _rows(result: Result, words: Words) -> list[dict[str, Any]]:  # any: what JSON holds
    label = one_line(result.label)
    rows: list[dict[str, Any]] = []
    if is_title(result):
        rows.append(_wide(label, title=True))
    else:
        mark = mark_of(result)
        cells = [label, value_of(result), one_line(result.unit), range_of(result), mark]
        rows.append({"kind": "cells", "cells": cells, "marked": bool(mark)})
    if result.second is not None:
        second = result.second
        cells = ["", one_line(second.value), one_line(second.unit), range_of(second), ""]
        rows.append({"kind": "cells", "cells": cells, "marked": False})
    return rows + [_wide(visible(note), title=False) for note in notes_of(result, words)]


def _wide(text: str, *, title: bool) -> dict[str, Any]:  # any: what JSON holds
    return {"kind": "wide", "title": title, "cells": [text]}
