"""HPRIM Santé: an ancestor of HL7 with its own separators and continuations."""

from __future__ import annotations

from gateway.parsers.hprim import read_hprim_sante
from tests.fuzz.target import read_or_refused, vectors

WORDS = (
    b"\rOBR|", b"\rOBX|", b"\rP|", b"\rC|", b"\rL|1", b"\rA|", b"\rAC|", b"\rERR|", b"FIC", b"H|~^\\&|", b"H|^~\\&|",
    b"H2.4~C", b"ORU", b"NM|", b"~~", b"\\X0D\\",
)  # fmt: skip


def seeds() -> list[bytes]:
    return [*vectors("hprim/hprim_sante*.hpr"), *vectors("hprim/deviations/sante*.hpr")]


def run(data: bytes) -> None:
    read_or_refused(read_hprim_sante, data)
