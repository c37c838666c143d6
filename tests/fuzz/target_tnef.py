"""winmail.dat: the stream, its MAPI properties, the compressed body, mails inside."""

from __future__ import annotations

from gateway.document import Reading
from gateway.parsers.tnef import unpack
from tests.fuzz.target import read_or_refused, vectors

WORDS = (
    b"\x78\x9f\x3e\x22", b"\x03\x90\x06\x00", b"\x02\x90\x06\x00", b"\x05\x90\x06\x00", b"\x0f\x80\x06\x00",
    b"\x1f\x00\x07\x37", b"\x02\x01\x01\x37", b"LZFu", b"MELA", b"\xff\xff\xff\xff",
    b"\x07\x03\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46",
)  # fmt: skip


def seeds() -> list[bytes]:
    return vectors("mime/*.dat")


def run(data: bytes) -> None:
    read_or_refused(_unpacked, data)


def _unpacked(data: bytes) -> Reading:
    found = unpack(data, "part 1")
    if found.files and any(one.severity == "error" and one.code == "tnef-damaged" for one in found.findings):
        raise AssertionError("half of the files of a damaged stream")
    return Reading(format="mime", findings=found.findings, already_sealed=True)
