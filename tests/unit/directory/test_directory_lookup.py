"""Look-ups: by number, by mailbox, by structure, by words; every one by an index."""

from __future__ import annotations

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from directory import Directory, Told, add_entry, hits, import_files, national, whitelist, words_sqlite
from directory.fold import fold, fold_mailbox, is_mailbox, structure_number, town
from tests.unit.directory.synthetic import (
    ACTIVITY_HEADER,
    MAILBOX_HEADER,
    activity_line,
    activity_lines,
    family_of,
    given_of,
    mailbox_line,
    mailbox_lines,
    rpps_of,
    write,
)

LEA = "99900000002"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lookup")
    people = [
        mailbox_line("Lea.DUBREUIL-NOËL@mss.example", "8" + LEA, family="DUBREUIL-NOËL", given="Léa",
                     postcode="93200", town="SAINT-DENIS CEDEX 2", structure="1990000001", skill="SM26"),
        mailbox_line("noel@mss.example", "899900000003", family="NOEL", given="Jean Loup", town="RENNES"),
        mailbox_line("noelle@mss.example", "899900000004", family="NOELLE", given="Ada"),
        mailbox_line("cardio@mss.example", organisation="HÔPITAL D'EXEMPLE", service="Cardiologie",
                     structure="990000009", postcode="35000", town="RENNES"),
        mailbox_line("partage@mss.example", "899900000005"), mailbox_line("partage@mss.example", "899900000006"),
        mailbox_line("vieux@mss.example", "0759900001"),
    ]  # fmt: skip
    boxes = write(folder / "m.txt", iter([MAILBOX_HEADER, *people]))
    activities = write(folder / "a.txt", iter([ACTIVITY_HEADER, activity_line("899900000007", finess="990000009")]))
    import_files(folder, [boxes, activities])
    return folder


@pytest.fixture
def directory(folder):
    directory = Directory.open(folder)
    yield directory
    directory.close()


@pytest.mark.parametrize("text", ["a\0b@mss.example", "a\udc80b@mss.example"])
def test_what_no_database_can_hold_is_not_there(folder, text, tmp_path):
    """Octets of a letter come as they are: such a look-up has no answer, and ends no road."""
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied)
    add_entry(copied, LEA, "lea@mss.example")
    directory = Directory.open(copied)
    asked = (directory.by_mailbox, directory.by_rpps, directory.by_structure, directory.addresses, directory.search,
             directory.certificates, directory.openpgp_keys)  # fmt: skip
    assert [ask(text) for ask in asked] == [[]] * len(asked)
    assert directory.practitioner(text) is None
    assert directory.told(text) == Told()
    assert not directory.white_list.contains(text)
    assert not is_mailbox(text)
    directory.close()


def test_a_mailbox_is_found_whatever_its_case(directory):
    for address in (
        "lea.dubreuil-noël@MSS.example",
        "LEA.DUBREUIL-NOËL@mss.example",
        "lea.dubreuil-noe\u0308l@mss.example",
    ):
        (box,) = directory.by_mailbox(address)
        assert box.rpps == LEA


def test_a_mailbox_that_two_persons_share_names_both(directory):
    assert {box.rpps for box in directory.by_mailbox("partage@mss.example")} == {"99900000005", "99900000006"}


def test_an_adeli_number_and_an_idnps_are_found(directory):
    (box,) = directory.by_national_id("ADELI", "759900001")
    assert directory.by_national_id("IDNPS", "0759900001") == [box]
    assert box.rpps is None
    assert directory.by_national_id("IDNPS", "8" + LEA) == directory.by_rpps(LEA)


def test_an_unknown_number_or_mailbox_gives_nothing(directory):
    assert directory.by_rpps("99999999999") == []
    assert directory.by_mailbox("personne@mss.example") == []
    assert directory.practitioner("99999999999") is None
    assert directory.by_structure("") == []


def test_a_structure_is_found_with_and_without_its_type_digit(directory):
    assert [box.service for box in directory.by_structure("990000009")] == ["Cardiologie"]
    assert directory.by_structure("1990000009") == directory.by_structure("990000009")


def test_a_practitioner_without_mailbox_is_known_with_his_places(directory):
    person = directory.practitioner("99900000007")
    assert person.rpps == "99900000007"
    assert [office.structures for office in person.offices] == [("990000009",)]
    assert "SANSBOITE" not in repr(person)


def test_a_place_is_known_with_the_legal_entity_that_it_belongs_to(tmp_path):
    line = activity_line("8" + rpps_of(1), finess="990000009", entity="1990000001", technical="R1")
    import_files(tmp_path, [write(tmp_path / "a.txt", iter([ACTIVITY_HEADER, line]))])
    (office,) = Directory.open(tmp_path).practitioner(rpps_of(1)).offices
    assert (office.structures, office.entity) == (("990000009", "R1"), "990000001")


def test_a_domain_is_known_when_some_mailbox_is_in_it(directory):
    assert directory.knows_domain("MSS.example.")
    assert not directory.knows_domain("autre.example")


@pytest.mark.parametrize(
    "words", ["dubreuil noel lea", "Léa DUBREUIL-NOËL", "noel lea", "LEA-DUBREUIL", "dubr le", "  léa   "]
)
def test_a_search_ignores_accents_hyphens_order_and_endings(directory, words):
    assert LEA in [hit.rpps for hit in directory.search(words)]


def test_a_search_puts_the_whole_name_before_longer_ones(directory):
    names = [hit.name for hit in directory.search("noel")]
    assert names[-1].startswith("NOELLE")
    assert len(names) == 3


def test_a_search_is_narrowed_by_town(directory):
    assert [hit.rpps for hit in directory.search("noel", city="Saint Denis")] == [LEA]
    assert directory.search("noel", city="Lyon") == []


def test_an_organisation_is_found_by_its_name_and_service(directory):
    (hit,) = directory.search("hopital cardio", city="rennes")
    assert (hit.rpps, hit.mailboxes, hit.city) == (None, ("cardio@mss.example",), "RENNES")


@pytest.mark.parametrize("words", ["", '"', "' OR 1=1", "name:x", "*", "NEAR(", "a AND", "\x00", "é" * 10_000])
def test_any_words_are_only_words(directory, words):
    assert isinstance(directory.search(words), list)


def test_a_search_gives_no_more_than_asked(directory):
    assert len(directory.search("no", limit=1)) == 1


def test_codes_become_words(tmp_path):
    import_files(
        tmp_path, [write(tmp_path / "m.txt", mailbox_lines(50)), write(tmp_path / "a.txt", activity_lines(90))]
    )
    directory = Directory.open(tmp_path)
    hit = next(hit for hit in directory.search(f"{given_of(1)} {family_of(1)}") if hit.rpps == rpps_of(1))
    assert hit.profession == "Médecin"
    assert set(hit.skills) <= {"Médecine générale", "Médecine interne", "Cardiologie"}
    assert directory.label("skill", "??") == "??"


def test_a_missing_directory_answers_with_nothing(tmp_path):
    directory = Directory.open(tmp_path)
    assert directory.by_rpps(LEA) == []
    assert directory.search("noel") == []
    assert directory.status().files == ()
    assert not directory.white_list.loaded
    assert directory.told("a@b.example").forms is None


def test_the_directory_may_be_asked_from_several_threads(directory):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: directory.by_rpps(LEA), range(200)))
    assert all(answer == answers[0] for answer in answers)


def test_a_closed_directory_opens_again_by_itself(directory):
    directory.close()
    assert directory.by_rpps(LEA)


STATEMENTS = {
    "by number": (national.BY_OWNER, ("x",)),
    "by mailbox": (national.BY_ADDRESS, ("x",)),
    "by structure": (national.BY_STRUCTURE, ("x",)),
    "hits": (hits.PERSONS.format("?"), (1,)),
    "hits' boxes": (hits.BOXES.format("national_id", "?"), ("x",)),
    "organisations' boxes": (hits.BOXES.format("id", "?"), (1,)),
    "hits' offices": (hits.OFFICES.format("?"), ("x",)),
    "person": (national.PERSON, ("x",)),
    "offices": (national.OFFICES, ("x",)),
    "domain": (national.DOMAIN, ("x",)),
    "label": (national.LABEL, ("x", "y")),
    "words": (words_sqlite.FIND, ('name:"X"', 1)),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_look_up_goes_through_an_index(folder, name):
    # A column mapped wrongly once made a look-up 180 ms instead of 16 µs: no plan may scan a table.
    statement, values = STATEMENTS[name]
    database = sqlite3.connect(folder / "directory.db")
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    database.close()
    assert plan
    for step in plan:
        assert step.startswith("SEARCH") or "VIRTUAL TABLE INDEX" in step, plan


def test_the_same_check_sees_a_scan(folder):
    database = sqlite3.connect(folder / "directory.db")
    plan = [row[3] for row in database.execute("EXPLAIN QUERY PLAN SELECT * FROM mailbox WHERE service = 'x'")]
    database.close()
    assert plan[0].startswith("SCAN")


def test_white_list_look_ups_go_through_an_index(tmp_path):
    database = sqlite3.connect(tmp_path / "x.db")
    database.execute("CREATE TABLE domain (name TEXT NOT NULL, operator TEXT NOT NULL)")
    database.execute("CREATE INDEX domain_name ON domain (name, operator)")
    for statement in (whitelist.CONTAINS, whitelist.OPERATORS):
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", ("x",))]
        assert all(step.startswith("SEARCH") for step in plan)
    database.close()


# --- folding --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Léa-Noëlle", "LEA NOELLE"),
        ("L’Œuvre d'Ægir", "L OEUVRE D AEGIR"),
        ("  STRAßE ", "STRASSE"),
        ("", ""),
        ("ﬁn", "FIN"),
    ],
)
def test_names_fold_to_plain_capitals(text, folded):
    assert fold(text) == folded


def test_mailboxes_fold_to_lower_case_in_one_unicode_form():
    assert fold_mailbox(" Noe\u0308l@B.Example ") == "noël@b.example"


@pytest.mark.parametrize("address", ["a@b.example", "prénom.nom@cabinet.mssante.fr", "a+b@c-d.example"])
def test_mail_addresses_are_recognised(address):
    assert is_mailbox(address)


@pytest.mark.parametrize(
    "address", ["", "a", "@b.c", "a@", "a@b", "a@b..c", "a@.b", "a b@c.d", "a@b.c\r\n", "<a@b.c>", "a,b@c.d"]
)
def test_what_is_no_mail_address_is_seen(address):
    assert not is_mailbox(address)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1750803447", "750803447"), ("750803447", "750803447"), ("347976684200724", "47976684200724"),
     ("99999999900011", "99999999900011"), ("0b0078671", "0B0078671"), (" 99 ", "99")],
)  # fmt: skip
def test_structure_numbers_lose_their_type_digit(text, number):
    assert structure_number(text) == number


@pytest.mark.parametrize(
    ("line", "postcode", "name"),
    [
        ("75007 PARIS", "75007", "PARIS"),
        ("75007 PARIS CEDEX 07", "75007", "PARIS"),
        ("Lyon", "69003", "LYON"),
        ("", "", ""),
    ],
)
def test_the_town_is_the_last_postal_line_without_its_code(line, postcode, name):
    assert town(line, postcode) == name
