"""Words one typing mistake away, found by an index and without reading the others.

Two words are one letter apart (one missing, one too many, one wrong, two swapped) only if leaving out at most one
letter of each gives the same form. So the directory keeps, for each word, every form with one letter left out; a
search looks up the forms of what was typed (some ten look-ups of 10 µs) and keeps what is truly that near.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from rapidfuzz.distance import OSA

from directory.shelf import Building

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHORTEST = 4
"""Shorter words are near to too many others."""
LONGEST = 64
"""Nobody is called so; to leave out each letter of a text that somebody pasted would take minutes."""
MOST = 40
"""Words that one search takes for what was typed, the likeliest first."""
_NUMBER_BITS = 24
_BASE = 0x9E3779B1
_FORM_OF = "SELECT w.text FROM near n JOIN word w ON w.id = n.pair & 16777215 WHERE n.pair BETWEEN ? AND ?"


def words_of(folded: Iterable[str]) -> list[str]:
    """Of folded words those that are kept one by one, to be found by how they begin or are mistyped; each once."""
    return sorted({word for word in folded if is_kept(word)})


def is_kept(word: str) -> bool:
    """Whether the table of words has it, if anybody is called so."""
    return SHORTEST <= len(word) <= LONGEST


def _may_be_mistyped(word: str) -> bool:
    return is_kept(word) and word.isalpha()


def pairs(words: list[str]) -> Iterator[tuple[int]]:
    """One row for each form of each word (numbered from 1), ascending."""
    import numpy as np  # noqa: PLC0415 (look-ups do not need it, and it takes 100 ms to load)

    numbers: dict[int, list[int]] = defaultdict(list)
    for number, word in enumerate(words, start=1):
        if _may_be_mistyped(word):
            numbers[len(word)].append(number)
    found = [_pairs_of(length, words, np.array(same)) for length, same in numbers.items()]
    ascending = np.sort(np.concatenate(found)) if found else np.empty(0, np.int64)
    # Not np.unique: it hashes first, which takes six times as long as the sorting.
    single = ascending[np.diff(ascending, prepend=-1) > 0]
    for begin in range(0, len(single), 65_536):
        yield from zip(single[begin : begin + 65_536].tolist())


def _pairs_of(length: int, words: list[str], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of all words of one length: a column a letter, and :func:`_form` of all lines at once."""
    import numpy as np  # noqa: PLC0415

    letters = "".join(words[number - 1] for number in numbers).encode()
    table = np.frombuffer(letters, np.uint8).reshape(-1, length).astype(np.uint32)
    powers = np.array([pow(_BASE, place, 1 << 32) for place in reversed(range(length))], np.uint32)
    forms = [table @ powers, *(np.delete(table, place, axis=1) @ powers[1:] for place in range(length))]
    return np.concatenate([form.astype(np.int64) << _NUMBER_BITS | numbers for form in forms])


def near(typed: str, ask: Callable[[str, tuple[int, int]], list[tuple[str]]]) -> tuple[str, ...]:
    """The words of the directory that ``typed`` (folded) may stand for, itself first when there is such a word.

    ``ask`` runs a statement of the directory.
    """
    if not _may_be_mistyped(typed):
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
    """The word itself and each of its spellings with one letter left out, as numbers; twice for a double one."""
    letters = word.encode()
    return [_form(letters), *[_form(letters[:place] + letters[place + 1 :]) for place in range(len(letters))]]


def _form(letters: bytes) -> int:
    """32 bits, made by sums and products alone so that a whole table of words can be done at once."""
    number = 0
    for letter in letters:
        number = (number * _BASE + letter) & 0xFFFFFFFF
    return number


def add_words(building: Building, folded: Iterable[str]) -> None:
    """Let words of a new name be found by their near spellings."""
    for word in words_of(folded):
        if building.rows("SELECT 1 FROM {new}.word WHERE text = ?", word):
            continue
        number = int(building.rows("SELECT coalesce(max(id), 0) + 1 FROM {new}.word")[0][0])
        building.rows("INSERT INTO {new}.word VALUES (?,?)", number, word)
        for form in _forms(word) if _may_be_mistyped(word) else ():
            building.rows("INSERT INTO {new}.near VALUES (?) ON CONFLICT DO NOTHING", form << _NUMBER_BITS | number)
