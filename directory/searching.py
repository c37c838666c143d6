"""What a person types, turned into terms: whole words first, then beginnings, then words one letter away.

Accents, hyphens, case and order do not matter. A name only ever gives a list for a person's eyes: nothing is resolved
by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from directory.fold import fold
from directory.shelf import Shelf, Term
from directory.spelling import is_kept, near

CONSIDERED = 400
"""Hits that a search ranks; beyond, the words are too common and a town is needed."""
_BEGINNING_SO = "SELECT text FROM word WHERE text >= ? AND text < ? ORDER BY text LIMIT ?"
_FEW = 50
"""Words asked for one by one; where more begin so, their lists are short, and are read as one."""
_AFTER_Z = "["
_LABELS = "SELECT code, words FROM label WHERE kind = ?"
_CORSICA = {"2A": ("200", "201"), "2B": ("202", "206")}
"""The beginnings of postcodes in departments that are no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A search: words of a name, narrowed by where and what. All of it as typed."""

    words: str = field(repr=False, default="")
    city: str = field(repr=False, default="")
    postcode: str = ""
    """Or its beginning: ``35`` is a department, ``2A`` too."""
    profession: str = ""
    """A code (``10``) or words of its label (``médecin``)."""
    skill: str = ""
    """A code (``SM26``) or words of its label (``médecine générale``)."""


def numbers(shelf: Shelf, wanted: Wanted, limit: int) -> list[int]:
    """At most ``limit`` numbers of persons (above zero) and organisations' mailboxes (below), the nearest first."""
    words, narrowed = fold(wanted.words).split(), _narrowed(shelf, wanted)
    if narrowed is None or not words:
        return []
    found: dict[int, str] = {}
    # Beginnings only when there is room left: MARTIN must not drown in MARTINEZ; mistakes only when nothing else fits.
    for terms in _passes(shelf, words):
        if terms and len(found) < limit:
            hits = sorted(shelf.words([*terms, *narrowed], CONSIDERED), key=_nearness)
            found |= {number: name for number, name in hits if number not in found}
    return list(found)[:limit] or _mistyped(shelf, words, narrowed, limit)


def _passes(shelf: Shelf, words: list[str]) -> Iterator[list[Term]]:
    """Whole words, words that begin so, and at last single letters that begin a word: a tenth of all names does."""
    shortest = min(map(len, words))
    for least in (math.inf, 2, 1)[: 3 if shortest == 1 else 2]:
        terms = [_beginning(shelf, word) if len(word) >= least else _whole(word) for word in words]
        yield terms if all(term.words for term in terms) else []


def _whole(word: str) -> Term:
    return Term(column="name", words=(word,))


def _beginning(shelf: Shelf, word: str) -> Term:
    """The words of the directory that begin so when they are few: each has its list ready, which none has for a piece.

    No words when nobody is called so.
    """
    if is_kept(word):
        known = shelf.rows(_BEGINNING_SO, (word, word + _AFTER_Z, _FEW + 1))
        if len(known) <= _FEW:
            return Term(column="name", words=tuple(text for (text,) in known))
    return Term(column="name", words=(word,), begins=True)


def _mistyped(shelf: Shelf, words: list[str], narrowed: list[Term], limit: int) -> list[int]:
    ask: Callable[[str, tuple[int, int]], list[tuple[str]]] = shelf.rows
    terms = [Term(column="name", words=near(word, ask)) for word in words]
    hits = sorted(shelf.words([*terms, *narrowed], CONSIDERED), key=_nearness)
    return [number for number, _ in hits][:limit]


def _nearness(hit: tuple[int, str]) -> tuple[int, str]:
    name = fold(hit[1])
    return name.count(" "), name


def _narrowed(shelf: Shelf, wanted: Wanted) -> list[Term] | None:
    """The terms beside the name; ``None`` when one of them can never be met."""
    terms = [Term(column="place", words=(word,)) for word in fold(wanted.city).split()]
    if postcode := fold(wanted.postcode).replace(" ", ""):
        terms.append(Term(column="place", words=_CORSICA.get(postcode, (postcode,)), begins=True))
    for kind, typed in (("profession", wanted.profession), ("skill", wanted.skill)):
        if typed:
            codes = _codes(shelf, kind, typed)
            if not codes:
                return None
            terms.append(Term(column=kind, words=codes))
    return terms


def _codes(shelf: Shelf, kind: str, typed: str) -> tuple[str, ...]:
    """The codes that ``typed`` is, or whose label holds words that begin so; some hundred labels are few.

    Of a code of several words the longest: one word is what both engines look for, and such codes are rare.
    """
    wanted, codes = fold(typed), list[str]()
    for code, label in shelf.rows(_LABELS, (kind,)):
        words = fold(label).split()
        if code and (fold(code) == wanted or all(any(w.startswith(each) for w in words) for each in wanted.split())):
            codes += sorted(fold(code).split(), key=len)[-1:]
    return tuple(codes)
