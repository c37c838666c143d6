"""Distinguished names (RFC 4514), as far as this flat tree has them: an entry, right below the base."""

from __future__ import annotations

import re

Rdn = frozenset[tuple[str, str]]
"""Attribute and value of one level, both folded."""

_ESCAPED = re.compile(r'[",+;<>\\=#]')
_PIECE = re.compile(r"\\[0-9A-Fa-f]{2}(?:\\[0-9A-Fa-f]{2})*|\\.|[^\\]", re.DOTALL)
_LONGEST = 1000


class BadName(ValueError):
    """No distinguished name."""


def escaped(value: str) -> str:
    """A value as it stands in a name (RFC 4514 §2.4)."""
    text = _ESCAPED.sub(r"\\\g<0>", value).replace("\0", r"\00")
    if value.startswith(" "):
        text = "\\" + text
    return text[:-1] + "\\ " if len(value) > 1 and value.endswith(" ") else text


def parse_name(text: str) -> tuple[Rdn, ...]:
    """The levels, lowest first; raises :class:`BadName`. The empty name has none."""
    if len(text) > _LONGEST:
        raise BadName("too long")
    if not text.strip():
        return ()
    return tuple(frozenset(_pair(part) for part in _split(level, "+")) for level in _split(text, ",;"))


def _split(text: str, at: str) -> list[str]:
    """Cut at characters that no backslash precedes."""
    parts, current = [], ""
    for piece in _PIECE.findall(text):
        if piece in at:
            parts.append(current)
            current = ""
        else:
            current += piece
    return [*parts, current]


def _pair(text: str) -> tuple[str, str]:
    kind, equals, value = text.partition("=")
    if not equals or not kind.strip() or "\\" in kind:
        raise BadName("no attribute and value")
    pieces = _PIECE.findall(value)
    while pieces and pieces[0] == " ":
        pieces = pieces[1:]
    while pieces and pieces[-1] == " ":
        pieces = pieces[:-1]
    try:
        plain = "".join(map(_plain, pieces))
    except UnicodeDecodeError as error:
        raise BadName("no UTF-8") from error
    return kind.strip().lower(), plain.casefold()


def _plain(piece: str) -> str:
    if not piece.startswith("\\"):
        return piece
    digits = piece.replace("\\", "")
    is_hex = len(piece) > 2 and len(piece) % 3 == 0
    return bytes.fromhex(digits).decode() if is_hex else piece[1:]
