"""CDA documents: XML of strangers (promises.md §2 row 22)."""

from __future__ import annotations

from gateway.parsers.cda import read_cda
from tests.fuzz.target import read_or_refused, vectors

WORDS = (
    b"<!DOCTYPE", b"<!ENTITY", b"<component>", b"<structuredBody>", b"<nonXMLBody>", b'nullFlavor="UNK"', b"<table>",
    b'extension="', b'root="1.2.250.1.71.4.2.1"', b"<time value=", b"&#x0;", b"<![CDATA[", b'encoding="UTF-7"',
)  # fmt: skip


def seeds() -> list[bytes]:
    return [*vectors("cda/*.xml"), b'<!DOCTYPE x [<!ENTITY a "b">]><ClinicalDocument xmlns="urn:hl7-org:v3">&a;']


def run(data: bytes) -> None:
    read_or_refused(read_cda, data)
