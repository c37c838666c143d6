"""A file that HPRIM Santé names in a drop folder goes with its message, by its bare name only."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.identifiers import LetterId
from gateway.ingest.folder import FolderDoor, FolderSettings, Origin
from gateway.ingest.folder.beside import found, named_in, together
from gateway.parsers.read import read
from tests.unit.ingest.ingest_door_kit import NOW, FakeIntake

PDF = b"%PDF-1.4 essai\n%%EOF\n"
LINES = (
    r"H|~^\&|M1|secret|LABO1~LABORATOIRE||ORU|||GP1~CABINET||P|H2.4~C|202601121115",
    "P|1|IPP1||S1|TESTINI~AMELIE|NAISSANCE|19780214|F",
    "OBR|1|~N1|~N1|NFS~NUMERATION|R||202601120815",
    "OBX|1|FIC|CRMFICPDF~CR||LABO~{}~PDF||||||F",
    "OBX|2|NM|HB~Hb||11.4|g/dL|12-16||||F",
    "L|1||1|6",
)


def message(name: str) -> bytes:
    return "".join(f"{line}\r\n" for line in LINES).replace("{}", name).encode("latin-1")


@pytest.mark.parametrize("name", ["/etc/hostname", "..\\cr.pdf", "http://x/cr.pdf", ".cr.pdf"])
def test_a_path_is_no_name(name: str) -> None:
    assert named_in(message(name)) == ()


def test_a_name_cut_by_a_continuation_is_whole() -> None:
    assert named_in(message("c\r\nA|r.pdf")) == ("cr.pdf",)


def test_a_letter_of_its_own_is_nobodys_file(tmp_path: Path) -> None:
    (tmp_path / "other.hpr").write_bytes(b"x")
    (tmp_path / "CR.PDF").write_bytes(PDF)
    assert found(tmp_path, ("other.hpr", "cr.pdf", "absent.pdf")) == ("CR.PDF",)


def test_both_are_one_letter_that_the_reader_takes_apart() -> None:
    content = message("cr.pdf")
    reading = read(together(content, "lab.hpr", {"CR.PDF": PDF}), name="lab.hpr")
    (document,) = reading.documents
    assert document.original.content == content
    assert [(file.name, file.content) for file in document.attachments] == [("CR.PDF", PDF)]


@pytest.fixture
def door(tmp_path: Path) -> tuple[FolderDoor, FakeIntake, Path]:
    intake, folder = FakeIntake(), tmp_path / "drop"
    folder.mkdir()
    origin = Origin(source="lab", recipients=("auto@hospital.test",), max_size=4096)
    settings = FolderSettings(path=folder, origin=origin, settle=timedelta(0))
    ids = (LetterId(f"{number:026d}") for number in itertools.count(1))
    return FolderDoor(settings, intake, lambda: NOW, lambda: next(ids)), intake, folder


async def looked(door: FolderDoor, times: int = 4) -> None:
    for _ in range(times):
        await door.look()


async def test_the_named_file_goes_with_its_message_and_both_leave_the_folder(door):
    at, intake, folder = door
    (folder / "lab.hpr").write_bytes(message("cr.pdf"))
    (folder / "CR.PDF").write_bytes(PDF)
    (folder / "unnamed.pdf").write_bytes(PDF + b"x")
    await looked(at)
    (letter,) = intake.kept
    (document,) = read(letter.content, name=letter.name).documents
    assert [file.content for file in document.attachments] == [PDF]
    assert sorted(one.name.partition("_")[2] for one in (folder / "taken").iterdir()) == ["CR.PDF", "lab.hpr"]
    assert (folder / "unnamed.pdf").exists()


async def test_a_file_that_is_still_being_written_is_waited_for(door):
    at, intake, folder = door
    (folder / "lab.hpr").write_bytes(message("cr.pdf"))
    with (folder / "cr.pdf").open("wb") as file:
        file.write(PDF[:8])
        file.flush()
        await looked(at)
        assert intake.kept == []
        file.write(PDF[8:])
    await looked(at)
    assert len(intake.kept) == 1


async def test_a_link_is_no_file_of_the_drop(door, tmp_path):
    at, intake, folder = door
    (tmp_path / "secret.pdf").write_bytes(PDF)
    (folder / "cr.pdf").symlink_to(tmp_path / "secret.pdf")
    (folder / "lab.hpr").write_bytes(message("cr.pdf"))
    await looked(at)
    assert [letter.content for letter in intake.kept] == [message("cr.pdf")]


async def test_too_much_together_is_refused(door):
    at, intake, folder = door
    (folder / "lab.hpr").write_bytes(message("cr.pdf"))
    (folder / "cr.pdf").write_bytes(PDF * 300)
    await looked(at)
    assert intake.kept == []
    assert (folder / "refused" / "lab.hpr").exists()


async def test_a_message_without_its_file_goes_alone(door):
    at, intake, folder = door
    (folder / "lab.hpr").write_bytes(message("cr.pdf"))
    await looked(at)
    assert [letter.content for letter in intake.kept] == [message("cr.pdf")]
