"""Where the national files are kept, as the import and the look-ups see it: SQLite's file, or PostgreSQL's schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from directory.database import Row
from directory.packing import Packing


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One condition of a search: one of ``words`` must stand in a column."""

    column: str
    """``name``, ``place`` (towns and postcodes), ``profession`` or ``skill`` (codes)."""
    words: tuple[str, ...] = field(repr=False)
    """Folded: capitals and digits only."""
    begins: bool = False
    """Whether a word that only begins so counts too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What one person or organisation is found by; all folded, professions and skills as codes."""

    name: str = field(repr=False)
    place: str = ""
    professions: str = ""
    skills: str = ""


KNOWN_ROWS = "SELECT kind, rows FROM {}file"
"""Of each national file, in every version of the tables; what stands before the table's name is to be put in."""


class Building(Protocol):
    """A directory being built where no reader sees it. Statements name its tables ``{new}.x``, the present ``{old}.x``.

    Whatever was not published is gone afterwards.
    """

    @property
    def packing(self) -> Packing:
        """How :meth:`put` wants its rows."""
        ...

    @property
    def compared(self) -> bool:
        """Whether there is a present directory to compare with, once :meth:`attach` was called."""
        ...

    def attach(self) -> None:
        """From here on ``{old}`` is the present directory, if there is one that can be compared."""
        ...

    def of_another_version(self) -> dict[str, int]:
        """How many rows each national file had in a directory that another version made and that cannot be compared."""
        ...

    def rows(self, statement: str, *values: object) -> list[Row]:
        """Run one statement with ``?`` for values; all its rows."""
        ...

    def put(self, table: str, packed: Iterator[bytes]) -> None:
        """Put every row of a file into a new table, packed as :attr:`packing` says, the fastest way there is."""
        ...

    def insert(self, table: str, columns: int, rows: Iterator[Sequence[object]]) -> None:
        """Put rows that were made here into a new table."""
        ...

    def index(self) -> None:
        """Once the rows are there: the indexes of the rows."""
        ...

    def persons(self) -> None:
        """Once the rows are indexed: one line a person, the words to search by, the counts."""
        ...

    def add_words(self, number: int, texts: Texts) -> None:
        """Let a new number be found: a person's, or minus an organisation's mailbox; never one used before."""
        ...

    def publish(self) -> None:
        """Durable and seen by readers from here on, whole."""
        ...


class Shelf(Protocol):
    """The national files of one installation. Safe for several threads."""

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows of one SELECT with ``?`` for values; none while there is no directory."""
        ...

    def words(self, terms: Sequence[Term], limit: int) -> list[Row]:
        """Those whom all ``terms`` find: number and name; a number below zero is an organisation's mailbox."""
        ...

    def building(self) -> AbstractContextManager[Building]:
        """A new directory; raises DirectoryError ``busy`` while another one is being built."""
        ...

    def amending(self) -> AbstractContextManager[Building]:
        """The present directory, to change some rows of (``{new}``); seen by readers once published, whole.

        Raises DirectoryError ``busy``, ``no-directory``, ``schema``.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...
