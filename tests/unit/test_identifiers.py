"""Text becomes a number of the field in one place each: by its form; its key is asked apart, never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identifiers import (
    REAL_INS,
    TEST_INS,
    Adeli,
    Rpps,
    adeli,
    finess,
    idnps,
    ins,
    ins_is_right,
    ins_key,
    luhn_is_right,
    rpps,
    siret,
    structure,
    structure_key_is_right,
)

INS = "279035121518989"
"""The national test patient, key right (ANS)."""
REAL, TRIAL = min(REAL_INS), min(TEST_INS)


@pytest.mark.parametrize(
    ("read", "text", "number"),
    [
        (rpps, "01234567897", "01234567897"),
        (rpps, " 801234567897 ", "01234567897"),
        (rpps, "0123456789", None),
        (rpps, "0123456789A", None),
        (adeli, "759900001", "759900001"),
        (adeli, "0759900001", "759900001"),
        (adeli, "2a9900001", "2A9900001"),
        (adeli, "2C9900001", None),
        (finess, "750712184", "750712184"),
        (finess, "1750712184", "750712184"),
        (finess, " 2a0000014 ", "2A0000014"),
        (finess, "2B0000012", "2B0000012"),
        (finess, "0B0078671", "0B0078671"),
        (finess, "2G0000014", None),
        (finess, "75071218", None),
        (siret, "732 829 320 00074", "73282932000074"),
        (siret, "373282932000074", "73282932000074"),
        (siret, "7328293200007A", None),
        (structure, "750712184", "750712184"),
        (structure, "73282932000074", "73282932000074"),
        (structure, "UF6268", None),
    ],
)
def test_a_number_is_known_by_its_form_with_or_without_the_digit_that_tells_its_kind(read, text, number):
    assert read(text) == number


@pytest.mark.parametrize(
    ("number", "told"),
    [(Rpps("01234567897"), "801234567897"), (Adeli("759900001"), "0759900001"), (Adeli("2A9900001"), "02A9900001")],
)
def test_a_professionals_national_number_begins_with_its_kind_and_is_read_again(number, told):
    assert idnps(number) == told
    assert number in {rpps(told), adeli(told)}


@pytest.mark.parametrize(
    ("number", "right"),
    [
        (finess("750712184"), True),
        (finess("750712185"), False),
        (finess("2A0000014"), None),
        (siret("73282932000074"), True),
        (siret("73282932000075"), False),
        (siret("35600000049837"), True),
    ],
)
def test_the_key_of_a_place_is_asked_apart_and_unknown_where_nobody_publishes_it(number, right):
    """The last one is La Poste's, whose branches have a key of their own (python-stdnum)."""
    assert structure_key_is_right(number) is right


def test_the_key_of_an_rpps_is_its_luhn_digit():
    assert luhn_is_right("01234567897")
    assert not luhn_is_right("01234567898")
    assert not luhn_is_right("2A")


@pytest.mark.parametrize("matricule", ["2790351215189", "1850720A00123", "123", "27903512151890"])
def test_only_thirteen_characters_of_a_matricule_have_a_key(matricule):
    assert (ins_key(matricule) is not None) is (matricule == "2790351215189")


@given(st.integers(0, 10**13 - 1))
def test_the_key_of_a_matricule_is_97_minus_its_rest(number):
    text = f"{number:013}"
    key = 97 - number % 97
    assert ins_key(text) == key
    assert ins_is_right(f"{text}{key:02}")
    assert not ins_is_right(f"{text}{key % 97 + 1:02}")


@pytest.mark.parametrize(("corsica", "digits"), [("2A", "19"), ("2B", "18"), ("2b", "18")])
def test_corsica_counts_as_its_old_department(corsica, digits):
    assert ins_key(f"18507{corsica}001123") == ins_key(f"18507{digits}001123")


def test_corsica_stands_where_the_department_does_and_nowhere_else():
    assert ins_key("1850719002A23") is None


@pytest.mark.parametrize("oid", sorted(REAL_INS | TEST_INS))
def test_an_ins_knows_its_world_and_its_key(oid):
    found = ins(f" {INS} ", oid)
    assert found is not None
    assert (found.number, found.is_real, found.key_is_right) == (INS, oid in REAL_INS, True)
    assert INS not in repr(found)


def test_an_ins_whose_key_is_wrong_is_one_all_the_same():
    """Numbers printed in the official specifications fail (mssante.md §5.2)."""
    found = ins("276037510669380", TRIAL)
    assert found is not None
    assert not found.key_is_right


@pytest.mark.parametrize(
    ("number", "oid"), [(INS, "1.2.250.1.213.1.4.2"), (INS, ""), (INS[:13], REAL), ("0411886319605719371016", REAL)]
)
def test_what_has_another_oid_or_another_form_is_no_ins(number, oid):
    assert ins(number, oid) is None
