"""Slips that could give a value to another patient, or a test to a doctor: refused or said, never guessed."""

from __future__ import annotations

import pytest

from gateway.document import Reading, Role
from gateway.errors import UnreadableDocument
from gateway.parsers.hl7v2 import read_hl7v2

MSH = "MSH|^~\\&|LAB|CH|HUI|CH|20260112111500||ORU^R01^ORU_R01|M1|P|2.5|||||FRA|UNICODE UTF-8"
PID = "PID|1||IPP1^^^CH&1.2.250.1.71.4.2.1&ISO^PI||TESTINI^AMELIE^^^^^L||19780214|F"
OTHER = PID.replace("TESTINI", "FICTIF").replace("IPP1", "IPP2")
OBR = "OBR|1|P1|F1|NFS^Numeration^L|||20260112081500|||||||||||||||||HM|F"


def obx(value: str = "11.4", *, unit: str = "g/dL", more: str = "F") -> str:
    return f"OBX|1|NM|HB^Hemoglobine^L||{value}|{unit}|12-16||||{more}"


def read(*segments: str) -> Reading:
    try:
        return read_hl7v2(("\r".join(segments) + "\r").encode())
    except UnreadableDocument as refusal:
        return Reading(format="hl7v2", findings=refusal.findings)


def codes(reading: Reading) -> set[str]:
    return {finding.code for finding in reading.findings}


@pytest.mark.parametrize("slip", [" {}", "\t{}", "\ufeff{}", "\x0b{}", "\u00a0{}"])
def test_another_patients_results_behind_a_slip_are_never_the_first_patients(slip: str) -> None:
    reading = read(MSH, PID, OBR, obx(), slip.format(OTHER), OBR, obx("9.9"))
    assert not reading.accepted
    assert codes(reading) == {"segment-not-told"}


def test_a_pid_in_small_letters_is_told() -> None:
    assert codes(read(MSH, PID, OBR, obx(), OTHER.lower(), OBR, obx("9.9"))) == {"segment-not-told"}


def test_a_text_of_several_lines_is_still_one_text() -> None:
    text = "OBX|1|TX|C^Commentaire^L||Première ligne\nPIDE de la suite\nnote | fin||||||F"
    assert read(MSH, PID, OBR, obx(), text).accepted


def test_results_before_any_patient_are_nobodys() -> None:
    reading = read(MSH, OBR, obx("8.8"), PID, OBR, obx(), OTHER, OBR, obx("9.9"))
    assert "results-before-patient" in codes(reading)
    assert not reading.documents


@pytest.mark.parametrize(("stated", "accepted"), [("X", False), ("TEST", False), ("p", True)])
def test_a_processing_id_of_no_table_is_no_production(stated: str, *, accepted: bool) -> None:
    reading = read(MSH.replace("|P|", f"|{stated}|"), PID, OBR, obx())
    assert (reading.accepted, reading.processing) == (accepted, stated.upper())


def test_a_small_t_is_a_test() -> None:
    assert read(MSH.replace("|P|", "|t|"), PID, OBR, obx()).processing == "T"


@pytest.mark.parametrize("born", ["14021978", "02/14/1978", "14/02/1978", "780214"])
def test_a_birth_date_that_could_be_another_is_refused(born: str) -> None:
    assert "birth-date-unreadable" in codes(read(MSH, PID.replace("19780214", born), OBR, obx()))


@pytest.mark.parametrize("born", ["", "1978", "197802", "19780000", "197802140800"])
def test_a_birth_date_that_is_partly_known_is_taken(born: str) -> None:
    assert read(MSH, PID.replace("19780214", born), OBR, obx()).accepted


@pytest.mark.parametrize("unit", ["10^9/L", "10\\S\\9/L", "x10^9/L"])
def test_a_power_in_a_unit_is_never_cut(unit: str) -> None:
    (document,) = read(MSH, PID, OBR, obx(unit=unit)).documents
    assert document.results[1].unit.endswith("10^9/L")


def test_a_cancelled_order_says_so_at_each_result() -> None:
    reading = read(MSH, PID, OBR[:-1] + "X", obx())
    (document,) = reading.documents
    assert "order-cancelled" in codes(reading)
    assert document.results[1].comment == "Examen annulé par le laboratoire"


def test_the_moment_is_that_of_the_result_else_that_of_the_specimen() -> None:
    (document,) = read(MSH, PID, OBR, obx(), obx(more="F|||20260111070000")).documents
    moments = [one.observed_at.isoformat() if one.observed_at else None for one in document.results]
    assert moments == [None, "2026-01-12T08:15:00+01:00", "2026-01-11T07:00:00+01:00"]


def test_the_method_and_another_laboratory_are_told_at_the_result() -> None:
    first, second = "F" + "|" * 12 + "LABO A", "F||||||CMIA^Chimiluminescence||||||LABO B"
    (document,) = read(MSH, PID, OBR, obx(more=first), obx(more=second)).documents
    assert "Méthode : Chimiluminescence" in document.results[2].comment
    assert "Laboratoire : LABO B" in document.results[2].comment


@pytest.mark.parametrize("status", ["W", "X"])
def test_a_document_posted_as_wrong_is_never_a_new_one(status: str) -> None:
    mdm = MSH.replace("ORU^R01^ORU_R01", "MDM^T02^MDM_T02")
    reading = read(mdm, PID, "TXA|1|CR", f"OBX|1|TX|11490-0^Lettre^LN||Bonjour||||||{status}")
    assert "order-status-contradiction" in codes(reading)


def test_a_document_that_nobody_validated_is_preliminary() -> None:
    mdm = MSH.replace("ORU^R01^ORU_R01", "MDM^T02^MDM_T02")
    (document,) = read(mdm, PID, "TXA|1|CR", "OBX|1|TX|11490-0^Lettre^LN||Bonjour||||||P").documents
    assert document.partial


def test_the_gp_of_a_prt_follows_the_stay() -> None:
    adt = MSH.replace("ORU^R01^ORU_R01", "ADT^A01^ADT_A01")
    who = "99900000001^EXEMPLE^PAUL^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS"
    gone = who.replace("99900000001", "99900000019")
    reading = read(
        adt, "EVN||20260112", PID, f"PRT|1|UC||ODRP|{who}", f"PRT|2|DE||ODRP|{gone}", f"PRT|3|UC||AT|{gone}",
        f"PRT|4|UC||ODRP|{gone}|||||||20250101", "PV1|1|I|||||||||||||||||V1^^^CH",
    )  # fmt: skip
    (movement,) = reading.movements
    assert [(one.role, one.rpps) for one in movement.gps] == [(Role.GP, "99900000001")]
