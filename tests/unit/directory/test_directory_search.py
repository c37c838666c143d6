"""What a person types is found: whatever accents, order, hyphens, one letter wrong; narrowed by where and what."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA
from typer.testing import CliRunner

from commands.directory import app
from directory import Absence, Directory, Wanted, add_absence, import_files, words_sqlite
from directory.database import Aside
from directory.fold import fold
from directory.shelf_sqlite import SqliteBuilding
from directory.spelling import near
from directory.tables import TABLES
from tests.unit.directory.country import Country, activity_lines, mailbox_lines
from tests.unit.directory.synthetic import MAILBOX_HEADER, mailbox_line, write

COUNTRY = Country(1500)
LEA, ADA = "99900000002", "99900000004"


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    """A whole small country."""
    folder = tmp_path_factory.mktemp("country")
    import_files(folder, [write(folder / "m.txt", mailbox_lines(COUNTRY, 600)),
                          write(folder / "a.txt", activity_lines(COUNTRY, 1700))])  # fmt: skip
    return Directory.open(folder)


@pytest.fixture
def few(tmp_path):
    lines = [
        mailbox_line("lea@mss.example", "8" + LEA, family="DUBREUIL-NOËL", given="Léa", skill="SM26",
                     postcode="20090", town="AJACCIO"),
        mailbox_line("ada@mss.example", "8" + ADA, family="NOELLE", given="Ada", postcode="35000", town="RENNES"),
        mailbox_line("n@mss.example", "899900000009", family="NOËL", given="Léa", postcode="35700", town="RENNES"),
        mailbox_line("x@mss.example", "0759900001", family="LÔ", given="Bao", postcode="20600", town="BASTIA"),
    ]  # fmt: skip
    import_files(tmp_path, [write(tmp_path / "m.txt", iter([MAILBOX_HEADER, *lines]))])
    return tmp_path


def rpps(hits):
    return [hit.rpps for hit in hits]


@pytest.mark.parametrize(
    "words", ["dubruil lea", "dubreuill", "dubrueil", "dubreuik noel", "Dubréuil-Noêll", "duberuil"]
)
def test_one_letter_missing_too_many_wrong_or_swapped_is_forgiven(few, words):
    assert rpps(Directory.open(few).search(words)) == [LEA]


@pytest.mark.parametrize("words", ["dubril", "dupruik", "dbruil lea", "xoel lea dubreuil x"])
def test_two_are_not(few, words):
    assert Directory.open(few).search(words) == []


def test_what_is_spelt_right_is_never_drowned_by_what_is_near(few):
    # NOELL begins NOELLE and is one letter from NOEL: only what begins so is shown.
    assert rpps(Directory.open(few).search("noell")) == [ADA]


@pytest.mark.parametrize("typed", ["CEX-22", "examen"])
def test_a_code_with_a_hyphen_narrows_too(tmp_path, typed):
    line = mailbox_line("lea@mss.example", "8" + LEA, family="DUBREUIL", skill="CEX-22").split("|")
    place = MAILBOX_HEADER.split("|").index("Libellé savoir-faire")
    lines = ["|".join([*line[:place], "Examen", *line[place + 1 :]])]
    import_files(tmp_path, [write(tmp_path / "m.txt", iter([MAILBOX_HEADER, *lines]))])
    assert rpps(Directory.open(tmp_path).find(Wanted(words="dubreuil", skill=typed))) == [LEA]


@pytest.mark.parametrize(
    ("narrowed", "found"),
    [
        ({"postcode": "20090"}, [LEA]),
        ({"postcode": "20"}, [LEA]),
        ({"postcode": "2A"}, [LEA]),
        ({"postcode": "2b"}, []),
        ({"city": "ajaccio"}, [LEA]),
        ({"city": "Ajaccio", "skill": "SM26"}, [LEA]),
        ({"skill": "sm26"}, [LEA]),
        ({"profession": "médecin"}, [LEA]),
        ({"profession": "MEDEC"}, [LEA]),
        ({"profession": "10"}, [LEA]),
        ({"profession": "infirmier"}, []),
        ({"skill": "cardio"}, []),
        ({"postcode": "'; DROP"}, []),
    ],
)
def test_a_search_is_narrowed_by_town_postcode_profession_and_speciality(few, narrowed, found):
    assert rpps(Directory.open(few).find(Wanted(words="dubreuil", **narrowed))) == found


def test_everybody_of_a_country_is_found_by_name_and_nobody_else_is_shown(country):
    for number in range(0, COUNTRY.persons, 17):
        person = COUNTRY.person(number)
        words = f"{person.given} {person.family}"
        hits = country.find(Wanted(words=words), limit=200)
        assert person.rpps in rpps(hits)
        wanted = set(fold(words).split())
        for hit in hits:
            assert all(any(each.startswith(word) for each in fold(hit.name).split()) for word in wanted)


def test_everybody_is_found_with_a_letter_missing_and_where_he_works(country):
    for number in range(0, COUNTRY.persons, 61):
        person, place = COUNTRY.person(number), COUNTRY.where(number)
        longest = max(fold(person.family).split(), key=len)
        hits = country.find(Wanted(words=longest[:-1] + longest[-1] * 2, postcode=place.postcode), limit=200)
        assert person.rpps in rpps(hits)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.text("ABDEILNORU", min_size=3, max_size=9))
def test_near_words_are_those_that_reading_all_of_them_finds(country, typed):
    all_of_them = [word for (word,) in country._national.rows("SELECT text FROM word")]
    slowly = {word for word in all_of_them if OSA.distance(typed, word) <= 1}
    found = set(near(typed, country._national._shelf.rows))
    assert found == (slowly if slowly and len(typed) > 3 else {typed})


def test_near_spellings_go_through_an_index(few):
    database = sqlite3.connect(few / "directory.db")
    plan = [row[3] for row in database.execute(
        "EXPLAIN QUERY PLAN SELECT w.text FROM near n JOIN word w ON w.id = n.pair & 16777215 "
        "WHERE n.pair BETWEEN ? AND ?", (1, 2))]  # fmt: skip
    database.close()
    assert all(step.startswith("SEARCH") for step in plan)


# --- as it is typed ------------------------------------------------------------------------------------------------


@pytest.fixture
def run(few, tmp_path, monkeypatch):
    (tmp_path / "huitaine.toml").write_text(f'[gateway]\nmode = "test"\ndata = "{few}"\n')
    monkeypatch.setenv("HUITAINE_CONFIG", str(tmp_path / "huitaine.toml"))
    monkeypatch.setenv("HUITAINE_LANG", "en")
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, ["search", *words])


def test_a_hit_tells_mailboxes_keys_and_absence(run, few):
    add_absence(few, Absence(rpps=LEA, starts_at=datetime(2020, 1, 1, tzinfo=UTC),
                             ends_at=datetime(2099, 1, 1, tzinfo=UTC), substitute=ADA))  # fmt: skip
    (hit,) = json.loads(run("dubruil", "--postcode", "2A", "--format", "json").stdout)
    assert (hit["rpps"], hit["mailboxes"], hit["keys"], hit["substitute"]) == (LEA, "lea@mss.example", 0, ADA)
    assert hit["absent_until"].startswith("2099")
    shown = run("dubreuil").stdout
    assert "lea@mss.example" in shown
    assert "directory of 0 days ago" in shown


def test_a_list_that_was_cut_says_so(run):
    assert "only the first 1" in run("noel", "--limit", "1").stderr
    assert run("noel", "--city", "ajaccio").stderr == ""


# --- the words of the index -----------------------------------------------------------------------------------------


PIECES = ["d'É", "O'Brien", "MA\0É", "Æ", "œu", "a.b/c", "É_2", "-", " ", "|", "ß", "e\u0301", "Łódź", "ø", "²", "ŒÉ"]


def indexed_words(texts):
    """Of an index as the import makes it, one person a text."""
    database = sqlite3.connect(":memory:")
    rows = SqliteBuilding(Aside(database, Path(), Path(), 0), Path()).rows
    for statement in (*TABLES, *words_sqlite.TABLES):
        rows(statement)
    for number, text in enumerate(texts, start=1):
        rows("INSERT INTO person VALUES (?,?,'',?,'','','','','')", number, str(number), text)
    words_sqlite.fill(rows)
    rows("CREATE VIRTUAL TABLE temp.instance USING fts5vocab('main', 'words', 'instance')")
    found = rows("SELECT doc, upper(term) FROM temp.instance")
    database.close()
    return [{term for doc, term in found if doc == number} for number in range(1, len(texts) + 1)]


@given(st.lists(st.lists(st.sampled_from(PIECES)).map("".join), min_size=1, max_size=4))
@settings(max_examples=200)
def test_the_words_of_the_index_are_those_that_fold_makes(texts):
    assert indexed_words(texts) == [set(fold(text).split()) for text in texts]
