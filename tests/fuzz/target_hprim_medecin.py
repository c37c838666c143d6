"""HPRIM Médecin: twelve lines of header, then anything."""

from __future__ import annotations

from gateway.parsers.hprim import read_hprim_medecin
from tests.fuzz.target import read_or_refused, vectors

WORDS = (
    b"****LAB****", b"****FIN****", b"****FINFICHIER****", b"RES|", b"TEX|", b"TIT|", b"|N|", b"|<", b"\xe9", b"\x8e",
    b"\xc3\xa9", b"14/02/1978", b"2780278000000 12", b"\xef\xbb\xbf", b".   /",
)  # fmt: skip


def seeds() -> list[bytes]:
    return [*vectors("hprim/hprim_medecin*.hpr"), *vectors("hprim/deviations/*.hpr")]


def run(data: bytes) -> None:
    read_or_refused(read_hprim_medecin, data)
