"""The letter as PDF/A-1 for addressees whose letter came without one (référentiel #2, ECO.2.1.1).

typst is imported when the first letter needs it. The template is fixed; the letter is handed over as JSON data, so
nothing a sender wrote can be read as markup, and system fonts are left out so that every machine makes the same page.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from gateway.compose.body import heading, title_line
from gateway.compose.dispatch import PARIS, Dispatch
from gateway.compose.essential import passages
from gateway.compose.identity import french_birth
from gateway.compose.results import is_title, mark_of, notes_of, range_of, value_of
from gateway.compose.table import legend, summary
from gateway.compose.text import one_line, paragraphs, visible
from gateway.compose.words import Words
from gateway.document import Document, Result

_COLUMNS = 92
# Every character of these blocks was drawn with the fonts that typst brings; others are tried, then shown by number.
_UNSURE = re.compile("[^\n -~\u00a0-\u024f\u0300-\u045f\u2000-\u22ff\u2500-\u27ff\ufffd]")
_NOT_LATIN = re.compile("[^\n -~\u00a0-\u00ff]")


def render(dispatch: Dispatch, document: Document) -> bytes:
    """The PDF. A character that no font draws is shown as ``[U+6F22]``: PDF/A forbids a box that says nothing."""
    from typst import TypstError  # noqa: PLC0415 - 30 MB that most letters do not need

    text = json.dumps(_data(dispatch, document), ensure_ascii=False)
    for doubtful in (None, _UNSURE):
        try:
            return _compiled(doubtful.sub(_numbered, text) if doubtful else text)
        except TypstError:
            continue
    return _compiled(_NOT_LATIN.sub(_numbered, text))


def unsure(document: Document) -> frozenset[str]:
    """The characters of the letter that the PDF may show by their number."""
    said = (document.text, *(f"{result.label}{result.value}{result.comment}" for result in document.results))
    return frozenset(found for text in said if not text.isascii() for found in _UNSURE.findall(visible(text)))


def _compiled(data: str) -> bytes:
    import typst  # noqa: PLC0415

    made = typst.compile(_template(), sys_inputs={"data": data}, pdf_standards="a-1b", ignore_system_fonts=True)
    return bytes(made)


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
