"""``format=flowed``: soft line breaks of a mail client undone, so that a sentence is a line again (RFC 3676)."""

from __future__ import annotations

import re

_QUOTES = re.compile(r">*")
_SIGNATURE = "-- "


def unflowed(text: str, *, delsp: bool) -> str:
    """The paragraphs as they were written; quotation depth is kept, the signature mark is no soft break.

    ``delsp`` (RFC 3676 §4.4) takes the blank before a soft break away: languages without blanks.
    """
    paragraphs: list[list[str]] = []
    flowing: int | None = None
    for line in text.split("\n"):
        depth = len(_QUOTES.match(line)[0])  # type: ignore[index]  # the pattern matches anywhere
        words = line[depth:].removeprefix(" ")  # space-stuffing, §4.4
        soft = words.endswith(" ") and words != _SIGNATURE
        kept = words[:-1] if soft and delsp else words
        if flowing == depth and words != _SIGNATURE:
            paragraphs[-1].append(kept)
        else:
            paragraphs.append([f"{'>' * depth} {kept}" if depth else kept])
        flowing = depth if soft else None
    lines = map("".join, paragraphs)
    return "\n".join(line if line == _SIGNATURE else line.rstrip(" ") for line in lines)
