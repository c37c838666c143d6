"""Every HPRIM sample is taken, or refused for a reason that can be defended; the table says which."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.parsers.read import read

TAKEN = {
    "hprim_medecin_lab.hpr": set(),
    "hprim_medecin_letter.hpr": set(),
    "hprim_medecin_two_patients.hpr": set(),
    "hprim_sante_oru_2_4.hpr": {"sante-file-elsewhere", "rpps-key"},
    "cr_only_latin1.hpr": set(),
    "dob_iso.hpr": {"birth-date-iso"},
    "dob_two_digit_year.hpr": {"birth-date-two-digit-year"},
    "dot_placeholders.hpr": set(),
    "exam_date_blank.hpr": {"hprim-no-date"},
    "lf_only_cp1252.hpr": set(),
    "mojibake_latin1_read_as_macroman_utf8.hpr": {"mojibake"},
    "mojibake_utf8_read_as_latin1_then_macroman.hpr": {"mojibake"},
    "nir_13_only.hpr": {"nir-without-key"},
    "nir_spaced_key.hpr": set(),
    "no_finfichier.hpr": {"hprim-no-finfichier"},
    "res_lines_odd.hpr": {
        "decimal-comma", "html-in-text", "lab-line-unknown", "normals-one-field", "res-empty", "result-status",
        "thousands-or-decimals", "value-highlighted", "value-long",
    },
    "sante_other_separators.hpr": set(),
    "utf8_bom.hpr": set(),
}  # fmt: skip

REFUSED = {
    # 31 February is neither a day nor one of the forms a card shows for an unknown birthday: a slip in an identity.
    "dob_impossible.hpr": "birth-date-unreadable",
    # No name, no birth date, no addressee: an identity is not invented for three lines of text.
    "no_header_plain_mail.txt": "text-alone",
    # The report is a file that the message only names: there would be nothing to read in the letter.
    "sante_obx_without_obr_fic.hpr": "order-empty",
    # An error report for the sender of a message, not results for a doctor.
    "hprim_sante_err_2_4.hpr": "sante-not-results",
}


def _files(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted((folder / "hprim").rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", TAKEN)
def test_the_sample_is_taken_with_exactly_these_remarks(vectors: Path, name: str) -> None:
    reading = read(_files(vectors)[name].read_bytes(), name=name)
    assert reading.accepted
    assert {finding.code for finding in reading.findings} == TAKEN[name]


@pytest.mark.parametrize("name", REFUSED)
def test_the_sample_is_refused_for_this_reason_alone(vectors: Path, name: str) -> None:
    reading = read(_files(vectors)[name].read_bytes(), name=name)
    assert not reading.accepted
    assert not reading.documents
    assert [finding.code for finding in reading.findings if finding.severity == "error"] == [REFUSED[name]]


def test_the_table_names_every_sample_here_and_beside_the_checkout(vectors: Path, samples: Path) -> None:
    assert set(_files(samples)) == TAKEN.keys() | REFUSED.keys()
    assert all(_files(vectors)[name].read_bytes() == path.read_bytes() for name, path in _files(samples).items())


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_a_file_about_one_patient_keeps_its_bytes(vectors: Path, name: str) -> None:
    content = _files(vectors)[name].read_bytes()
    documents = read(content, name=name).documents
    if name != "hprim_medecin_two_patients.hpr":
        assert [document.original.content for document in documents] == [content]
    else:
        assert b"".join(document.original.content for document in documents) == content


@pytest.mark.parametrize("name", sorted({name for name in TAKEN if "sante" not in name} - {"hprim_medecin_letter.hpr"}))
def test_no_finding_message_quotes_the_patient(vectors: Path, name: str) -> None:
    reading = read(_files(vectors)[name].read_bytes(), name=name)
    said = " ".join(f"{finding.place} {finding.message} {finding!r}" for finding in reading.findings)
    assert not {"TESTINI", "AMELIE", "14/02", "2780299999123", "5.27", "224.000"} & set(said.split())
    assert "TESTINI" not in repr(reading)
    assert "AMELIE" not in repr(reading)
