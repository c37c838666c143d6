"""The HPRIM Médecin record that we write: header by position, block of results, characters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.compose.latin import Latin1
from gateway.document import Identifier, Measure, Result
from gateway.letter import Form


def record(opened) -> list[str]:
    return opened.file(".hpr").decode("iso-8859-1").split("\r\n")


@pytest.fixture
def written(compose):
    return lambda document: record(compose(document, forms=(Form.HPRIM_ATTACHED,)))


def test_the_twelve_lines_say_who_when_from_and_to(written, discharge):
    assert written(discharge)[:13] == [
        "IPP0004711",
        "TESTINI",
        "Amélie",
        "12 RUE DES ESSAIS",
        "",
        "99999 VILLE-ESSAI",
        "14/02/1978",
        "",
        "26H0000815",
        "13/01/2026",
        ".          Médecine A",
        ".          camille.exemple",
        "",
    ]


def test_the_ins_is_never_written_as_a_social_security_number(written, discharge, patient):
    assert written(discharge)[7] == "", "line 8 has no authority and no status: it would prove nothing"
    stated = Identifier(value="2 78 02 99 999 123 10", type="NIR")
    given = replace(discharge, patient=replace(patient, identifiers=(*patient.identifiers, stated)))
    assert written(given)[7] == "278029999912310"


def test_two_long_patient_numbers_that_start_alike_do_not_share_a_file(written, discharge, patient):
    codes = set()
    for number in ("12345678901", "12345678902"):
        one = replace(patient, identifiers=(Identifier(value=number, type="PI"),))
        lines = written(replace(discharge, patient=one))
        codes.add(lines[0])
        assert any(number in line for line in lines[12:]), "the true number is in the text"
    assert len(codes) == 2
    assert all(len(code) == 10 for code in codes)


def test_line_one_is_never_blank(written, discharge, patient):
    assert written(replace(discharge, patient=replace(patient, identifiers=())))[0] == "."


def test_results_have_fourteen_fields_and_everything_else_a_tex_line(written, lab):
    lines = written(lab)
    block = lines[lines.index("****LAB****") + 1 :]
    assert block == [
        "TEX|HEMATOLOGIE",
        "RES|Hémoglobine|HB|N|11.4|g/dL|12.0|16.0|L|F||||",
        "RES|Potassium|K|N|6.8|mmol/L|3.5|5.1|HH|F||||",
        "RES|Sodium|NA|N|150|mmol/L|136|145||F||||",
        "RES|CRP|CRP|A|< 5.0|mg/L||5.0|N|F||||",
        "RES|Aspect du sérum||A|Limpide|||||F||||",
        "TEX|Contrôle conseillé ¦ à distance.",
        "TEX",
        "****FIN****",
        "****FINFICHIER****",
        "",
    ]


def test_the_second_unit_keeps_its_four_fields(written, lab):
    second = Measure(value="5.05", unit="mmol/L", low="4.11", high="5.88")
    result = Result(
        label="Glycémie", code="GLYC", value="0.91", unit="g/L", low="0.74", high="1.06", numeric=True, second=second
    )
    assert "RES|Glycémie|GLYC|N|0.91|g/L|0.74|1.06|||5.05|mmol/L|4.11|5.88" in written(replace(lab, results=(result,)))


def test_a_withdrawn_result_has_no_res_line_and_an_unknown_status_is_not_final(written, lab):
    gone = replace(lab.results[1], status="D")
    odd = replace(lab.results[2], status="Z")
    lines = written(replace(lab, results=(gone, odd)))
    assert [line for line in lines if line.startswith("RES")] == ["RES|Potassium|K|N|6.8|mmol/L|3.5|5.1|HH|R||||"]
    assert "TEX|Hémoglobine : résultat annulé (statut D)" in lines


def test_a_flag_that_hprim_does_not_know_is_said_in_words(written, lab):
    lines = written(replace(lab, results=(replace(lab.results[1], flag="AA"),)))
    assert "RES|Hémoglobine|HB|N|11.4|g/dL|12.0|16.0||F||||" in lines
    assert "TEX|Hémoglobine : indicateur AA" in lines
    assert "; indicateur AA « Hémoglobine »" in " ".join(" ".join(lines).split())


def test_a_long_text_result_is_whole_on_tex_lines(written, lab):
    value = "Escherichia coli, " * 20
    lines = written(replace(lab, results=(Result(label="ECBU", value=value, status="F"),)))
    assert "RES|ECBU||A|voir texte|||||F||||" in lines
    tex = " ".join(line[4:] for line in lines if line.startswith("TEX|"))
    assert " ".join(tex.split()) == value.strip()


def test_a_letter_without_results_has_no_block(written, discharge):
    assert "****LAB****" not in written(discharge)


def test_a_line_that_looks_like_a_tag_cannot_end_the_record(written, discharge):
    lines = written(replace(discharge, text="avant\n****FIN****\n ＊＊＊＊FINFICHIER＊＊＊＊ \naprès\nRES|a|b\n"))
    assert lines.count("****FIN****") == 1
    assert lines.count("****FINFICHIER****") == 1
    assert lines.index("après") < lines.index("****FIN****")
    assert "** FIN **" in lines
    assert "RES/a|b" in lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("l’œil ≤ 5 € – 10 µg", "l'oeil <= 5 EUR - 10 µg"),
        ("α-fœtoprotéine 10⁹/L, H₂O", "alpha-foetoprotéine 10^9/L, H2O"),
        ("e\u0301te\u0301", "été"),
        ("Łódź Ÿ", "?ódz Y"),
        ("1\u202f000\u00a0g", "1 000 g"),
    ],
)
def test_characters_are_spelled_rather_than_lost(text, shown):
    assert Latin1()(text) == shown


def test_what_cannot_be_spelled_is_remembered():
    spell = Latin1()
    assert spell("漢字 ok") == "?? ok"
    assert spell.lost == {"漢", "字"}
