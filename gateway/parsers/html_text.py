"""HTML mail made plain: the words and the line breaks, never the scripts, never a picture from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_SILENT = frozenset({"script", "style", "head", "title", "template"})
_BLOCKS = frozenset(
    {"p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr"}
)
_CELLS = frozenset({"td", "th"})


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.silent += tag in _SILENT
        if tag == "br" or tag in _BLOCKS:
            self.words.append("\n")
        elif tag in _CELLS:
            self.words.append("\t")

    def handle_endtag(self, tag: str) -> None:
        self.silent = max(0, self.silent - (tag in _SILENT))
        if tag in _BLOCKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.words.append(re.sub(r"\s+", " ", data))


def plain(html: str) -> str:
    """The text of an HTML part. Never raises; an unclosed ``script`` or ``style`` cannot swallow the letter."""
    parser = _Plain()
    try:
        parser.feed(html)
        parser.close()
        words = "".join(parser.words)
    except (AssertionError, ValueError, RecursionError):  # html.parser on broken declarations
        words = ""
    text = _tidy(words)
    return text or _tidy(re.sub(r"<[^<>]*>", " ", html))


def _tidy(text: str) -> str:
    lines = [re.sub(r" *\t *", "\t", re.sub(r" {2,}", " ", line)).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
