"""Both engines find whom a search that reads every name finds."""

from __future__ import annotations

from random import Random

import pytest

from directory import Wanted, import_into
from directory.searching import numbers
from directory.shelf_postgres import PostgresShelf
from directory.shelf_sqlite import SqliteShelf
from tests.peers.postgresql import running_postgresql
from tests.unit.directory.reading_all import found_by_reading, some_names, some_words
from tests.unit.directory.synthetic import MAILBOX_HEADER, mailbox_line, write

NAMES = some_names(300, Random(7))  # noqa: S311 (no secret)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    lines = [
        mailbox_line(f"x{place}@mss.example", f"8{99900000000 + place}", family=family, given=given)
        for place, (family, given) in enumerate(NAMES)
    ]
    return write(tmp_path_factory.mktemp("names") / "m.txt", iter([MAILBOX_HEADER, *lines]))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shelf(request, file, tmp_path_factory):
    if request.param == "sqlite":
        shelf = SqliteShelf(tmp_path_factory.mktemp("sqlite"))
        import_into(shelf, [file])
        yield shelf
        shelf.close()
        return
    with running_postgresql() as running:
        there = PostgresShelf(running.replace("+psycopg", ""))
        import_into(there, [file])
        yield there
        there.close()


def found(shelf, typed):
    persons = dict(shelf.rows("SELECT id, national_id FROM person"))
    return {int(persons[number][1:]) - 99900000000 for number in numbers(shelf, Wanted(words=typed), len(NAMES))}


@pytest.mark.parametrize("seed", range(8))
def test_a_search_finds_whom_reading_every_name_finds(shelf, seed):
    draw = Random(seed)  # noqa: S311 (no secret)
    for typed in [some_words(NAMES, draw) for _ in range(40)]:
        assert found(shelf, typed) == found_by_reading(NAMES, typed), typed


def test_control_reading_finds_by_a_beginning_by_a_letter_and_by_a_mistake():
    names = [("MARTIN", "Léa"), ("MARTINEZ", "Jean"), ("DUROUX", "Ada")]
    assert found_by_reading(names, "mart") == {0, 1}
    assert found_by_reading(names, "martin j") == {1}
    assert found_by_reading(names, "daroux") == {2}
    assert found_by_reading(names, "durxx") == set()
