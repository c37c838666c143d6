"""HL7 v2 messages as the MLLP and folder doors take them (row 23), and the MSH that an acknowledgement echoes."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.identifiers import LetterId
from gateway.ingest.ack import Answer, acknowledge
from gateway.ingest.msh import DEFAULT, read_msh
from gateway.parsers.hl7v2 import read_hl7v2
from tests.fuzz.target import read_or_refused, vectors

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
WORDS = (
    b"\rPID|", b"\rOBX|1|ED|", b"\rTXA|", b"\rPRT|", b"\rZBE|", b"\rOBR|", b"\rPV1|", b"^^Base64^", b"\\X0D\\",
    b"\\.br\\", b"\\.sp99\\", b"\\XC3\\\\XA9\\", b"\\C2842\\", b"\\F\\", b"\\S\\", b"MDM^T02", b"ORU^R01", b"ADT^A40",
    b'""', b"UNICODE UTF-8", b"8859/15", b"\rNTE|1||", b"\rMRG|", b"\rZFA|", b"\rZFM|", b"\rROL|1|UC|ODRP|", b"|NM|",
    b"|SN|", b"|CWE|", b"|RP|", b"12.0-16.0", b"< 5", b"MSH@#$%!", b"CISIS_CDA_HL7_V2", b"||CANCEL|",
    b"20260115101500+0100",
)  # fmt: skip


def seeds() -> list[bytes]:
    return [*vectors("hl7v2/*.hl7"), *vectors("delays/*.hl7")]


def run(data: bytes) -> None:
    read_or_refused(read_hl7v2, data)
    answer = acknowledge(read_msh(data) or DEFAULT, Answer.TAKEN, letter=LetterId("01LETTER"), at=NOW)
    inside = answer.removeprefix(b"\x0b").removesuffix(b"\x1c\r")
    if b"\x0b" in inside or b"\x1c" in inside or b"\n" in inside or not inside.startswith(b"MSH"):
        raise AssertionError("an acknowledgement that breaks its own block")
