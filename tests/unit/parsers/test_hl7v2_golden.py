"""Every HL7 fixture gives what stands beside it; every one of the national examples has its invented counterpart."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gateway.parsers.hl7v2.movement import TRIGGERS
from tests.unit.parsers.hl7v2_golden_kit import FOLDER, golden, shown, written

ALIKE = {
    "ACK_T10.er7": "ack_t10",
    "ADT_A01_admission.er7": "adt_a01_dmp_opposed",
    "ADT_A03_sortie.er7": "deviations/adt_a03_zbe_pushed",
    "MDM_T02_CR_Radio_N1_base64.er7": "mdm_t02_cda_n1",
    "MDM_T02_CR_Radio_N1_placeholder.er7": "mdm_t02_placeholder",
    "MDM_T10_CR_Radio_N1_replace.er7": "mdm_t10_replace",
    "ORU_R01_CR_Bio_N3.hl7": "oru_r01_cda_n3",
    "ZAM_Z02_reception_MSS.hl7": "zam_z02_reception",
}


@pytest.mark.parametrize("path", golden(), ids=lambda path: str(path.relative_to(FOLDER).with_suffix("")))
def test_a_fixture_is_read_as_the_file_beside_it_says(path: Path) -> None:
    assert written(path.read_bytes()) == path.with_suffix(".json").read_text()


def test_every_deviation_has_its_decision_and_every_decision_its_fixture() -> None:
    table = (FOLDER / "README.md").read_text().partition("## Deviations")[2]
    told = {name for row in re.findall(r"^\|([^|]*)\|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert told == {path.stem for path in (FOLDER / "deviations").glob("*.hl7")}


def test_what_is_decided_to_be_read_is_read_without_a_remark() -> None:
    table = (FOLDER / "README.md").read_text().partition("## Deviations")[2]
    rows = re.findall(r"^\| (`.*?) \|.*\| (read|refused)[^|]*\|$", table, re.MULTILINE)
    assert len(rows) > 25
    for names, decision in rows:
        for name in re.findall(r"`(\w+)`", names):
            found = shown((FOLDER / "deviations" / f"{name}.hl7").read_bytes())
            assert found["accepted"] is (decision == "read"), name


def test_every_event_of_pam_fr_has_a_fixture() -> None:
    found = {shown(path.read_bytes()).get("variant", "") for path in golden()}
    events = {str(variant)[4:7] for variant in found if str(variant).startswith("ADT")}
    assert events == TRIGGERS


@pytest.mark.parametrize("name", ALIKE)
def test_a_national_example_and_our_counterpart_are_read_alike(samples: Path, name: str) -> None:
    theirs = shown((samples / "hl7v2" / name).read_bytes())
    ours = json.loads((FOLDER / f"{ALIKE[name]}.json").read_text())

    assert theirs["accepted"] == ours["accepted"]
    assert _kind(theirs) == _kind(ours)
    for part in ("documents", "movements"):
        for one, other in zip(theirs.get(part, ()), ours.get(part, ()), strict=True):
            missing = one.keys() - other.keys() - {"author", "legal_authenticator", "results", "text", "title"}
            assert not missing, "our counterpart lacks what the example has"


def test_each_national_example_has_a_counterpart(samples: Path) -> None:
    assert {path.name for path in (samples / "hl7v2").iterdir()} == set(ALIKE)


def _kind(reading: dict[str, object]) -> str:
    return str(reading.get("variant", "")).partition(" ")[0]
