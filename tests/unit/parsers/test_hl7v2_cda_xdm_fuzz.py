"""Any bytes give a ``Reading`` or ``UnreadableDocument`` (style 36): random ones, and mutations of our own vectors."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.document import Reading, Severity
from gateway.errors import UnreadableDocument
from gateway.parsers.cda import read_cda
from gateway.parsers.hl7v2 import read_hl7v2
from gateway.parsers.xdm import read_xdm

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
MUTATIONS = settings(FUZZ, max_examples=50)
"""For each of some forty seeds; Atheris goes on from the same ones (tests/fuzz)."""
Reader = Callable[[bytes], Reading]


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("IHE_XDM/SUBSET01/METADATA.XML", (VECTORS / "xdm" / "METADATA.XML").read_bytes())
        archive.writestr("IHE_XDM/SUBSET01/DOC0001.XML", (VECTORS / "cda" / "discharge_letter_n1.xml").read_bytes())
    return out.getvalue()


SEEDS: list[tuple[Reader, bytes]] = [
    *((read_hl7v2, path.read_bytes()) for path in sorted((VECTORS / "hl7v2").glob("*.hl7"))),
    *((read_cda, path.read_bytes()) for path in sorted((VECTORS / "cda").glob("*.xml"))),
    (read_xdm, zipped()),
]
PIECES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            b"|",
            b"^",
            b"~",
            b"&",
            b"\\",
            b"\r",
            b"\n",
            b'""',
            b"\x00",
            b"\xff",
            b"\\X0D\\",
            b"\rOBX|1|ED|||",
            b"<",
            b">",
            b"</",
            b"PK",
        ]
    ),
)


def read(reader: Reader, content: bytes) -> None:
    """The promise itself."""
    try:
        reading = reader(content)
    except UnreadableDocument as refusal:
        accepted, findings = False, refusal.findings
    else:
        accepted, findings = reading.accepted, reading.findings
    assert accepted or any(finding.severity is Severity.ERROR for finding in findings)
    for finding in findings:
        assert finding.code.replace("-", "").isalnum()
        assert finding.place
        assert "\n" not in finding.message
        assert len(finding.message) < 300


@pytest.mark.parametrize("reader", [read_hl7v2, read_cda, read_xdm])
@given(content=st.binary(max_size=300))
@FUZZ
def test_random_bytes_are_read_or_refused(reader: Reader, content: bytes) -> None:
    read(reader, content)


@given(rest=st.lists(st.one_of(PIECES, st.sampled_from([b"PID|", b"OBX|1|NM|A^B||1|", b"PRT||UC||RCT|"])), max_size=60))
@pytest.mark.parametrize("kind", [b"MDM^T02", b"ORU^R01", b"ADT^A03", b"ADT^A40"])
@FUZZ
def test_any_segments_behind_a_good_header_are_read_or_refused(kind: bytes, rest: list[bytes]) -> None:
    header = b"MSH|^~\\&|A|B|C|D|20260115||" + kind + b"|1|T|2.5|||||FRA|8859/1|||2.1^CISIS_CDA_HL7_V2\rPID|1||1||A^B\r"
    read(read_hl7v2, header + b"".join(rest))


@pytest.mark.parametrize("seed", range(len(SEEDS)))
@given(data=st.data())
@MUTATIONS
def test_mutations_of_our_vectors_are_read_or_refused(seed: int, data: st.DataObject) -> None:
    reader, content = SEEDS[seed]
    mutated = bytearray(content)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(mutated)))
        length = data.draw(st.sampled_from([0, 0, 1, 1, 4, 40, 400]))
        mutated[at : at + length] = data.draw(PIECES)
    read(reader, bytes(mutated))


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_every_vector_cut_anywhere_is_read_or_refused(seed: int) -> None:
    reader, content = SEEDS[seed]
    for cut in range(0, len(content), 61):
        read(reader, content[:cut])


def test_a_letter_cut_before_its_flags_never_loses_a_prohibition_unseen() -> None:
    """A message cut between segments is still well formed: the missing flags are told, so nobody sends it blindly."""
    content = (VECTORS / "hl7v2" / "mdm_t02_cda_n1.hl7").read_bytes()
    reading = read_hl7v2(content[: content.index(b"OBX|2|")])

    assert "flag-missing" in [finding.code for finding in reading.findings]
