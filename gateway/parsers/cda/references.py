"""What an entry refers to in its narrative: the words that ``reference/@value`` names, and the row they stand in."""

from __future__ import annotations

from lxml import etree

from gateway.parsers.cda.elements import V3, attribute, child, words

_ROWS = {V3 + name for name in ("tr", "item", "paragraph")}
_LONGEST = 2_000
"""A reference names a cell or a remark; a hostile one names megabytes, once for each result."""


class References:
    """The narrative elements that have an ``ID``, looked up by what refers to them."""

    def __init__(self, root: etree._Element) -> None:
        """All of one document are gathered once; the first of two with the same ID counts."""
        self._elements: dict[str, etree._Element] = {}
        self._words: dict[str, str] = {}
        for text in root.iter(V3 + "text"):
            for element in text.iter(etree.Element):
                if name := element.get("ID"):
                    self._elements.setdefault(name, element)

    def words(self, holder: etree._Element | None) -> str:
        """The words of ``holder`` (an originalText or text): its own, else those it refers to; empty when too many."""
        own = words(holder)
        if own or holder is None:
            return own if len(own) <= _LONGEST else ""
        name = self.name(holder)
        if name not in self._words:
            found = words(self._elements.get(name))
            self._words[name] = found if len(found) <= _LONGEST else ""
        return self._words[name]

    def row(self, holder: etree._Element | None) -> etree._Element | None:
        """The table row, list item or paragraph that holds what ``holder`` refers to."""
        element = self._elements.get(self.name(holder))
        while element is not None and element.tag not in _ROWS:
            element = element.getparent()
        return element

    @staticmethod
    def name(holder: etree._Element | None) -> str:
        """The ID that ``holder/reference`` names; empty for a reference out of the document."""
        value = attribute(child(holder, "reference"), "value")
        return value[1:] if value.startswith("#") else ""
