"""HPRIM Médecin: twelve lines of header, then anything."""

from __future__ import annotations

from gateway.parsers.charsets import decode
from gateway.parsers.hprim import read_hprim_medecin
from tests.fuzz.target import read_or_refused, vectors

WORDS = (
    b"****LAB****", b"****FIN****", b"****FINFICHIER****", b"RES|", b"TEX|", b"TIT|", b"|N|", b"|<", b"\xe9", b"\x8e",
    b"\xc3\xa9", b"14/02/1978", b"278029999912310", b"\xef\xbb\xbf", b"\xff\xfe", b".   /", b"00/00/1950",
    b"1 JAN 1911", b"\r", b"\r\n", b"\n", b"***FIN***", b"|A|", b"|||N|F|", b"12,9", b"*12.9*", b"2.20-2.60",
    b"-2 - 2", b"< 0.12  mg/l", b"\xe2\x89\xa4", b"224.000", b"&eacute;", b"&#039;", b"<br />",
    b"IPP1\rTESTINI\rAMELIE\r\r\r\r14/02/1978\r\r\r\r\r\r", b"\x82", b"\xcc\xa9", b"\xc3\x83\xc2\xa9", b"\x1a",
    b"\x0c",
)  # fmt: skip


def seeds() -> list[bytes]:
    return [*vectors("hprim/hprim_medecin*.hpr"), *vectors("hprim/deviations/*.hpr")]


def run(data: bytes) -> None:
    """Also: a patient's names and birth date stand in the bytes, none is made up."""
    read_or_refused(read_hprim_medecin, data)
    reading = read_hprim_medecin(data)
    text = decode(data).text if reading.documents else ""
    for document in reading.documents:
        patient = document.patient
        if patient is None or patient.family not in text or patient.given not in text or not patient.birth_date:
            raise AssertionError("an identity that the file does not hold")
