"""What `huitaine check` says of one file of each format, word for word, in both languages.

`HUITAINE_GOLDEN=write pytest tests/unit/commands/test_check_golden.py` writes what it says now; then look at the diff.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from tests.unit.commands.check_kit import CHECK, Said, breaches, check

NAMES = (
    "hprim/hprim_medecin_lab.hpr",
    "hprim/hprim_medecin_two_patients.hpr",
    "hprim/hprim_sante_oru_2_4.hpr",
    "hprim/hprim_sante_err_2_4.hpr",
    "hprim/deviations/dob_impossible.hpr",
    "hprim/deviations/res_lines_odd.hpr",
    "hl7v2/adt_a03_discharge.hl7",
    "hl7v2/mdm_t02_pdf.hl7",
    "hl7v2/mdm_t10_replace.hl7",
    "hl7v2/oru_r01_lab.hl7",
    "cda/discharge_letter_n3.xml",
    "cda/letter.pdf",
    "xdm/METADATA.XML",
    "xdm/two_documents.zip",
    "receipts/10-dsn-delivered.eml",
    "check/mail_with_lab.eml",
)
RULE = "\n\n" + "=" * 80 + "\n\n"


@pytest.fixture(scope="module", params=["en", "fr"])
def said(request: pytest.FixtureRequest, vectors: Path) -> tuple[str, dict[str, str], Said]:
    """One run over all of them, cut at its rules."""
    with contextlib.chdir(vectors):
        done = check(*NAMES, lang=request.param)
    *told, total = done.out.rstrip("\n").split(RULE)
    return request.param, dict(zip(NAMES, told, strict=True)), Said(total, done.err, done.code)


@pytest.mark.parametrize("name", NAMES)
def test_each_format_is_explained_in_the_words_that_were_agreed(
    said: tuple[str, dict[str, str], Said], name: str, vectors: Path
) -> None:
    language, told, _ = said
    golden = vectors / "check" / f"{Path(name).name}.{language}.txt"
    if os.environ.get("HUITAINE_GOLDEN") == "write":
        golden.write_text(told[name] + "\n")
    assert told[name] + "\n" == golden.read_text()


def test_it_ends_with_how_many_are_accepted(said: tuple[str, dict[str, str], Said]) -> None:
    language, told, total = said
    accepted = sum(("\nAccepted" if language == "en" else "\nAccepté") in one for one in told.values())
    assert total.code == 1
    assert total.err == ""
    wanted = {
        "en": f"16 files: {accepted} accepted, {16 - accepted} refused.",
        "fr": f"16 fichiers : {accepted} accepté",
    }
    assert wanted[language] in total.out


def test_nothing_is_wider_than_a_terminal(said: tuple[str, dict[str, str], Said]) -> None:
    assert max(len(line) for one in said[1].values() for line in one.splitlines()) <= 80


def test_the_json_of_several_files_is_a_list_and_each_has_the_shape_of_the_interface(vectors: Path) -> None:
    done = check(*(vectors / name for name in NAMES), "--format", "json")
    assert [list(breaches(one, CHECK)) for one in done.json] == [[] for _ in NAMES]
    assert {one["format"] for one in done.json} == {
        "hprim-medecin",
        "hprim-sante",
        "hl7v2",
        "cda",
        "xdm",
        "pdf",
        "unknown",
        "mime",
    }
    assert [one["file"] for one in done.json] == [str(vectors / name) for name in NAMES]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({}, ["no accepted", "no charset", "no documents", "no findings", "no format", "no variant"]),
        ({"accepted": 1}, ["$.accepted: 1"]),
        ({"format": "text"}, ["$.format: 'text'"]),
        ({"documents": None}, ["$.documents[0]: no "]),
    ],
)
def test_the_shape_sees_what_breaks_it(value: dict[str, object], told: list[str]) -> None:
    whole = {"format": "pdf", "variant": "", "charset": "", "accepted": True, "documents": [], "findings": []}
    found = list(breaches({**whole, **value} if value else value, CHECK))
    assert all(any(part in one for one in found) for part in told)
