"""The JSON of `huitaine check FILE`, which people script against: pure, from what was read."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from gateway.document import Document, Kind, Original, Reading
from gateway.parsers.check import FORMATS, as_json
from gateway.parsers.read import read
from tests.unit.commands.check_kit import CHECK, breaches, looked_at


def test_a_result_has_the_values_as_sent(vectors: Path) -> None:
    (document,) = looked_at((vectors / "hprim/hprim_medecin_lab.hpr").read_bytes(), "bilan.hpr")["documents"]
    glycaemia = next(result for result in document["results"] if result["code"] == "GLYC")
    wanted = {
        "code": "GLYC", "label": "Glycémie à jeun", "value": "0.91", "comparator": None, "unit": "g/L", "low": "0.74",
        "high": "1.06", "flag": "N", "status": "F",
        "second": {"value": "5.05", "unit": "mmol/L", "low": "4.11", "high": "5.88"},
    }  # fmt: skip
    assert {key: glycaemia[key] for key in wanted} == wanted


def test_a_document_about_nobody_has_the_same_members() -> None:
    nothing = Document(kind=Kind(loinc=None, label="x"), original=Original(format="mime", content=b""))
    checked = as_json(Reading(format="mime", documents=(nothing,)))
    assert list(breaches(checked, CHECK)) == []
    assert checked["documents"][0]["patient"]["identified"] is False
    assert msgspec.json.decode(msgspec.json.encode(checked)) == checked


def test_a_bare_text_is_of_an_unknown_format_and_the_variant_says_which() -> None:
    checked = looked_at(b"Bonjour, voici les resultats.\n")
    assert (checked["format"], checked["variant"]) == ("unknown", "text")
    assert "text" not in FORMATS


@pytest.mark.parametrize("name", ["dob_impossible.hpr", "no_header_plain_mail.txt", "res_lines_odd.hpr"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_finding_has_a_place_a_code_and_what_why_and_what_to_do(vectors: Path, name: str, language: str) -> None:
    for finding in looked_at((vectors / "hprim/deviations" / name).read_bytes(), name, language)["findings"]:
        assert finding["severity"] in {"error", "warning", "note"}
        assert finding["place"]
        assert re.fullmatch(r"[a-z0-9-]+", finding["code"])
        assert finding["message"]
        assert finding["why"]
        assert finding["do"] or finding["severity"] == "note"


def test_the_source_form_of_a_value_stays_in_the_finding(vectors: Path) -> None:
    checked = looked_at((vectors / "hprim/deviations/res_lines_odd.hpr").read_bytes(), "x.hpr")
    assert "12,9" in {finding["detail"] for finding in checked["findings"] if finding["code"] == "decimal-comma"}


def test_a_pdf_named_hpr_is_told_by_what_it_is() -> None:
    checked = looked_at(b"%PDF-1.7", "lettre.hpr")
    assert (checked["format"], checked["accepted"]) == ("pdf", False)
    assert "this is a PDF named .hpr" in checked["findings"][0]["message"]


def test_every_shared_sample_is_explained_in_the_shape_of_the_interface(samples: Path) -> None:
    """Each has a format, what it is about, and no finding that says nothing; the words are read in the golden files."""
    for path in sorted(
        one for one in samples.rglob("*") if one.is_file() and one.suffix not in {".md", ".fsh", ".yaml", ""}
    ):
        checked = looked_at(path.read_bytes(), path.name, "fr")
        assert list(breaches(checked, CHECK)) == [], path
        assert checked["accepted"] or any(one["severity"] == "error" for one in checked["findings"]), path
        for one in checked["documents"]:
            assert one["kind"]["label"], path
            assert one["text"] or one["results"] or one["attachments"], path


def test_what_was_read_is_what_is_told(vectors: Path) -> None:
    content = (vectors / "hl7v2/oru_r01_lab.hl7").read_bytes()
    reading = read(content)
    (told,) = as_json(reading)["documents"]
    (document,) = reading.documents
    assert len(told["results"]) == len(document.results)
    assert told["patient"]["birth_date"] == getattr(document.patient, "birth_date", None)
