"""What people and places are found by, in SQLite: one FTS5 table, its words spelt as :func:`fold` spells them."""

from __future__ import annotations

from directory.database import Rows
from directory.fold import fold
from directory.shelf import Term, Texts

FIND = (
    "SELECT w.rowid, coalesce(p.family || ' ' || p.given, m.organisation || ' ' || m.service) FROM words w "
    "LEFT JOIN person p ON p.id = w.rowid LEFT JOIN mailbox m ON m.id = -w.rowid "
    "WHERE words MATCH ? AND (p.id IS NOT NULL OR m.id IS NOT NULL) LIMIT ?"
)
# Persons by their number, organisations' mailboxes by minus theirs. Beginnings of one and of two letters are kept
# ready: without them, "D" or "MA" followed by anything reads the lists of all names that begin so. Texts' lengths
# are not kept: only FTS5's own ranking asks for them.
_WORDS = (
    "CREATE VIRTUAL TABLE words USING fts5(name, place, profession, skill, content='', columnsize=0, detail='column', "
    "tokenize='unicode61 remove_diacritics 2', prefix='1 2')"
)
# So many octets of words are gathered before they are written: a third faster than with FTS5's own megabyte.
_GATHER = "INSERT INTO words (words, rank) VALUES ('hashsize', 67108864)"
TABLES = (_WORDS, _GATHER, "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'words', 'col')")
_PERSONS = "SELECT id, family || '|' || given, places, professions, skills FROM main.person"
_OFFICES = """SELECT -id, organisation || '|' || service, city || '|' || postcode, '', ''
    FROM main.mailbox WHERE kind IN ('ORG', 'APP')"""
_PUT = "INSERT INTO words (rowid, name, place, profession, skill) "
_TAKE = "INSERT INTO words (words, rowid, name, place, profession, skill) VALUES ('delete',?,?,?,?,?)"


def fill(rows: Rows) -> None:
    """Once persons and mailboxes are there; FTS5 writes a segment whenever a rowid is below the one before."""
    rows(f"{_PUT} {_OFFICES} ORDER BY id DESC")
    rows(f"{_PUT} {_PERSONS} ORDER BY id")
    _spell_out(rows)


def names(rows: Rows) -> list[str]:
    """Every word of a name, in capitals."""
    return [term.upper() for (term,) in rows("SELECT term FROM temp.vocabulary WHERE col = 'name'")]


def add(rows: Rows, number: int, texts: Texts) -> None:
    """Let a new number be found."""
    rows(f"{_PUT} VALUES (?,?,?,?,?)", number, texts.name, texts.place, texts.professions, texts.skills)


def match(term: Term) -> str:
    """In FTS5's own language; folded words hold nothing that means something there."""
    ending = "*" if term.begins else ""
    return "(" + " OR ".join(f'{term.column}:"{word}"{ending}' for word in term.words) + ")"


def _spell_out(rows: Rows) -> None:
    """Where FTS5 leaves a letter that :func:`fold` writes as others (``œ``, ``ß``, ``ł``), put the folded texts.

    FTS5 takes the accents off two million names in a third of the time of asking Python for each, so that Python is
    asked for those few alone. What is no letter and stands for some (``™``) separates words here.
    """
    terms = rows("SELECT DISTINCT term FROM temp.vocabulary")
    odd = [term for (term,) in terms if not term.isascii()]
    numbers = {number for term in odd for (number,) in rows("SELECT rowid FROM words WHERE words MATCH ?", f'"{term}"')}
    for number in sorted(numbers):
        ((_, *texts),) = rows(f"{_PERSONS} WHERE id = ?" if number > 0 else f"{_OFFICES} AND id = ?", abs(number))
        rows(_TAKE, number, *texts)
        rows(f"{_PUT} VALUES (?,?,?,?,?)", number, *map(_folded, texts))


def _folded(parts: str) -> str:
    """Each of the parts between bars by itself."""
    return " ".join(map(fold, parts.split("|")))
