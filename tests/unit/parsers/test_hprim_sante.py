"""HPRIM Santé: framing exact to the character, results with their comments, doctors by the type of their number."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document import Reading, Role
from gateway.parsers.hprim import read_hprim_sante
from gateway.parsers.split import split_by_patient

H = r"H|~^\&|LABE0001.HPR||LABESSAI~LABORATOIRE||ORU|||CHESSAI~CH||P|H2.4~C|202601121110"
P = "P|1|IPP1|L998|26H1|TESTINI~AMELIE~~~MME|NAISSANCE|19780214|F||12 RUE~~VILLE~~99999|||99900000000~EXEMPLE&CAMILLE~R"
OBR = (
    "OBR|1|~D1|~N1|NFS~Numération~L|R||202601120815||||N|||202601120900||99900000000~INTERNE&PAUL~R"
    "||||||202601121105|||F"
)
OBX = "OBX|1|NM|HB~Hémoglobine~L||11.4|g/dL|12.0-16.0|L|||F"
L = "L|1"


def message(*segments: str) -> bytes:
    return "\r\n".join((*segments, "")).encode("latin-1")


def codes(reading: Reading, severity: str = "error") -> list[str]:
    return [finding.code for finding in reading.findings if finding.severity == severity]


def test_no_finding_names_what_stands_where_a_segment_should() -> None:
    reading = read_hprim_sante(message(H, P, OBR, "TESTINI", "\x00E&&&DR", "AC|1", OBX, L))
    places = [finding.place for finding in reading.findings if finding.code == "sante-segment"]
    assert places == ["line 4", "line 5", "AC line 6"]


def test_the_whole_sample_is_read_field_by_field(vectors: Path) -> None:
    reading = read_hprim_sante((vectors / "hprim" / "hprim_sante_oru_2_4.hpr").read_bytes())
    document = reading.documents[0]
    assert (reading.variant, reading.processing, reading.control_id) == (
        "ORU H2.4 C",
        "P",
        "CHES0001.HPR".replace("CHES", "LABE"),
    )
    assert document.patient
    assert (document.patient.family, document.patient.used_family) == ("NAISSANCE", "TESTINI")
    assert (document.patient.birth_date, document.patient.sex) == ("1978-02-14", "F")
    assert {(number.type, number.value, number.authority) for number in document.patient.identifiers} == {
        ("PI", "IPP0004711", "CHESSAI"), ("PI", "L998877", "LABESSAI"),
    }  # fmt: skip
    assert document.stay
    assert document.stay.visit == "26H0000815"
    assert document.validated_at == datetime(2026, 1, 12, 10, 5, tzinfo=UTC)
    assert [(who.role, who.rpps, who.family) for who in document.addressees] == [
        (Role.REFERRER, "99900000002", "INTERNE"),
        (Role.COPY, "99900000001", "EXEMPLE"),
        (Role.COPY, "99900000003", "COPIE"),
        (Role.GP, "99900000001", "EXEMPLE"),
    ]
    assert document.legal_authenticator
    assert document.legal_authenticator.family == "FICTIF"
    assert document.text.endswith("Validé par le biologiste B. FICTIF le 12/01/2026 à 11:05.")
    haemoglobin = document.results[1]
    assert (haemoglobin.value, haemoglobin.low, haemoglobin.high, haemoglobin.flag) == ("11.4", "12.0", "16.0", "L")
    assert haemoglobin.comment == "Contrôle conseillé à distance.\nPrélèvement conforme."


@pytest.mark.parametrize("separators", [r"|~^\&", r"|^~\&", r"|\^&~", "!$%*#"])
def test_separators_are_read_by_their_position(separators: str) -> None:
    table = str.maketrans(r"|~^\&", separators)
    content = message(*(segment.translate(table) for segment in (H, P, OBR, OBX, L)))
    document = read_hprim_sante(content).documents[0]
    assert document.patient
    assert document.patient.given == "AMELIE"
    assert document.results[0].value == "11.4"
    assert document.addressees[0].given == "PAUL"


def test_three_separators_are_completed_with_a_warning() -> None:
    content = message(
        H.replace(r"|~^\&|", "|^~&|").replace("LABESSAI~", "LABESSAI^"),
        "P|1|I||A|NOM^PRENOM||19780214",
        OBX.replace("~", "^"),
        L,
    )
    assert "sante-separators-short" in codes(read_hprim_sante(content), "warning")


@pytest.mark.parametrize(
    ("start", "code"),
    [("H||^^&|", "sante-separators"), ("Hello", "sante-no-h"), ("P|1", "sante-no-h"), ("", "sante-no-h")],
)
def test_separators_that_cannot_be_told_apart_are_refused(start: str, code: str) -> None:
    assert codes(read_hprim_sante(message(start, P, L)))[0] in {code, "sante-no-h"}


@given(cut=st.lists(st.integers(min_value=3, max_value=len(OBX) - 1), max_size=4, unique=True))
def test_a_continuation_joins_exactly_wherever_the_cut_falls(cut: list[int]) -> None:
    text = OBX.replace("Hémoglobine", "Hémo globine  ")
    marks = [0, *sorted(cut), len(text)]
    pieces = [text[start:end] for start, end in pairwise(marks)]
    content = message(H, P, OBR, pieces[0], *(f"A|{piece}" for piece in pieces[1:]), L)
    whole = read_hprim_sante(message(H, P, OBR, text, L))
    assert read_hprim_sante(content).documents[0].results == whole.documents[0].results


def test_segments_whose_name_starts_with_a_are_no_continuation() -> None:
    reading = read_hprim_sante(message(H, P, "AP|1||||2780299999123", "AC|1", "ACT|1", OBR, OBX, L))
    assert reading.accepted
    assert codes(reading, "note").count("sante-segment") == 3
    assert {number.type for number in reading.documents[0].patient.identifiers} == {"PI"}  # type: ignore[union-attr]


def test_escapes_of_hl7_kind_are_read_and_others_stay() -> None:
    content = message(H, P, OBR, OBX.replace("Hémoglobine", r"A\T\B\F\C\\D\Z\E"), L)
    assert read_hprim_sante(content).documents[0].results[0].label == "A&B|C\\D\\Z\\E"


@pytest.mark.parametrize("context", ["ORM", "ORA", "ADM", "FAC", "REG", "ERR"])
def test_other_messages_are_recognised_and_refused_by_name(context: str) -> None:
    reading = read_hprim_sante(message(H.replace("|ORU|", f"|{context}|"), P, L))
    assert codes(reading) == ["sante-not-results"]
    assert context in reading.findings[0].message
    assert reading.variant.startswith(context)


@pytest.mark.parametrize("mode", ["T", "D"])
def test_the_test_mode_is_reported(mode: str) -> None:
    assert read_hprim_sante(message(H.replace("||P|H2.4", f"||{mode}|H2.4"), P, OBR, OBX, L)).processing == mode


def test_a_mode_that_is_none_is_refused() -> None:
    assert codes(read_hprim_sante(message(H.replace("||P|H2.4", "||Z|H2.4"), P, OBR, OBX, L))) == ["sante-mode"]


def test_an_empty_mode_is_production() -> None:
    assert read_hprim_sante(message(H.replace("||P|H2.4", "|||H2.4"), P, OBR, OBX, L)).processing == "P"


def test_a_context_one_field_late_is_read_shifted_with_a_warning() -> None:
    reading = read_hprim_sante(message(H.replace("||ORU|", "|||ORU|"), P, OBR, OBX, L))
    assert codes(reading, "warning") == ["sante-shifted"]
    assert reading.variant == "ORU H2.4 C"


@pytest.mark.parametrize(
    ("segments", "code"),
    [
        ((H, P, OBR, OBX), "sante-no-l"),
        ((H, OBR, OBX, L), "sante-no-p"),
        ((H, OBX, L), "sante-no-p"),
        ((H, P, OBR, OBX, H, L), "sante-second-h"),
        ((H, P, OBR, OBX, L, P), "sante-behind-l"),
        ((H, P.replace("TESTINI", "").replace("NAISSANCE", ""), OBR, OBX, L), "patient-incomplete"),
        ((H, P.replace("19780214", ""), OBR, OBX, L), "patient-incomplete"),
        ((H, P.replace("19780214", "19780231"), OBR, OBX, L), "birth-date-unreadable"),
        ((H.replace("LABESSAI~LABORATOIRE", ""), P, OBR, OBX, L), "sante-sender"),
        ((H, P, OBR, L), "order-empty"),
        ((H, P, L), "sante-nothing-final"),
    ],
)
def test_broken_structure_and_missing_identity_are_refused(segments: tuple[str, ...], code: str) -> None:
    reading = read_hprim_sante(message(*segments))
    assert set(codes(reading)) == {code}
    assert reading.documents == ()


@pytest.mark.parametrize(
    ("doctor", "rpps", "adeli", "local", "warned"),
    [
        ("99900000000~X&Y~R", "99900000000", None, "", False),
        ("751234567~X&Y~A", None, "751234567", "", False),
        ("99900000000~X&Y~L", None, None, "99900000000", False),
        ("1234~X&Y~R", None, None, "1234", True),
        ("12~X&Y~A", None, None, "12", True),
        ("99900000000~X&Y", None, None, "99900000000", True),
    ],
)
def test_only_the_type_makes_a_number_a_key(
    doctor: str, rpps: str | None, adeli: str | None, local: str, *, warned: bool
) -> None:
    reading = read_hprim_sante(
        message(H, P.rpartition("|")[0] + f"|{doctor}", OBR.replace("99900000000~INTERNE&PAUL~R", ""), OBX, L)
    )
    addressee = reading.documents[0].addressees[0]
    assert (addressee.role, addressee.rpps, addressee.adeli, addressee.local_code) == (Role.GP, rpps, adeli, local)
    assert bool(codes(reading, "warning")) is warned


@pytest.mark.parametrize(("unit", "code"), [("~URG~Urgences~L", "URG"), ("~1 RUE~URG~Urgences~L", "URG"), ("", None)])
def test_the_prescribers_unit_follows_him_with_or_without_an_address(unit: str, code: str | None) -> None:
    reading = read_hprim_sante(message(H, P, OBR.replace("PAUL~R", f"PAUL~R{unit}"), OBX, L))
    assert reading.documents[0].stay
    assert reading.documents[0].stay.unit == code


@pytest.mark.parametrize("status", ["O", "I", "R", "P"])
def test_an_order_that_is_not_validated_waits_and_the_others_go(status: str) -> None:
    waiting = OBR.replace("|||F", f"|||{status}").replace("~N1", "~N2")
    reading = read_hprim_sante(message(H, P, OBR, OBX, waiting, OBX, L))
    assert [document.id for document in reading.documents] == ["N1"]
    assert codes(reading, "warning") == ["order-not-final"]
    assert b"N2" not in reading.documents[0].original.content
    alone = read_hprim_sante(message(H, P, waiting, OBX, L))
    assert codes(alone) == ["sante-nothing-final"]


@pytest.mark.parametrize(
    ("status", "replaces", "cancels"),
    [("C", "N1", None), ("D", None, "N1"), ("X", None, "N1"), ("F", None, None), ("M", None, None)],
)
def test_corrections_and_retractions_name_the_order(status: str, replaces: str | None, cancels: str | None) -> None:
    reading = read_hprim_sante(message(H, P, OBR.replace("|||F", f"|||{status}"), OBX, L))
    assert reading.accepted
    assert (reading.documents[0].replaces, reading.documents[0].cancels) == (replaces, cancels)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("", None),
        ("F", None),
        ("U", None),
        ("C", None),
        ("P", "result-not-validated"),
        ("D", "result-withdrawn"),
        ("?", "result-status"),
    ],
)
def test_the_status_of_a_result_is_kept_and_told(status: str, code: str | None) -> None:
    reading = read_hprim_sante(message(H, P, OBR, OBX[:-1] + status, L))
    assert reading.documents[0].results[0].status == (status or "F")
    assert codes(reading, "warning") == ([code] if code else [])


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("12.0-16.0", "12.0", "16.0"),
        ("10 - 40", "10", "40"),
        ("-5.0", "", "5.0"),
        ("12-", "12", ""),
        ("vr : 3.5 a 5.1", "3.5", "5.1"),
        ("négatif", "", ""),
    ],
)
def test_normals_in_the_forms_laboratories_use(text: str, low: str, high: str) -> None:
    result = read_hprim_sante(message(H, P, OBR, OBX.replace("12.0-16.0", text), L)).documents[0].results[0]
    assert (result.low, result.high) == (low, high)
    assert (text in result.comment) is not bool(low or high)


def test_two_patients_in_one_message_share_no_byte() -> None:
    other = P.replace("TESTINI", "FICTIF").replace("NAISSANCE", "").replace("IPP1", "IPP2")
    reading = read_hprim_sante(message(H, P, OBR, OBX, other, OBR, OBX.replace("11.4", "9.9"), "L|1||2|8"))
    first, second = reading.documents
    assert b"FICTIF" not in first.original.content
    assert b"TESTINI" not in second.original.content
    assert second.original.content == message(H, other, OBR, OBX.replace("11.4", "9.9"), "L|1||2|8")
    assert [len(group) for group in split_by_patient(reading)] == [1, 1]


def test_a_copy_of_one_order_is_no_right_to_the_other() -> None:
    second = OBR.replace("~N1", "~N2") + "|||99900000019~COPIE&LOUISE~R"
    reading = read_hprim_sante(message(H, P, OBR, OBX, second, OBX, L))
    assert [len(group) for group in split_by_patient(reading)] == [1, 1]
    assert b"COPIE" not in reading.documents[0].original.content


def test_orders_for_the_same_doctors_go_in_one_mail() -> None:
    reading = read_hprim_sante(message(H, P, OBR, OBX, OBR.replace("~N1", "~N2"), OBX, L))
    assert [len(group) for group in split_by_patient(reading)] == [2]


def test_a_pdf_inside_the_message_is_the_doctors_copy_only() -> None:
    pdf = b"%PDF-1.4 essai %%EOF"
    encoded = base64.b64encode(pdf).decode()
    copies = [f"OBX|{number}|PDF|CR{whose}PDF~Compte rendu||{encoded}" for number, whose in enumerate("MLPA")]
    reading = read_hprim_sante(message(H, P, OBR, *copies, L))
    assert [attachment.content for attachment in reading.documents[0].attachments] == [pdf]
    assert codes(reading, "note").count("sante-other-copy") == 3


def test_a_file_that_is_only_named_is_never_opened() -> None:
    reading = read_hprim_sante(message(H, P, OBR, OBX, "OBX|2|FIC|CRMFICPDF~CR||LAB~/etc/passwd~PDF", L))
    assert codes(reading, "warning") == ["sante-file-elsewhere"]
    assert reading.documents[0].attachments == ()


def test_comments_are_never_dropped() -> None:
    reading = read_hprim_sante(
        message(
            H, "C|1|L|du message", P, "C|1|L|du patient", OBR, "C|1|L|de l'ordre", OBX, "C|1|L|du résultat^suite", L
        )
    )
    document = reading.documents[0]
    assert document.text.endswith("08:15\n\ndu message\n\ndu patient\n\nde l'ordre")
    assert document.results[0].comment == "du résultat\nsuite"


@pytest.mark.parametrize(
    ("counts", "codes_"),
    [
        ("L|1||1|5", []),
        ("L|1||1|4", []),
        ("L|1||2|5", ["sante-l-patients"]),
        ("L|1||1|31", ["sante-l-segments"]),
        ("L|1", []),
    ],
)
def test_the_counts_of_l_warn_and_never_refuse(counts: str, codes_: list[str]) -> None:
    reading = read_hprim_sante(message(H, P, OBR, OBX, counts))
    assert reading.accepted
    assert codes(reading, "warning") == codes_


def test_an_ins_of_2_4_is_never_qualified() -> None:
    reading = read_hprim_sante(
        message(H, P.replace("~~99999|||", "~~99999|278029999912310~INS-C~20260101||"), OBR, OBX, L)
    )
    ins = next(number for number in reading.documents[0].patient.identifiers if number.type == "INS-C")  # type: ignore[union-attr]
    assert not ins.qualified


def test_the_frame_of_mllp_around_a_message_does_no_harm() -> None:
    assert read_hprim_sante(b"\x0b" + message(H, P, OBR, OBX, L) + b"\x1c\r").accepted
