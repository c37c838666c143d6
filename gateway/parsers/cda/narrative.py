"""The words of a CDA body as plain text: section titles and narrative blocks in reading order (CDA R2 §4.3.5)."""

from __future__ import annotations

from itertools import islice
from typing import NoReturn

from lxml import etree

from gateway.document import Section
from gateway.errors import UnreadableDocument
from gateway.parsers.cda.elements import V3, attribute, child, children, words
from gateway.parsers.cda.tables import Cell, aligned
from gateway.parsers.kinds import COPY_SECTION
from gateway.parsers.remarks import error

_MAX_NESTING = 40
"""The walk below is recursive; no letter nests its lists and sections deeper."""

_MAX_ELEMENTS = 100_000

_SILENT = {"renderMultiMedia", "footnoteRef"}
_BLOCKS = {"paragraph", "table", "list", "item", "caption", "footnote", "tr"}


def sections_of(root: etree._Element) -> tuple[Section, ...]:
    """The titled sections in reading order, each with its own words; none for a document that is only a PDF.

    Raises ``UnreadableDocument`` when it nests deeper or holds more elements than any letter does.
    """
    found: list[Section] = []
    for component in children(child(root, "component", "structuredBody"), "component"):
        _sections(component, found, 0)
    return tuple(found)


def narrative(sections: tuple[Section, ...]) -> str:
    """All sections as one text, each under its title; the one around a file says nothing by its title alone."""
    told = (one for one in sections if one.text or one.code != COPY_SECTION)
    return "\n\n".join(filter(None, ("\n".join(filter(None, (one.title, one.text))) for one in told)))


def _sections(component: etree._Element, found: list[Section], depth: int) -> None:
    section = child(component, "section")
    if section is None:
        return
    if depth > _MAX_NESTING:
        _refuse(f"nests more than {_MAX_NESTING} sections")
    code, text = attribute(section, "code", "code"), _body(child(section, "text"))
    found.append(Section(title=words(section, "title"), code=code, text=text, level=depth))
    for inner in children(section, "component"):
        _sections(inner, found, depth + 1)


def _body(text: etree._Element | None) -> str:
    if text is None:
        return ""
    if sum(1 for _ in islice(text.iter(), _MAX_ELEMENTS + 1)) > _MAX_ELEMENTS:
        _refuse(f"has more than {_MAX_ELEMENTS} elements")
    return "\n".join(_lines(text, 0))


def _lines(element: etree._Element, depth: int) -> list[str]:
    """Lines of one narrative element; an empty result when nothing in it can be read."""
    lines: list[str] = []
    run: list[str] = []
    _walk(element, run, lines, depth)
    _close(run, lines)
    return lines


def _walk(element: etree._Element, run: list[str], lines: list[str], depth: int) -> None:
    """Add inline text to ``run`` and whole lines to ``lines``, in reading order."""
    if depth > _MAX_NESTING:
        _refuse(f"nests more than {_MAX_NESTING} levels deep")
    run.append(element.text or "")
    for part in element:
        tag = _tag(part)
        # Deleted text must not be read as if it still held (CDA R2 §4.3.5.1, content/@revised).
        if tag == "br":
            _close(run, lines)
        elif tag in _BLOCKS:
            _close(run, lines)
            lines.extend(_block(part, tag, depth + 1))
        elif tag not in _SILENT and part.get("revised") != "delete":
            _walk(part, run, lines, depth + 1)
        run.append(part.tail or "")


def _block(element: etree._Element, tag: str, depth: int) -> list[str]:
    if tag == "table":
        return [*_caption(element, depth), *aligned(_rows(element, depth))]
    if tag == "list":
        return [*_caption(element, depth), *_items(element, depth)]
    return _lines(element, depth)


def _caption(element: etree._Element, depth: int) -> list[str]:
    caption = child(element, "caption")
    return [] if caption is None else _lines(caption, depth)


def _items(element: etree._Element, depth: int) -> list[str]:
    ordered = element.get("listType") == "ordered"
    lines: list[str] = []
    for number, item in enumerate(children(element, "item"), start=1):
        mark = f"{number}. " if ordered else "- "
        inner = _lines(item, depth + 1)
        lines.extend(f"{mark if index == 0 else ' ' * len(mark)}{line}" for index, line in enumerate(inner))
    return lines


def _rows(table: etree._Element, depth: int) -> list[list[Cell]]:
    """Rows in reading order: head, bodies, then the foot, wherever it was written."""
    groups = {"thead": 0, "tfoot": 2}
    found = [part for part in table if _tag(part) in {"thead", "tbody", "tfoot", "tr"}]
    parts = sorted(found, key=lambda part: groups.get(_tag(part), 1))
    rows = [row for part in parts for row in ([part] if _tag(part) == "tr" else children(part, "tr"))]
    return [[_cell(cell, depth + 1) for cell in row if _tag(cell) in {"td", "th"}] for row in rows]


def _cell(cell: etree._Element, depth: int) -> Cell:
    return Cell(lines=tuple(_lines(cell, depth)), columns=_span(cell, "colspan"), rows=_span(cell, "rowspan"))


def _span(cell: etree._Element, name: str) -> int:
    text = cell.get(name, "1")
    return min(max(int(text), 1), 20) if text.isascii() and text.isdigit() and len(text) < 4 else 1


def _close(run: list[str], lines: list[str]) -> None:
    line = " ".join("".join(run).split())
    if line:
        lines.append(line)
    run.clear()


def _refuse(words_of_it: str) -> NoReturn:
    remark = error(
        "narrative-too-large", "structuredBody", f"CDA refused: its narrative {words_of_it}; send it as a PDF"
    )
    raise UnreadableDocument((remark,))


def _tag(element: etree._Element) -> str:
    tag = element.tag
    return tag.removeprefix(V3) if isinstance(tag, str) else ""
