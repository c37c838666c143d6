"""HPRIM Santé: an ancestor of HL7 with its own separators and continuations."""

from __future__ import annotations

from gateway.parsers.hprim import read_hprim_sante
from tests.fuzz.target import read_or_refused, vectors

WORDS = (
    b"\rOBR|", b"\rOBX|", b"\rP|", b"\rC|", b"\rL|1", b"\rA|", b"\rAC|", b"\rERR|", b"FIC", b"H|~^\\&|", b"H|^~\\&|",
    b"H2.4~C", b"ORU", b"NM|", b"~~", b"\\X0D\\", b"\\F\\", b"\\S\\", b"\\T\\", b"\\\\", b"CE|", b"CNA|", b"TX|",
    b"ST|", b"GC|", b"PDF|", b"TIF|", b"CRMPDF", b"CRMFICPDF", b"CREDITABLE", b"JVBERi0xLjQK", b"^", b"&", b"~R",
    b"~L", b"~A", b"99900000011", b"751234567", b"|F", b"|P", b"|C", b"|X", b"|D", b"12.0-16.0", b"-5.0",
    b"vr : 4 a 10", b"<5", b"19780214", b"202601120815", b"INS-C", b"\rL|1||1|5", b"|||||||||", b"\t", b"\x0b",
    b"\x1c", b"\xef\xbb\xbf",
)  # fmt: skip


def seeds() -> list[bytes]:
    return [*vectors("hprim/hprim_sante*.hpr"), *vectors("hprim/deviations/sante*.hpr")]


def run(data: bytes) -> None:
    read_or_refused(read_hprim_sante, data)
