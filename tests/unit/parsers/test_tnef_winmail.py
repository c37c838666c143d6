"""winmail.dat: words and files as the sender attached them, damage told, seals refused, nothing without bounds."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.parsers.tnef import Unpacked, unpack
from gateway.parsers.tnef.rtf import decompressed
from gateway.parsers.tnef.stream import DamagedTnef
from tests.unit.parsers import tnef_writer as writer

PDF = b"%PDF-1.4 essai\n%%EOF\n"


def codes(unpacked: Unpacked) -> list[str]:
    return [one.code for one in unpacked.findings]


def test_words_and_files_come_out_exactly_as_they_were_attached(vectors: Path) -> None:
    unpacked = unpack((vectors / "mime" / "winmail.dat").read_bytes(), "part 1.2")

    assert unpacked.text == "Cher confrère,\nvoici le bilan."
    assert [(one.name, one.media_type) for one in unpacked.files] == [
        ("résultats.pdf", "application/pdf"),
        ("bilan.hpr", "application/octet-stream"),
    ]
    assert unpacked.files[0].content == (vectors / "cda" / "letter.pdf").read_bytes() + b"\0\0\0"
    assert unpacked.files[1].content == (vectors / "hprim" / "hprim_medecin_lab.hpr").read_bytes()
    assert unpacked.findings == ()


def test_a_mail_inside_gives_its_words_and_files(vectors: Path) -> None:
    unpacked = unpack((vectors / "mime" / "winmail-mail-inside.dat").read_bytes(), "part 1")

    assert unpacked.text == "Voici le courrier.\n\nTexte de l'ancien courrier."
    assert [one.name for one in unpacked.files] == ["ancien.pdf"]


def test_words_in_rtf_are_kept_as_rtf(vectors: Path) -> None:
    unpacked = unpack((vectors / "mime" / "winmail-rtf.dat").read_bytes(), "part 1")

    assert unpacked.rtf == rb"{\rtf1\ansi Cher confr\'e8re,\par au revoir.}"


def test_the_example_of_the_specification_is_decompressed() -> None:
    """MS-OXRTFCP §3.1.1: literals and a reference into the dictionary."""
    compressed = bytes.fromhex("2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af3206865"
                               "6c090020627705b06c647d0a800fa0")  # fmt: skip

    assert decompressed(compressed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


@given(rtf=st.binary(max_size=400))
def test_any_rtf_of_literals_comes_back(rtf: bytes) -> None:
    assert decompressed(writer.compressed_rtf(rtf)) == rtf


@pytest.mark.parametrize(
    "damaged",
    [
        b"", b"LZFu", struct.pack("<IIII", 12, 1 << 31, 0x75465A4C, 0), struct.pack("<IIII", 12, 5, 0x11111111, 0),
        writer.compressed_rtf(b"bonjour")[:-4], writer.compressed_rtf(b"0123456789")[:-6],
    ],
)  # fmt: skip
def test_rtf_that_stops_in_the_middle_is_damage(damaged: bytes) -> None:
    with pytest.raises(DamagedTnef):
        decompressed(damaged)


def test_every_truncation_gives_nothing_and_says_so(vectors: Path) -> None:
    content = (vectors / "mime" / "winmail.dat").read_bytes()
    whole = unpack(content, "part 1")
    for cut in range(4, len(content) - 1, 7):
        unpacked = unpack(content[:cut], "part 1")
        assert codes(unpacked) == ["tnef-damaged"] or len(unpacked.files) <= len(whole.files)
        assert not (codes(unpacked) == ["tnef-damaged"] and unpacked.files)


def test_a_file_cut_in_its_bytes_is_never_a_shorter_file() -> None:
    content = writer.stream(writer.file("a.pdf", PDF * 50))

    assert codes(unpack(content[:600], "part 1")) == ["tnef-damaged"]


def test_a_wrong_checksum_is_told_and_the_file_passes() -> None:
    content = writer.stream(writer.attribute(1, 0x0002800C, b"Bonjour\0", wrong_sum=True), writer.file("a.pdf", PDF))
    unpacked = unpack(content, "part 1")

    assert (codes(unpacked), unpacked.text, unpacked.files[0].content) == (["tnef-checksum"], "Bonjour", PDF)


@pytest.mark.parametrize(
    "sealed",
    [
        writer.attribute(1, 0x00078008, b"IPM.Note.SMIME.MultipartSigned\0"),
        writer.file("smime.p7m", b"x", writer.text_property(0x370E, "multipart/signed")),
    ],
)
def test_a_sealed_mail_in_winmail_is_refused(sealed: bytes) -> None:
    assert "tnef-sealed" in codes(unpack(writer.stream(sealed), "part 1"))


def test_mails_inside_mails_have_an_end() -> None:
    content = writer.stream(writer.file("a.pdf", PDF))
    for _ in range(8):
        inside = writer.properties(writer.object_property(0x3701, writer.INSIDE + content))
        content = writer.stream(writer.attribute(2, 0x00069002, bytes(14)), writer.attribute(2, 0x00069005, inside))

    assert codes(unpack(content, "part 1")) == ["tnef-damaged"]


@pytest.mark.parametrize(
    "hostile",
    [
        writer.stream(*[writer.attribute(1, 0x0002800C, b"")] * 200_000),
        writer.stream(*[writer.file("a", b"x")] * 300),
        writer.stream(writer.attribute(1, 0x00069003, struct.pack("<I", 0xFFFFFFFF) + bytes(100_000))),
        writer.stream(writer.attribute(1, 0x00069003, struct.pack("<IHHI", 1, 0x101F, 0x0037, 0xFFFFFFFF))),
        writer.stream(writer.attribute(1, 0x00069003, struct.pack("<IHHII", 1, 0x001F, 0x1000, 1, 0xFFFFFFFF))),
        writer.stream(struct.pack("<BII", 1, 0x0002800C, 0xFFFFFFFF)),
        writer.stream(b"\x07" * 50),
    ],
)
def test_no_count_or_length_in_it_is_believed(hostile: bytes) -> None:
    started = time.process_time()

    assert codes(unpack(hostile, "part 1")) == ["tnef-damaged"]
    assert time.process_time() - started < 0.5


def test_an_office_object_is_told_and_left_out() -> None:
    tags = writer.properties(writer.object_property(0x3701, writer.INSIDE + b"\xd0\xcf\x11\xe0"))
    content = writer.stream(writer.attribute(2, 0x00069002, bytes(14)), writer.attribute(2, 0x00069005, tags))

    assert codes(unpack(content, "part 1")) == ["tnef-object"]


@given(content=st.binary(max_size=200))
@settings(max_examples=200)
def test_any_bytes_are_taken_apart_or_damaged(content: bytes) -> None:
    for data in (content, b"\x78\x9f\x3e\x22\x00\x00" + content):
        unpacked = unpack(data, "part 1")
        assert all(one.message.isprintable() for one in unpacked.findings)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_mutations_of_a_winmail_are_taken_apart_or_damaged(data: st.DataObject, vectors: Path) -> None:
    content = bytearray((vectors / "mime" / "winmail.dat").read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    unpack(bytes(content), "part 1")
