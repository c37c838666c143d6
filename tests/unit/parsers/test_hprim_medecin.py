"""HPRIM Médecin: what the twelve lines, the text and the results become, and what is never guessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.document import Finding, Reading
from gateway.parsers.hprim import read_hprim_medecin
from gateway.parsers.split import split_by_patient

HEADER = (
    "IPP1", "TESTINI", "AMELIE", "1 RUE", "", "99999 VILLE", "14/02/1978", "278029999912310", "26D1", "12/01/2026",
    "LABESSAI   labo.essai", "MED0001    camille.exemple",
)  # fmt: skip
END = ("****FIN****", "****FINFICHIER****")


def file(*body: str, header: tuple[str, ...] = HEADER, end: tuple[str, ...] = END, line_end: str = "\r\n") -> bytes:
    return line_end.join((*header, *body, *end, "")).encode("latin-1")


def changed(**lines: str) -> tuple[str, ...]:
    """The header with ``line_7="…"`` instead of its own."""
    header = list(HEADER)
    for name, text in lines.items():
        header[int(name.removeprefix("line_")) - 1] = text
    return tuple(header)


def codes(reading: Reading, severity: str = "error") -> list[str]:
    return [finding.code for finding in reading.findings if finding.severity == severity]


def lab(*lines: str) -> Reading:
    return read_hprim_medecin(file("", "Texte", "****LAB****", *lines))


def test_the_twelve_lines_become_the_patient_the_sender_and_the_addressee() -> None:
    document = read_hprim_medecin(file("", "Cher confrère,", "bonne nouvelle.")).documents[0]
    assert document.patient
    assert (document.patient.family, document.patient.given) == ("TESTINI", "AMELIE")
    assert document.patient.birth_date == "1978-02-14"
    assert document.patient.address == ("1 RUE", "99999 VILLE")
    assert document.patient.sex is None
    assert document.stay
    assert document.stay.file_number == "26D1"
    assert document.written_at == datetime(2026, 1, 11, 23, 0, tzinfo=UTC)
    assert document.author
    assert document.author.organisation == "labo.essai"
    assert document.text == "Cher confrère,\nbonne nouvelle."


def test_line_12_is_never_a_key_of_the_directory() -> None:
    addressee = read_hprim_medecin(file("", "x")).documents[0].addressees[0]
    assert addressee.local_code == "MED0001"
    assert addressee.rpps is None
    assert addressee.mailbox is None
    assert addressee.place == "line 12"


def test_line_8_is_a_nir_and_never_an_ins() -> None:
    identifiers = read_hprim_medecin(file("x")).documents[0].patient.identifiers  # type: ignore[union-attr]
    assert [(number.type, number.value, number.qualified) for number in identifiers] == [
        ("PI", "IPP1", False),
        ("NIR", "278029999912310", False),
    ]


@pytest.mark.parametrize(
    ("line", "number", "code"),
    [
        ("2780299999123 10", "278029999912310", None),
        ("2780299999123", "2780299999123", "nir-without-key"),
        ("278029999912311", "278029999912311", "nir-key"),
        ("1550799999456", "1550799999456", "nir-without-key"),
        ("155072A99945661", "155072A99945661", "nir-key"),
        ("pas de NIR", None, "nir-form"),
        (".", None, None),
    ],
)
def test_a_social_security_number_is_taken_as_it_is_with_its_defects_told(
    line: str, number: str | None, code: str | None
) -> None:
    reading = read_hprim_medecin(file("x", header=changed(line_8=line)))
    assert reading.accepted
    found = [identifier.value for identifier in reading.documents[0].patient.identifiers if identifier.type == "NIR"]  # type: ignore[union-attr]
    assert found == ([number] if number else [])
    assert {finding.code for finding in reading.findings} == ({code} if code else set())


@pytest.mark.parametrize(
    ("line", "read", "remark"),
    [
        ("14/02/1978", "1978-02-14", ""),
        ("1978-02-14", "1978-02-14", "birth-date-iso"),
        ("1 JAN 1911", "1911-01-01", "birth-date-words"),
        ("3 févr. 1960", "1960-02-03", "birth-date-words"),
        ("14/02/78", "14/02/78", "birth-date-two-digit-year"),
        ("00/00/1950", "00/00/1950", "birth-date-fictive"),
        ("15/23/1950", "15/23/1950", "birth-date-fictive"),
        ("30/02/1950", "30/02/1950", "birth-date-fictive"),
    ],
)
def test_a_birth_date_is_iso_or_text_and_never_a_guess(line: str, read: str, remark: str) -> None:
    reading = read_hprim_medecin(file("x", header=changed(line_7=line)))
    assert reading.accepted
    assert reading.documents[0].patient.birth_date == read  # type: ignore[union-attr]
    assert {finding.code for finding in reading.findings} == ({remark} if remark else set())


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ({"line_7": "31/02/1978"}, "birth-date-unreadable"),
        ({"line_7": "demain"}, "birth-date-unreadable"),
        ({"line_7": "45/01/1978"}, "birth-date-unreadable"),
        ({"line_7": ""}, "hprim-header-incomplete"),
        ({"line_2": "."}, "hprim-header-incomplete"),
        ({"line_2": "12345"}, "hprim-header-incomplete"),
        ({"line_3": ""}, "hprim-header-incomplete"),
        ({"line_4": "A" * 130}, "hprim-header-wide"),
        ({"line_1": "A" * 301}, "hprim-header-wide"),
    ],
)
def test_a_header_that_does_not_identify_the_patient_is_refused(lines: dict[str, str], code: str) -> None:
    reading = read_hprim_medecin(file("x", header=changed(**lines)))
    assert codes(reading) == [code]
    assert reading.documents == ()


def test_a_header_that_lost_its_first_line_goes_to_a_human() -> None:
    reading = read_hprim_medecin(file("x", "y", header=HEADER[1:]))
    assert "hprim-header-shifted" in codes(reading)


def test_a_fixed_width_envelope_on_line_1_is_no_patient_code() -> None:
    reading = read_hprim_medecin(
        file("x", header=changed(line_1="SOLABIO".ljust(40) + "MED1".ljust(40) + "X".ljust(185)))
    )
    assert codes(reading, "warning") == ["hprim-line-1"]
    assert {number.type for number in reading.documents[0].patient.identifiers} == {"NIR"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "code", "name"),
    [
        ("MARTPA     MARTIN PAUL", "MARTPA", "MARTIN PAUL"),
        ("labo.fake Institut factice de biologie", "labo.fake", "Institut factice de biologie"),
        ("         C LabFake", "C", "LabFake"),
        ("            LabFake", "", "LabFake"),
        (".          camille.exemple", "", "camille.exemple"),
        (".", "", ""),
    ],
)
def test_sender_and_recipient_lines_are_read_tolerantly(line: str, code: str, name: str) -> None:
    document = read_hprim_medecin(file("x", header=changed(line_12=line))).documents[0]
    found = [(addressee.local_code, addressee.family) for addressee in document.addressees]
    assert found == ([(code, name)] if code or name else [])


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
def test_every_line_end_gives_the_same_letter(line_end: str) -> None:
    content = file("", "Un", "Deux", line_end=line_end)
    document = read_hprim_medecin(content).documents[0]
    assert document.text == "Un\nDeux"
    assert document.original.content == content


@pytest.mark.parametrize(
    ("charset", "bom", "name"),
    [
        ("latin-1", b"", "iso-8859-1"),
        ("utf-8", b"", "utf-8"),
        ("utf-8", b"\xef\xbb\xbf", "utf-8"),
        ("cp850", b"", "ibm850"),
        ("mac-roman", b"", "macintosh"),
        ("utf-16-le", b"\xff\xfe", "utf-16le"),
        ("utf-16-be", b"\xfe\xff", "utf-16be"),
    ],
)
def test_the_charset_is_told_from_the_bytes(charset: str, bom: bytes, name: str) -> None:
    content = bom + file("", "Opérée à l'hôpital, très fatiguée : ça va").decode("latin-1").encode(charset)
    reading = read_hprim_medecin(content)
    assert reading.charset == name
    assert reading.findings == ()
    assert reading.documents[0].text == "Opérée à l'hôpital, très fatiguée : ça va"
    assert reading.documents[0].original.content == content


def test_typographic_quotes_of_windows_are_read_as_cp1252() -> None:
    content = file("", "L@hôpital : 12 $").replace(b"@", b"\x92").replace(b"$", b"\x80")
    reading = read_hprim_medecin(content)
    assert reading.charset == "windows-1252"
    assert reading.documents[0].text == "L’hôpital : 12 €"


@pytest.mark.parametrize("damaged", ["HÈmoglobine traitÈ", "HÃ©moglobine", "HÌ©moglobine"])
def test_mojibake_is_flagged_and_never_repaired(damaged: str) -> None:
    content = "\r\n".join((*HEADER, "", damaged, *END, "")).encode("utf-8")
    reading = read_hprim_medecin(content)
    assert codes(reading, "warning") == ["mojibake"]
    assert reading.documents[0].text == damaged


def test_damaged_accents_that_happen_to_be_utf_8_are_flagged_too() -> None:
    reading = read_hprim_medecin(file("", "HÌ©moglobine"))
    assert reading.charset == "utf-8"
    assert codes(reading, "warning") == ["mojibake"]


@pytest.mark.parametrize("right", ["MÈRE", "Ève", "SÉROLOGIE TRÈS NETTE", "PÂQUES", "Île-de-France", "ÀNÊË"])
def test_correct_upper_case_french_is_not_mojibake(right: str) -> None:
    assert read_hprim_medecin(file("", right)).findings == ()


def test_a_control_character_is_refused_with_its_byte() -> None:
    content = file("", "a\x00b")
    reading = read_hprim_medecin(content)
    assert codes(reading) == ["control-character"]
    assert reading.findings[0].place == f"byte {content.index(0)}"


def test_a_dos_end_of_file_mark_is_harmless() -> None:
    assert read_hprim_medecin(file("", "x") + b"\x1a").accepted


def two(second: tuple[str, ...] = (), between: tuple[str, ...] = (), end: tuple[str, ...] = END) -> bytes:
    other = ("IPP2", "FICTIF", "JEAN", "", "", "", "05/07/1955", "", "26D2", "", "", "")
    return file("", "Premier", "****FIN****", *between, *other, "", "Second", *second, end=end)


@pytest.mark.parametrize("between", [(), ("",), ("", "")])
def test_several_patients_are_split_and_no_byte_is_shared(between: tuple[str, ...]) -> None:
    content = two(between=between)
    documents = read_hprim_medecin(content).documents
    assert [document.patient.family for document in documents] == ["TESTINI", "FICTIF"]  # type: ignore[union-attr]
    assert b"FICTIF" not in documents[0].original.content
    assert b"TESTINI" not in documents[1].original.content
    assert documents[1].original.content.endswith(b"****FIN****\r\n****FINFICHIER****\r\n")
    assert [document.text for document in documents] == ["Premier", "Second"]


def test_the_second_patients_potassium_is_never_under_the_first(vectors: Path) -> None:
    reading = read_hprim_medecin((vectors / "hprim" / "hprim_medecin_two_patients.hpr").read_bytes())
    first, second = reading.documents
    assert "Potassium" not in {result.label for result in first.results}
    assert [(result.label, result.value) for result in second.results] == [("Potassium", "5.6")]
    assert [len(group) for group in split_by_patient(reading)] == [1, 1]


def test_a_second_record_that_cannot_be_read_refuses_the_whole_file() -> None:
    broken = two().replace(b"05/07/1955", b"potassium!")
    reading = read_hprim_medecin(broken)
    assert codes(reading) == ["hprim-record-unreadable"]
    assert reading.documents == ()


def test_a_second_record_cut_before_its_end_refuses_the_whole_file() -> None:
    reading = read_hprim_medecin(two(end=()))
    assert codes(reading) == ["hprim-truncated"]


def test_text_behind_several_patients_belongs_to_nobody_and_is_refused() -> None:
    reading = read_hprim_medecin(two(end=("****FIN****", "Potassium 5,6", "****FINFICHIER****")))
    assert codes(reading) == ["hprim-text-behind-end"]


@pytest.mark.parametrize(
    "end",
    [("****FIN****", "Dr X", "****FINFICHIER****"), ("****FIN****", "****FINFICHIER****", "", "Dr X")],
)
def test_text_behind_the_end_of_one_patients_file_is_kept(end: tuple[str, ...]) -> None:
    reading = read_hprim_medecin(file("", "Lettre", end=end))
    assert codes(reading, "warning") == ["hprim-text-behind-end"]
    assert reading.documents[0].text == "Lettre\n\nDr X"


@pytest.mark.parametrize(
    ("body", "end", "severity", "code"),
    [
        (("", "x"), ("****FIN****",), "warning", "hprim-no-finfichier"),
        (("", "x"), ("****FINFICHIER****",), "warning", "hprim-no-fin"),
        (("", "****LAB****", "RES|K|K|N|4"), ("****FINFICHIER****",), "error", "hprim-tags-order"),
        (("", "****LAB****", "RES|K|K|N|4"), (), "error", "hprim-truncated"),
        (("", "x"), ("****FINFICHIER****", "****FIN****"), "error", "hprim-tags-order"),
        (("", "****LAB****", "****LAB****", "RES|K|K|N|4"), END, "error", "hprim-tags-order"),
        (("", "x"), ("****FIN****", "****LAB****", "RES|K|K|N|4", *END), "error", "hprim-record-unreadable"),
    ],
)
def test_missing_and_misplaced_tags(body: tuple[str, ...], end: tuple[str, ...], severity: str, code: str) -> None:
    reading = read_hprim_medecin(file(*body, end=end))
    assert code in codes(reading, severity)
    assert reading.accepted is (severity == "warning")


@pytest.mark.parametrize("tag", [" ****FIN**** ", "***FIN***", "\t****FIN***"])
def test_blanks_and_a_missing_asterisk_do_not_hide_a_tag(tag: str) -> None:
    assert read_hprim_medecin(file("", "x", end=(tag, "****FINFICHIER****"))).accepted


def test_fourteen_fields_of_a_result_with_its_second_unit() -> None:
    result = lab("RES|Glycémie|GLYC|N|0.91|g/L|0.74|1.06|N|F|5.05|mmol/L|4.11|5.88").documents[0].results[0]
    assert (result.label, result.code, result.value, result.unit) == ("Glycémie", "GLYC", "0.91", "g/L")
    assert (result.low, result.high, result.flag, result.status, result.numeric) == ("0.74", "1.06", "N", "F", True)
    assert result.second
    assert (result.second.value, result.second.unit, result.second.low, result.second.high) == (
        "5.05",
        "mmol/L",
        "4.11",
        "5.88",
    )


@pytest.mark.parametrize(
    ("line", "comparator", "value", "unit"),
    [
        ("RES|CRP|CRP|A|< 5.0|mg/L", "<", "5.0", "mg/L"),
        ("RES|CRP|CRP|A|    < 0.12  mg/l |", "<", "0.12", "mg/l"),
        ("RES|DFG|DFG|N|>90|mL/min", ">", "90", "mL/min"),
        ("RES|X|X|A|≤ 3,5|g", "<=", "3.5", "g"),
        ("RES|X|X|A|< 5.0 mg/L|g/L", None, "< 5.0 mg/L", "g/L"),
        ("RES|X|X|A|positif < 5|", None, "positif < 5", ""),
    ],
)
def test_a_comparator_is_taken_apart_only_when_the_whole_text_says_so(
    line: str, comparator: str | None, value: str, unit: str
) -> None:
    content = "\r\n".join((*HEADER, "", "****LAB****", line, *END, "")).encode("utf-8")
    result = read_hprim_medecin(content).documents[0].results[0]
    assert (result.comparator, result.value, result.unit) == (comparator, value, unit)


def test_a_result_line_of_any_length_is_read_and_never_invented() -> None:
    full = ["RES", "K", "K", "N", "4.1", "mmol/L", "3.5", "5.1", "N", "F", "4.1", "mmol/L", "3.5", "5.1"]
    for length in range(1, 15):
        reading = lab("|".join(full[:length]))
        assert reading.accepted
        expected = 1 if length > 1 else 0
        assert len(reading.documents[0].results) == expected
        assert [result.value for result in reading.documents[0].results] == (
            [full[4]] if length > 4 else [""] * expected
        )


def test_a_point_that_may_separate_thousands_is_shown_and_not_taken_as_a_number() -> None:
    reading = lab("RES|Plaquettes|PLA|N|224.000|/mm3|150.000|400.000|N|F")
    assert codes(reading, "warning") == ["thousands-or-decimals"]
    result = reading.documents[0].results[0]
    assert (result.value, result.numeric) == ("224.000", False)


def test_the_decimal_comma_becomes_a_point_and_the_source_stays_in_the_finding() -> None:
    reading = lab("RES|Hb|HB|N|12,9|g/dL|13,0|18,0|L|F")
    assert reading.documents[0].results[0].value == "12.9"
    assert [(finding.place, finding.detail) for finding in reading.findings] == [
        ("RES line 16 field 5", "12,9"), ("RES line 16 field 7", "13,0"), ("RES line 16 field 8", "18,0"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "code"), [("F", None), ("C", None), ("R", "result-not-validated"), ("P", "result-status")]
)
def test_a_result_that_is_not_final_is_told(status: str, code: str | None) -> None:
    reading = lab(f"RES|TSH|TSH|N|0.10|mUI/L|0.27|4.20|LL|{status}")
    assert codes(reading, "warning") == ([code] if code else [])
    assert reading.documents[0].results[0].status == status


def test_an_asterisk_of_the_sender_is_kept_as_a_flag_only_where_there_is_none() -> None:
    reading = lab("RES|GB|GB|N|*5.27*|G/L|4,00|10,00|N|F", "RES|K|K|N|5.6*|mmol/L")
    assert [(result.value, result.flag) for result in reading.documents[0].results] == [("5.27", "N"), ("5.6", "*")]


def test_a_text_line_of_the_block_that_the_text_does_not_have_is_not_lost() -> None:
    content = file(
        "",
        "HEMATOLOGIE",
        "Hb 11",
        "****LAB****",
        "TEX|HEMATOLOGIE",
        "RES|Hb|HB|N|11",
        "TEX",
        "TEX|Hb 11",
        "TEX|A contrôler",
    )
    results = read_hprim_medecin(content).documents[0].results
    assert [result.label for result in results] == ["HEMATOLOGIE", "Hb", "A contrôler"]


def test_html_left_by_a_laboratory_is_read_as_what_it_shows() -> None:
    reading = read_hprim_medecin(file("", "Glyc&eacute;mie<br />normale &lt; 1 &#039;x&#039;", "taux <5 et a&b"))
    assert reading.documents[0].text == "Glycémie\nnormale < 1 'x'\ntaux <5 et a&b"


ODD: tuple[Callable[[], bytes], ...] = (
    lambda: b"",
    lambda: b"\r\n" * 40,
    lambda: b"****FIN****",
    lambda: b"****FINFICHIER****\r\n",
)


@pytest.mark.parametrize("make", ODD)
def test_a_file_with_nothing_in_it_is_refused_with_a_reason(make: Callable[[], bytes]) -> None:
    reading = read_hprim_medecin(make())
    assert not reading.accepted
    assert any(isinstance(finding, Finding) and finding.severity == "error" for finding in reading.findings)
