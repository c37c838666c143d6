"""`huitaine check FILE`: the JSON people script against, and the sentences a secretary reads."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from typer import Typer
from typer.testing import CliRunner

from commands.check import check_command
from gateway.parsers.check import check, explain
from gateway.parsers.french import in_french

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def huitaine() -> Typer:
    app = Typer()
    app.command()(check_command)
    return app


def test_the_json_has_the_keys_of_the_interface(vectors: Path) -> None:
    checked = check((vectors / "hprim/hprim_medecin_lab.hpr").read_bytes(), "bilan.hpr")
    assert {"format", "variant", "charset", "accepted", "documents", "findings"} <= checked.keys()
    (document,) = checked["documents"]
    wanted = {
        "kind",
        "patient",
        "stay",
        "validated_at",
        "addressees",
        "results",
        "text",
        "attachments",
        "replaces",
        "cancels",
    }
    assert wanted <= document.keys()
    assert {"family", "given", "birth_date", "sex", "identifiers"} <= document["patient"].keys()
    assert {"visit", "admitted_at", "discharged_at"} <= document["stay"].keys()
    assert {"role", "rpps", "mailbox"} <= document["addressees"][0].keys()
    glycaemia = next(result for result in document["results"] if result["code"] == "GLYC")
    wanted_result = {
        "code": "GLYC", "label": "Glycémie à jeun", "value": "0.91", "comparator": None, "unit": "g/L", "low": "0.74",
        "high": "1.06", "flag": "N", "status": "F",
        "second": {"value": "5.05", "unit": "mmol/L", "low": "4.11", "high": "5.88"},
    }  # fmt: skip
    assert {key: glycaemia[key] for key in wanted_result} == wanted_result
    assert msgspec.json.decode(msgspec.json.encode(checked)) == checked


@pytest.mark.parametrize("name", ["dob_impossible.hpr", "no_header_plain_mail.txt", "res_lines_odd.hpr"])
def test_every_finding_has_a_place_a_code_and_a_sentence(vectors: Path, name: str) -> None:
    for finding in check((vectors / "hprim/deviations" / name).read_bytes(), name)["findings"]:
        assert finding["severity"] in {"error", "warning", "note"}
        assert finding["place"]
        assert re.fullmatch(r"[a-z0-9-]+", finding["code"])
        assert finding["message"]


def test_the_source_form_of_a_value_stays_in_the_finding(vectors: Path) -> None:
    checked = check((vectors / "hprim/deviations/res_lines_odd.hpr").read_bytes(), "x.hpr")
    assert "12,9" in {finding["detail"] for finding in checked["findings"] if finding["code"] == "decimal-comma"}


def test_a_pdf_named_hpr_is_told_by_what_it_is() -> None:
    checked = check(b"%PDF-1.7", "lettre.hpr")
    assert (checked["format"], checked["accepted"]) == ("pdf", False)
    assert "this is a PDF named .hpr" in checked["findings"][0]["message"]


def test_the_explanation_says_what_about_whom_to_whom_and_what_is_wrong(vectors: Path) -> None:
    checked = check((vectors / "hprim/hprim_sante_oru_2_4.hpr").read_bytes(), "x.hpr")
    told = "\n".join(explain(checked, "fr"))
    for words in (
        "hprim-sante",
        "NAISSANCE AMELIE",
        "médecin traitant : EXEMPLE CAMILLE, trouvé par 99900000001",
        "Il serait accepté.",
    ):
        assert words in told
    assert "It would be accepted." in list(explain(checked, "en"))


def test_no_source_means_no_promise_about_line_12(vectors: Path) -> None:
    checked = check((vectors / "hprim/hprim_medecin_letter.hpr").read_bytes(), "x.hpr")
    assert any("never looked up by name" in line for line in explain(checked, "en"))


def test_each_finding_of_our_readers_is_told_in_french() -> None:
    ours = [*(ROOT / "gateway/parsers/hprim").glob("*.py")]
    ours += [
        ROOT / "gateway/parsers" / f"{name}.py"
        for name in ("charsets", "mime", "mime_parts", "mime_sealed", "pdf", "read")
    ]
    codes = {
        code
        for path in ours
        for code in re.findall(r'(?:error|warning|note|remark|kind)\(\s*f?"([a-z0-9-]+)"', path.read_text())
    }
    assert len(codes) > 60
    assert [code for code in sorted(codes) if not in_french(code)] == []


@pytest.mark.parametrize(("name", "code"), [("hprim_medecin_letter.hpr", 0), ("deviations/dob_impossible.hpr", 1)])
def test_the_exit_code_says_whether_it_would_be_accepted(huitaine: Typer, vectors: Path, name: str, code: int) -> None:
    result = CliRunner().invoke(huitaine, [str(vectors / "hprim" / name), "--format", "json"])
    assert result.exit_code == code
    assert msgspec.json.decode(result.stdout)["accepted"] is (code == 0)


def test_a_file_that_is_not_there_is_one_clear_line(huitaine: Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(huitaine, [str(tmp_path / "absent.hpr")])
    assert result.exit_code == 3
    assert "absent.hpr" in result.output


def test_what_a_file_says_cannot_drive_the_terminal(huitaine: Typer, tmp_path: Path, vectors: Path) -> None:
    content = (
        (vectors / "hprim/hprim_medecin_letter.hpr")
        .read_bytes()
        .replace(b"TESTINI\r\n", "TEST\u202e\u009bINI\r\n".encode(), 1)
    )
    (tmp_path / "x.hpr").write_bytes(content)
    result = CliRunner().invoke(huitaine, [str(tmp_path / "x.hpr")])
    assert "\u202e" not in result.stdout
    assert "\u009b" not in result.stdout
