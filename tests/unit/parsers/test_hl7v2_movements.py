"""ADT of PAM.fr: stays, discharge times, the GP, what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.document import Movement, Reading, Role, Severity
from gateway.parsers.hl7v2 import read_hl7v2
from gateway.parsers.hl7v2.movement import TRIGGERS


@pytest.fixture
def a03(vectors: Path) -> bytes:
    return (vectors / "hl7v2" / "adt_a03_discharge.hl7").read_bytes()


def movement(content: bytes) -> Movement:
    reading = read_hl7v2(content)
    assert reading.accepted, reading.findings
    return reading.movements[0]


def codes(reading: Reading) -> list[str]:
    return [finding.code for finding in reading.findings]


def test_an_admission_opens_the_stay_and_names_the_gp(vectors: Path) -> None:
    found = movement((vectors / "hl7v2" / "adt_a01_admission.hl7").read_bytes())

    assert found.trigger == "A01"
    assert (found.stay.visit, found.stay.file_number, found.stay.unit) == ("V26000042", "N26000042", "Médecine A")
    assert found.stay.admitted_at
    assert found.stay.discharged_at is None
    assert [(one.role, one.rpps, one.place) for one in found.gps] == [
        (Role.GP, "99900000011", "ROL[1]-4"),
        (Role.REFERRER, "99900000029", "ROL[2]-4"),
    ]


def test_a_discharge_keeps_its_four_times_and_pv1_45_counts(a03: bytes) -> None:
    found = movement(a03)

    times = [one and one.strftime("%H:%M") for one in (found.pv1_45, found.zbe_2, found.evn_6, found.evn_2)]
    assert times == ["10:15", "10:16", "10:17", "10:20"]
    assert found.stay.discharged_at == found.pv1_45
    assert found.exit_mode == "8"


@pytest.mark.parametrize(
    ("removed", "counts"),
    [
        ((), "10:15"),
        ((rb"\|20260115101500\r",), "10:16"),
        ((rb"\|20260115101500\r", rb"\|20260115101600"), "10:17"),
        ((rb"\|20260115101500\r", rb"\|20260115101600", rb"\|\|\|\|20260115101700"), "10:20"),
    ],
)
def test_the_best_time_that_is_there_is_the_discharge(a03: bytes, removed: tuple[bytes, ...], counts: str) -> None:
    for pattern in removed:
        a03 = re.sub(pattern, b"|\r" if pattern.endswith(b"r") else b"|", a03)
    found = movement(a03)

    assert found.stay.discharged_at
    assert found.stay.discharged_at.strftime("%H:%M") == counts


def test_a_discharge_without_any_time_is_refused(a03: bytes) -> None:
    reading = read_hl7v2(re.sub(rb"2026011510[12][0-9]00", b"", a03))

    assert "discharge-without-time" in codes(reading)
    assert not reading.accepted


def test_times_on_two_days_are_a_warning(a03: bytes) -> None:
    reading = read_hl7v2(a03.replace(b"20260115101600", b"20260114101600"))

    (finding,) = (one for one in reading.findings if one.code == "discharge-times-differ")
    assert finding.severity is Severity.WARNING


def test_times_without_offset_are_french(a03: bytes) -> None:
    summer = movement(a03.replace(b"20260115101500", b"20260715101500")).stay.discharged_at
    winter = movement(a03).stay.discharged_at

    assert summer
    assert winter
    assert (summer.isoformat(), winter.isoformat()) == ("2026-07-15T10:15:00+02:00", "2026-01-15T10:15:00+01:00")


def test_a_cancelled_discharge_has_none(vectors: Path) -> None:
    found = movement((vectors / "hl7v2" / "adt_a13_cancelled.hl7").read_bytes())

    assert (found.trigger, found.action, found.original_trigger) == ("A13", "CANCEL", "A03")
    assert found.stay.discharged_at is None


def test_a_corrected_discharge_has_the_new_time(vectors: Path) -> None:
    found = movement((vectors / "hl7v2" / "adt_z99_corrected.hl7").read_bytes())

    assert (found.trigger, found.action, found.original_trigger) == ("Z99", "UPDATE", "A03")
    assert found.stay.discharged_at
    assert found.stay.discharged_at.isoformat() == "2026-01-14T18:00:00+01:00"


def test_a_merge_names_the_identity_it_removes(vectors: Path) -> None:
    content = (vectors / "hl7v2" / "adt_a40_merge.hl7").read_bytes()
    prior = movement(content).prior_patient

    assert prior
    assert [(one.value, one.type) for one in prior.identifiers] == [("IPP-0041", "PI")]
    assert "no-prior-patient" in codes(read_hl7v2(re.sub(rb"MRG[^\r]*\r", b"", content)))


@pytest.mark.parametrize("trigger", sorted(TRIGGERS))
def test_every_event_of_the_list_is_a_movement(a03: bytes, trigger: str) -> None:
    content = a03.replace(b"ADT^A03^ADT_A03", b"ADT^" + trigger.encode()).replace(b"ZFM|", b"MRG|IPP-0041^^^H^PI\rZFM|")

    assert movement(content).trigger == trigger


@pytest.mark.parametrize(
    ("kind", "name"),
    [(b"ADT^A16", "ADT^A16"), (b"ACK^A03", "ACK^A03"), (b"MDM^T06", "MDM^T06"), (b"", "without MSH-9")],
)
def test_other_messages_are_refused_by_name(a03: bytes, kind: bytes, name: str) -> None:
    reading = read_hl7v2(a03.replace(b"ADT^A03^ADT_A03", kind))

    (finding,) = (one for one in reading.findings if one.severity is Severity.ERROR)
    known = kind.startswith((b"ADT", b"MDM"))
    expected = ("event-unsupported", "MSH-9.2") if known else ("message-type-unsupported", "MSH-9")
    assert (finding.code, finding.place) == expected
    assert name in finding.message


def test_no_gp_is_what_pv2_7_says(a03: bytes) -> None:
    assert movement(a03).no_gp is False
    assert movement(a03.replace(b"PV2|||||||TO", b"PV2|||||||SM")).no_gp is True


def test_a_role_that_ended_or_was_deleted_is_no_gp(a03: bytes) -> None:
    ended = a03.replace(b"^D^^^RPPS\r", b"^D^^^RPPS||20251231\r")
    deleted = a03.replace(b"ROL|1|UC|", b"ROL|1|DE|")

    assert movement(a03).gps
    assert movement(ended).gps == movement(deleted).gps == ()


def test_the_referring_doctor_of_pv1_8_is_named(a03: bytes) -> None:
    referred = a03.replace(
        b"UF-MED-A^^^CH-ESSAI&999900004&M|||||",
        b"UF-MED-A^^^CH-ESSAI&999900004&M|||||899900000037^RENVOI^R^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS",
    )

    assert [(one.role, one.rpps) for one in movement(referred).gps][-1] == (Role.REFERRER, "99900000037")


def test_a_discharge_that_says_cancel_is_refused(a03: bytes) -> None:
    assert "movement-contradiction" in codes(read_hl7v2(a03.replace(b"||INSERT|", b"||CANCEL|")))


def test_a_zbe_pushed_on_by_a_forbidden_end_is_read(a03: bytes) -> None:
    pushed = a03.replace(b"|20260115101600||INSERT|N||", b"|20260115101600|20260309102840||INSERT|N||")
    reading = read_hl7v2(pushed)

    assert {"zbe-shifted", "zbe-3-forbidden"} <= set(codes(reading))
    assert (reading.movements[0].action, reading.movements[0].stay.unit) == ("INSERT", "Médecine A")


def test_a_stay_without_any_number_is_a_warning(a03: bytes) -> None:
    bare = a03.replace(b"V26000042^", b"^").replace(b"N26000042^", b"^")

    assert "no-visit-number" in codes(read_hl7v2(bare))


@pytest.mark.parametrize(
    ("status", "qualified"),
    [(b"VALI", True), (b"VALI~HOMA", True), (b"HOMA~VALI", True), (b"PROV", False), (b"", False)],
)
def test_an_ins_counts_only_when_pid_32_holds_vali(a03: bytes, status: bytes, qualified: bool) -> None:
    found = movement(a03.replace(b"|VALI", b"|" + status)).patient.identifiers

    assert [one.qualified for one in found if one.type == "INS"] == [qualified]
    assert not any(one.qualified for one in found if one.type != "INS")


@pytest.mark.parametrize("kind", [b"NH", b"INS-C", b"SS"])
def test_a_billing_number_with_the_oid_of_the_ins_is_no_ins(a03: bytes, kind: bytes) -> None:
    found = movement(a03.replace(b"&ISO^INS|", b"&ISO^" + kind + b"|")).patient.identifiers

    assert not any(one.qualified for one in found)


def test_a_wrong_ins_key_is_a_warning_in_tests_and_an_error_in_earnest(a03: bytes) -> None:
    wrong = a03.replace(b"278027590000164", b"278027590000165")
    real = wrong.replace(b"1.2.250.1.213.1.4.10", b"1.2.250.1.213.1.4.8")

    assert read_hl7v2(wrong).accepted
    assert "ins-key-wrong" in codes(read_hl7v2(wrong))
    assert not read_hl7v2(real).accepted


def test_a_wrong_rpps_key_is_a_warning(a03: bytes) -> None:
    reading = read_hl7v2(a03.replace(b"99900000011", b"99900000012"))

    assert reading.accepted
    assert "rpps-key-wrong" in codes(reading)


@pytest.mark.parametrize(
    ("number", "kind", "rpps", "adeli"),
    [
        (b"99900000011", b"RPPS", "99900000011", None),
        (b"899900000011", b"RPPS", "99900000011", None),
        (b"899900000011", b"IDNPS", "99900000011", None),
        (b"0751234567", b"IDNPS", None, "751234567"),
        (b"751234567", b"ADELI", None, "751234567"),
        (b"750100125/50362", b"EI", None, None),
        (b"99900000011", b"EI", None, None),
    ],
)
def test_professional_numbers(a03: bytes, number: bytes, kind: bytes, rpps: str | None, adeli: str | None) -> None:
    (gp,) = movement(a03.replace(b"99900000011^", number + b"^").replace(b"^D^^^RPPS", b"^D^^^" + kind)).gps

    assert (gp.rpps, gp.adeli) == (rpps, adeli)
    assert gp.local_code == ("" if rpps or adeli else number.decode())
