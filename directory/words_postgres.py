"""What people and places are found by, in PostgreSQL: a tsvector each, looked up by a GIN index.

Each lexeme begins with a letter that says what it is: weights instead would be looked up in every row that an index
finds. Short beginnings of names are lexemes of their own: a beginning otherwise reads the lists of all words with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from directory.database import Rows
from directory.fold import fold
from directory.packing import copy_lines
from directory.shelf import Term, Texts

FIND = (
    "SELECT w.id, coalesce(p.family || ' ' || p.given, m.organisation || ' ' || m.service) FROM words w "
    "LEFT JOIN person p ON p.id = w.id LEFT JOIN mailbox m ON m.id = -w.id "
    "WHERE w.terms @@ ?::tsquery AND (p.id IS NOT NULL OR m.id IS NOT NULL) LIMIT ?"
)
TABLE = "CREATE TABLE {new}.words (id INTEGER NOT NULL, terms tsvector NOT NULL)"
INDEXES = ("ALTER TABLE {new}.words ADD PRIMARY KEY (id)", "CREATE INDEX words_terms ON {new}.words USING gin (terms)")
PUT = "INSERT INTO {new}.words VALUES (?, ?::tsvector)"
_PERSONS = """SELECT id, family || '|' || given, places, professions, skills
    FROM {new}.person WHERE id > ? ORDER BY id LIMIT ?"""
_OFFICES = """SELECT -id, organisation || '|' || service, city || '|' || postcode, '', ''
    FROM {new}.mailbox WHERE id > ? AND kind IN ('ORG', 'APP') ORDER BY id LIMIT ?"""
_TOGETHER = 20_000
_MARK = {"name": "n", "place": "p", "profession": "f", "skill": "s"}
_BEGINNING = {"name": "b", "place": "d"}
_BEGINNINGS = {"name": (1, 2, 3, 4), "place": (2, 3)}
"""Of a name as much as somebody types before he waits for an answer; of a postcode the department."""
_LONGEST = 255
"""Octets of a word that count; PostgreSQL refuses lexemes of more than 2,046."""


def fill(rows: Rows, put: Callable[[Iterator[bytes]], None]) -> set[str]:
    """Once persons and mailboxes are there: hands COPY's lines to ``put``; every word of a name."""
    names = set[str]()
    for source in (_PERSONS, _OFFICES):
        last = 0
        while found := rows(source, last, _TOGETHER):
            put(iter([copy_lines((number, _lexemes(*columns)) for number, *columns in found)]))
            names.update(part for _, name, *_ in found for part in name.split("|"))
            last = abs(found[-1][0])
    return {word for name in names for word in fold(name).split()}


def lexemes(texts: Texts) -> str:
    """As PostgreSQL reads a tsvector."""
    return _lexemes(texts.name, texts.place, texts.professions, texts.skills)


def _lexemes(*columns: str) -> str:
    """Each column is some parts with a bar between them: names and towns come back again and again."""
    parts = zip(_MARK, columns, strict=True)
    return " ".join([_of_part(kind, part) for kind, column in parts for part in column.split("|")])


@lru_cache(maxsize=262_144)
def _of_part(column: str, part: str) -> str:
    words = fold(part).split()
    found = {_MARK[column] + word[:_LONGEST] for word in words}
    for length in _BEGINNINGS.get(column, ()):
        found.update(_BEGINNING[column] + word[:length] for word in words if _has_its_list(column, word[:length]))
    return " ".join(found)


def match(term: Term) -> str:
    """As PostgreSQL reads a tsquery; folded words hold nothing that means something there."""
    return "(" + " | ".join(_lexeme(term, word) for word in term.words) + ")"


def _lexeme(term: Term, word: str) -> str:
    if term.begins and _has_its_list(term.column, word):
        return _BEGINNING[term.column] + word
    return f"{_MARK[term.column]}{word[:_LONGEST]}{':*' if term.begins else ''}"


def _has_its_list(column: str, beginning: str) -> bool:
    """Of the places only what a postcode begins with."""
    return len(beginning) in _BEGINNINGS.get(column, ()) and (column == "name" or beginning.isdigit())
