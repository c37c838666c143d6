"""The letter as data for the page: what stands where and in which hand, nothing that could be read as markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from gateway.compose.body import notices, title_line
from gateway.compose.dispatch import PARIS, Dispatch
from gateway.compose.essential import is_heading, passages
from gateway.compose.facts import facts
from gateway.compose.history import History, history
from gateway.compose.identity import french_birth
from gateway.compose.results import (
    arrow_of,
    is_title,
    mark_of,
    notes_of,
    out_of_range,
    range_of,
    usual_moment,
    value_of,
)
from gateway.compose.table import earlier_cell, legend, marked_lines, reserves
from gateway.compose.text import one_line, visible, wrapped
from gateway.compose.words import Words
from gateway.document import Document, Result

_COLUMNS = 92
"""Characters of the fixed-width hand on a line."""
_DAYS = 3
_APART = re.compile(r"[^\s.;:!?•–*-](?: {2,}|\t)\S|[│┃║|].*[│┃║|]|[─━═_+-]{6,}")
"""Columns set with blanks (two behind a full stop are a typist's habit), or lines drawn with characters.

Only a fixed-width hand keeps them.
"""
_ALIGNED = 2
_MANY = 15
"""Marked results that are set as a grid; more are lines in the fixed-width hand, at a third of the cost."""
_LONG = 20
"""Characters of a value that takes the columns behind it too."""

Data = dict[str, Any]  # any: what JSON holds


def page_data(dispatch: Dispatch, document: Document) -> Data:
    """Everything that ``letter.typ`` shows."""
    words, about = dispatch.words, dispatch.about.astimezone(PARIS)
    before = history(dispatch.documents, document, most=_DAYS)
    usual = usual_moment(document.results)
    marked = out_of_range(document.results)
    lines = visible(document.text).strip("\n").split("\n") if document.text.strip() else []
    titles = frozenset(one_line(section.title) for section in document.sections if section.title.strip())
    return {
        "title": title_line(document, words),
        "notices": notices(document, words),
        "hospital": one_line(dispatch.profile.hospital),
        "day": [about.year, about.month, about.day],
        "language": "fr" if dispatch.profile.language.lower().startswith("fr") else "en",
        "running": _running(document),
        "reference": str(dispatch.parsed.id),
        "page": words.page,
        "facts": [[label, list(values)] for label, values in facts(document, words)],
        "essential_title": words.essential,
        "excerpts": words.excerpts,
        "reserves": reserves(document.results, words),
        "out_title": words.out_of_range,
        "out": [_marked(result, before) for result in marked] if len(marked) <= _MANY else [],
        "out_lines": marked_lines(marked, before) if len(marked) > _MANY else [],
        "essential": _blocks(passages([line.rstrip() for line in lines], words.goes_on), titles),
        "results_title": words.results,
        "columns": [*words.columns, *(day.title for day in before.days)],
        "rows": [row for result in document.results for row in _rows(result, words, before, usual)],
        "legend": _legend(document.results, words, before),
        "text_title": words.full_text,
        "text": _blocks(lines, titles),
    }


def _running(document: Document) -> str:
    """Who the page is about, on every page: pages get separated."""
    patient = document.patient
    if patient is None:
        return ""
    return one_line(f"{patient.family} {patient.given} {french_birth(patient) or patient.birth_date}")


def _marked(result: Result, before: History) -> list[str]:
    limits, last = range_of(result), before.latest(result)
    value = f"{value_of(result)} {one_line(result.unit)}".strip()
    return [
        one_line(result.label),
        value,
        _mark(result),
        f"({limits})" if limits else "",
        f"{last[1].title} : {earlier_cell(last[0])}" if last else "",
    ]


def _mark(result: Result) -> str:
    """Arrow and letter, so that neither colour nor one sign alone carries it."""
    return " ".join(filter(None, (arrow_of(result), mark_of(result))))


def _rows(result: Result, words: Words, before: History, usual: datetime | None) -> Iterator[Data]:
    label = one_line(result.label)
    if is_title(result):
        yield {"kind": "title", "text": label}
    elif len(value_of(result)) > _LONG:
        said = f"{value_of(result)} {one_line(result.unit)}".strip()
        yield {"kind": "long", "cells": [label, said, range_of(result), _mark(result)], "marked": bool(mark_of(result))}
    else:
        known = [earlier_cell(one) for one in before.of(result)]
        cells = [label, value_of(result), one_line(result.unit), range_of(result), _mark(result), *known]
        yield {"kind": "cells", "cells": cells, "marked": bool(mark_of(result))}
    if result.second is not None:
        second = result.second
        cells = ["", one_line(second.value), one_line(second.unit), range_of(second), "", *("" for _ in before.days)]
        yield {"kind": "more", "cells": cells, "marked": False}
    for note in notes_of(result, words, usual):
        yield {"kind": "note", "text": visible(note)}


def _legend(results: Sequence[Result], words: Words, before: History) -> list[str]:
    return [line for line in legend(results, words, before) if line]


def _blocks(lines: Sequence[str], titles: frozenset[str]) -> list[Data]:
    """Paragraphs, each in one hand: as the author's lines, or fixed-width where he set columns with blanks."""
    return [block for paragraph in _paragraphs(lines) for block in _block(paragraph, titles)]


def _block(paragraph: Sequence[str], titles: frozenset[str]) -> Iterator[Data]:
    if sum(1 for line in paragraph if _APART.search(line)) < _ALIGNED:
        yield {"fixed": False, "lines": [_line(line, titles) for line in paragraph]}
        return
    first = _line(paragraph[0], titles)
    headed = bool(first[2]) and len(paragraph) > 1
    if headed:
        yield {"fixed": False, "lines": [first]}
    below = paragraph[1:] if headed else paragraph
    yield {"fixed": True, "lines": [piece for line in below for piece in wrapped(line.expandtabs(8), _COLUMNS)]}


def _paragraphs(lines: Sequence[str]) -> Iterator[list[str]]:
    current: list[str] = []
    for line in lines:
        if line.strip():
            current.append(line.rstrip())
        elif current:
            yield current
            current = []
    if current:
        yield current


def _line(line: str, titles: frozenset[str]) -> list[object]:
    """Indent, words, and whether it is a heading."""
    bare = line.strip()
    heading = bare in titles or (is_heading(bare) and (bare.endswith(":") or ":" not in bare))
    return [min(len(line) - len(line.lstrip()), 24), bare, heading]
