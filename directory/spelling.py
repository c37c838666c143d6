"""Words one typing mistake away, found by an index and without reading the others.

Two words are one letter apart (one missing, one too many, one wrong, two swapped) only if leaving out at most one
letter of each gives the same form. So the directory keeps, for each word, every form with one letter left out; a
search looks up the forms of what was typed (some ten look-ups of 10 µs) and keeps what is truly that near.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from zlib import crc32

from rapidfuzz.distance import OSA

from directory.shelf import Building

SHORTEST = 4
"""Shorter words are near to too many others."""
MOST = 40
"""Words that one search takes for what was typed, the likeliest first."""
_NUMBER_BITS = 24
_FORM_OF = "SELECT w.text FROM near n JOIN word w ON w.id = n.pair & 16777215 WHERE n.pair BETWEEN ? AND ?"


def words_of(folded: Iterable[str]) -> list[str]:
    """Of folded words those long enough to be mistyped, each once."""
    return sorted({word for word in folded if len(word) >= SHORTEST and word.isalpha()})


def pairs(words: list[str]) -> Iterator[tuple[int]]:
    """One row for each form of each word (numbered from 1), ascending."""
    import numpy as np  # noqa: PLC0415 (look-ups do not need it, and it takes 100 ms to load)

    found = np.fromiter(
        (form << _NUMBER_BITS | number for number, word in enumerate(words, start=1) for form in _forms(word)),
        dtype=np.int64,
    )
    found = np.unique(found)
    for begin in range(0, len(found), 65_536):
        yield from ((pair,) for pair in found[begin : begin + 65_536].tolist())


def near(typed: str, ask: Callable[[str, tuple[int, int]], list[tuple[str]]]) -> tuple[str, ...]:
    """The words of the directory that ``typed`` (folded) may stand for, itself first when there is such a word.

    ``ask`` runs a statement of the directory.
    """
    if len(typed) < SHORTEST or not typed.isalpha():
        return (typed,)
    known: dict[str, int] = {}
    for form in set(_forms(typed)):
        first = form << _NUMBER_BITS
        for (word,) in ask(_FORM_OF, (first, first + (1 << _NUMBER_BITS) - 1)):
            if word not in known:
                known[word] = OSA.distance(typed, word, score_cutoff=1)
    likely = sorted((word for word, distance in known.items() if distance <= 1), key=lambda word: (known[word], word))
    return tuple(likely[:MOST]) or (typed,)


def _forms(word: str) -> list[int]:
    """The word itself and each of its spellings with one letter left out, as 32-bit numbers; twice for a double one."""
    letters = word.encode()
    return [crc32(letters), *[crc32(letters[:place] + letters[place + 1 :]) for place in range(len(letters))]]


def add_words(building: Building, folded: Iterable[str]) -> None:
    """Let words of a new name be found by their near spellings."""
    for word in words_of(folded):
        if building.rows("SELECT 1 FROM {new}.word WHERE text = ?", word):
            continue
        number = int(building.rows("SELECT coalesce(max(id), 0) + 1 FROM {new}.word")[0][0])
        building.rows("INSERT INTO {new}.word VALUES (?,?)", number, word)
        for form in _forms(word):
            building.rows("INSERT INTO {new}.near VALUES (?) ON CONFLICT DO NOTHING", form << _NUMBER_BITS | number)
