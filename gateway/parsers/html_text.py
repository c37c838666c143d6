"""HTML mail made plain: the words and the line breaks, never the scripts, never a picture from elsewhere.

``html.parser`` takes minutes over 300 KB of ``<a <a <a``; so tags are stepped over here, each in bounded time.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_SILENT = frozenset({"script", "style", "head", "title", "template"})
_BLOCKS = frozenset(
    {"br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr"}
)
_CELLS = frozenset({"td", "th"})
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]{0,20})(?=[\s/>])")
_LONGEST_TAG = 20_000
"""What is longer is no tag: it is shown rather than lost."""


def plain(source: str) -> str:
    """The text of an HTML part. Never raises; an unclosed ``script`` or comment cannot swallow the letter."""
    return _tidy("".join(_Words(source)))


class _Words:
    """The source walked once; a mark that was not found behind some place is not searched again."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lower = source.lower() if len(source.lower()) == len(source) else source
        self.missing: set[str] = set()

    def __iter__(self) -> Iterator[str]:
        position = 0
        while (opening := self.source.find("<", position)) >= 0:
            yield _text(self.source[position:opening])
            position, shown = self._step(opening)
            yield shown
        yield _text(self.source[position:])

    def _step(self, opening: int) -> tuple[int, str]:
        """Where the text goes on behind a tag or comment, and what it shows; a lone ``<`` shows itself."""
        if self.source.startswith("<!--", opening):
            return self._behind("-->", opening + 4), ""
        tag = _TAG.match(self.source, opening)
        declared = self.source[opening + 1 : opening + 2] in {"!", "?"}
        end = self.source.find(">", opening, opening + _LONGEST_TAG) if tag or declared else -1
        if end < 0:
            return opening + 1, "<"
        name = tag[1].lower() if tag else ""
        if name in _SILENT and self.source[opening + 1] != "/":
            return self._behind(f"</{name}>", end + 1), ""
        return end + 1, "\n" if name in _BLOCKS else "\t" if tag and tag[0][1] != "/" and name in _CELLS else ""

    def _behind(self, mark: str, start: int) -> int:
        """Behind the next ``mark``, or ``start`` itself when there is none."""
        found = -1 if mark in self.missing else self.lower.find(mark, start)
        if found < 0:
            self.missing.add(mark)
            return start
        return found + len(mark)


def _text(piece: str) -> str:
    return re.sub(r"[ \t\r\n\f\v]+", " ", html.unescape(piece))


def _tidy(text: str) -> str:
    lines = [re.sub(r" *\t *", "\t", re.sub(r" {2,}", " ", line)).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
