"""The sender's own codes become numbers through the table of their source, and through nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.correspondents import with_correspondents
from gateway.document import NamedAddressee, Role, Severity
from gateway.identifiers import Adeli, Rpps
from gateway.letter import ParsedLetter
from tests.unit.addressing.world import document, letter

TABLE = {"MED0001": "99900000011"}


def gp(**more: object) -> NamedAddressee:
    return NamedAddressee(role=Role.GP, place="line 12", local_code="MED0001", **more)  # type: ignore[arg-type]


def meant(parsed: ParsedLetter) -> list[str | None]:
    return [name.rpps for one in parsed.documents for name in one.addressees]


def test_a_known_code_becomes_its_number_and_a_note_says_so():
    parsed = with_correspondents(letter(document(gp(family="EXEMPLE"))), TABLE)
    assert meant(parsed) == ["99900000011"]
    (note,) = parsed.findings
    assert (note.severity, note.place, note.code) == (Severity.NOTE, "line 12", "correspondent")
    assert "MED0001" not in note.message
    assert parsed.documents[0].addressees[0].family == "EXEMPLE"


@pytest.mark.parametrize("table", [{}, {"MED0002": "99900000011"}, {"MED": "99900000011"}, {"MED0001": "12"}])
def test_an_unknown_code_or_a_value_that_is_no_rpps_leaves_the_letter_as_it_is(table: dict[str, str]):
    parsed = letter(document(gp()))
    assert with_correspondents(parsed, table) is parsed


def test_case_and_outer_blanks_of_a_code_do_not_count_and_leading_zeros_do():
    assert meant(with_correspondents(letter(document(gp())), {" med0001 ": "99900000011"})) == ["99900000011"]
    one = replace(gp(), local_code="1")
    assert meant(with_correspondents(letter(document(one)), {"01": "99900000011"})) == [None]


@pytest.mark.parametrize("own", [{"rpps": Rpps("99900000029")}, {"adeli": Adeli("759900004")}])
def test_the_number_that_the_letter_gives_wins(own: dict[str, object]):
    parsed = letter(document(gp(**own)))
    assert with_correspondents(parsed, TABLE) is parsed


def test_a_patient_is_nobodys_correspondent_and_no_code_is_no_key():
    patient = replace(gp(), role=Role.PATIENT)
    nobody = replace(gp(), local_code="")
    parsed = letter(document(patient, nobody))
    assert with_correspondents(parsed, {**TABLE, "": "99900000011"}) is parsed


def test_of_several_documents_and_addressees_only_the_known_ones_change():
    other = replace(gp(), local_code="MED0009", place="line 40")
    parsed = letter(document(gp(), other), document(other))
    told = with_correspondents(parsed, TABLE)
    assert meant(told) == ["99900000011", None, None]
    assert told.documents[1] is parsed.documents[1]
    assert len(told.findings) == 1
