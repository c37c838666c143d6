"""A search that reads every name: slow, and too obvious to be wrong."""

from __future__ import annotations

from random import Random

from rapidfuzz.distance import OSA

from directory.fold import fold

SYLLABLES = ("MAR", "MART", "TIN", "JE", "JEAN", "NE", "D", "LÉ", "Œ", "2", "ROUX")


def some_names(count: int, draw: Random) -> list[tuple[str, str]]:
    """Family and given names that begin alike, are near to each other, and some of one letter."""

    def word() -> str:
        return "".join(draw.choices(SYLLABLES, k=draw.randint(1, 3)))

    return [(f"{word()}-{word()}" if draw.random() < 0.3 else word(), word()) for _ in range(count)]


def some_words(names: list[tuple[str, str]], draw: Random) -> str:
    """What somebody types: pieces of one name or of two, some letters wrong."""
    typed = [fold(part) for name in draw.sample(names, draw.randint(1, 2)) for part in name if draw.random() < 0.7]
    cut = [word[: draw.randint(1, len(word))] if draw.random() < 0.4 else word for word in " ".join(typed).split()]
    return " ".join(word.replace("A", "U", 1) if draw.random() < 0.2 else word for word in cut)


def found_by_reading(names: list[tuple[str, str]], typed: str) -> set[int]:
    """The places of the names that a search with room for all of them must show."""
    words = fold(typed).split()
    whole = [set(fold(" ".join(name)).split()) for name in names]
    if not words:
        return set()
    found = {place for place, name in enumerate(whole) if all(_begins(name, word) for word in words)}
    return found or {place for place, name in enumerate(whole) if all(_near(name, word) for word in words)}


def _begins(name: set[str], word: str) -> bool:
    return any(one.startswith(word) for one in name)


def _near(name: set[str], word: str) -> bool:
    if len(word) < 4 or not word.isalpha():
        return word in name
    return any(OSA.distance(word, one) <= 1 for one in name if len(one) >= 4 and one.isalpha())
