"""A refused HPRIM Santé file is answered by an ERR that names its line and field and nobody in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document import Finding, Severity
from gateway.errors import UnreadableDocument
from gateway.ingest.folder import FolderDoor, FolderSettings, Origin
from gateway.ingest.hprim_err import ErrFile, err_file
from gateway.parsers.hprim import read_hprim_sante
from gateway.parsers.read import read
from tests.unit.ingest.ingest_door_kit import NOW, FakeIntake, ids

AT = datetime(2026, 1, 12, 10, 30, tzinfo=UTC)
DEVIATIONS = Path(__file__).resolve().parents[2] / "vectors" / "hprim" / "deviations"
REFUSED = {
    "sante_birth_date_impossible": "ERR|1|LABE0001.HPR|202601121110|T|2|P~1|8.8||S|",
    "sante_identity_incomplete": "ERR|1|LABE0001.HPR|202601121110|T|2|P~1|8.6||A|",
    "sante_no_l": "ERR|1|LABE0001.HPR|202601121110|T|4|P~1^OBR~1^OBX~1|10.1||A|",
    "sante_orm_is_no_result": "ERR|1|LABE0001.HPR|202601121110|T|1||7.7||I|",
    "sante_mode_unknown": "ERR|1|LABE0001.HPR|202601121110|T|1||7.12||I|",
    "sante_separators_alike": "ERR|1|LABE0001.HPR|202601121110|T|1||7.2||S|",
    "sante_second_h": "ERR|1|LABE0001.HPR|202601121110|T|5|P~1^OBR~1^OBX~1|7.1||S|",
}


def vector(name: str) -> bytes:
    return (DEVIATIONS / f"{name}.hpr").read_bytes()


def answer(content: bytes, findings: tuple[Finding, ...] | None = None) -> ErrFile | None:
    said = read(content).findings if findings is None else findings
    return err_file(content, said, at=AT, in_french=lambda code: "")


def broken(place: str, message: str = "essai") -> tuple[Finding, ...]:
    return (Finding(severity=Severity.ERROR, place=place, code="sante-no-p", message=message),)


@pytest.mark.parametrize("name", REFUSED)
def test_the_err_names_the_file_the_line_the_address_and_the_field(name: str) -> None:
    written = answer(vector(name))
    assert written
    assert written.content.decode("iso-8859-1").split("\r\n")[1].startswith(REFUSED[name])


def test_the_head_goes_back_to_the_sender_in_the_same_mode() -> None:
    written = answer(vector("sante_birth_date_impossible").replace(b"||P|H2.4", b"||T|H2.4"))
    assert written
    head, _, last = written.content.decode("iso-8859-1").split("\r\n")[:3]
    assert head == (
        rf"H|~^\&|{written.name}||CHESSAI~CH ESSAI||ERR|||LABESSAI~LABORATOIRE ESSAI||T|H2.4~C|20260112113000"
    )
    assert last == "L|1||0|3"
    assert len(written.name) == 12


def test_our_own_reader_takes_it_for_an_error_report() -> None:
    written = answer(vector("sante_no_l"))
    assert written
    reading = read_hprim_sante(written.content)
    assert [finding.code for finding in reading.findings] == ["sante-not-results"]
    assert reading.variant == "ERR H2.4 C"


def test_it_has_the_shape_of_the_invented_example(vectors: Path) -> None:
    example = (vectors / "hprim" / "hprim_sante_err_2_4.hpr").read_bytes().decode("iso-8859-1").split("\r\n")
    written = answer(vector("sante_birth_date_impossible"))
    assert written
    lines = written.content.decode("iso-8859-1").split("\r\n")
    assert [line.count("|") for line in lines] == [line.count("|") for line in example]


def test_an_err_is_never_answered_by_an_err(vectors: Path) -> None:
    assert answer((vectors / "hprim" / "hprim_sante_err_2_4.hpr").read_bytes()) is None


@pytest.mark.parametrize("name", ["medecin_header_short", "medecin_pdf_called_hpr", "hprim_xml", "sante_junk_before_h"])
def test_what_is_not_hprim_sante_gets_no_err(name: str) -> None:
    assert answer(vector(name)) is None


def test_nothing_of_the_patient_is_in_the_answer() -> None:
    for name in REFUSED:
        written = answer(vector(name))
        assert written
        for secret in (b"TESTINI", b"AMELIE", b"NAISSANCE", b"IPP0004711", b"L998877", b"26H0000815", b"197802"):
            assert secret not in written.content


def test_the_second_order_of_the_second_patient_is_counted_from_its_patient() -> None:
    content = b"\r".join([rb"H|~^\&|A.HPR||LAB||ORU", b"P|1", b"OBR|1", b"OBX|1", b"P|2", b"OBR|1", b"OBR|2", b"L|1"])
    written = answer(content, broken("OBR line 7 field 26"))
    assert written
    assert b"|7|P~2^OBR~2|9.26||" in written.content


def test_a_long_reason_goes_on_in_continuations_that_join_exactly() -> None:
    words = "Il manque le prénom du patient, " * 11
    written = answer(vector("sante_no_l"), broken("P line 2", words))
    assert written
    lines = written.content.decode("iso-8859-1").split("\r\n")
    assert max(map(len, lines)) == 218
    joined = lines[1] + "".join(line.removeprefix("A|") for line in lines if line.startswith("A|"))
    assert joined.endswith(words.strip())


def test_the_senders_own_words_end_no_segment_and_no_field() -> None:
    content = rb"H|~^\&|A\x0d.HPR||LAB^&\~L" + b"\x0b\x7f" + rb"||ORU|||X~Y~Z||P|H2.4~C|2026"
    written = answer(content, broken("H line 1"))
    assert written
    head = written.content.decode("iso-8859-1").split("\r\n")[0]
    assert head.count("|") == 13
    assert head.isprintable()


@given(
    content=st.binary(max_size=200), place=st.text(max_size=30), separators=st.sampled_from([b"|~^\\&|", b"|^~\\&|"])
)
def test_any_bytes_behind_h_give_an_answer_of_allowed_lines_or_none(
    content: bytes, place: str, separators: bytes
) -> None:
    written = answer(b"H" + separators + content, broken(place))
    lines = written.content.decode("iso-8859-1").split("\r\n") if written else ["L|"]
    assert all(len(line) <= 218 for line in lines)
    assert any(line.startswith("L|") for line in lines)


async def refused_in(path: Path, *, hprim_err: bool) -> None:
    content = vector("sante_no_l")
    settings = FolderSettings(
        path=path, origin=Origin(source="folder", recipients=("auto@huitaine.test",)), settle=timedelta(0),
        interval=timedelta(0), hprim_err=hprim_err,
    )  # fmt: skip
    intake = FakeIntake(fault=UnreadableDocument(read(content).findings))
    door = FolderDoor(settings, intake, lambda: NOW, ids())
    (path / "LABE0001.HPR").write_bytes(content)
    assert sum([await door.look() for _ in range(2)]) == 1
    assert (path / "refused" / "LABE0001.HPR").read_bytes() == content


async def test_a_refused_file_is_answered_in_answers_with_its_witness(tmp_path: Path) -> None:
    await refused_in(tmp_path, hprim_err=True)
    witness, written = sorted((tmp_path / "answers").iterdir(), key=lambda path: path.suffix.lower(), reverse=True)
    assert (witness.suffix, written.suffix) == (".ok", ".HPR")
    assert witness.stem == written.stem
    assert written.read_bytes().splitlines()[1].startswith(b"ERR|1|LABE0001.HPR|")


async def test_without_the_setting_nobody_is_answered(tmp_path: Path) -> None:
    await refused_in(tmp_path, hprim_err=False)
    assert not (tmp_path / "answers").exists()
