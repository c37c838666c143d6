"""How an answer ended, as a value: taken, refused for good, or to be told again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The far side said yes; ``code`` is its own: AA, 204, file."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The far side will never take this one: telling it again is pointless, and the next one is not held up by it."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Not now; ``code`` says why, in a word that names no host."""

    code: str


Said = Taken | Declined | Again
