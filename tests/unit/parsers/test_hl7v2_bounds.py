"""Ten megabytes of anything in one HL7 field: a second at most, and memory in proportion (promises.md §2, row 23)."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from gateway.errors import UnreadableDocument
from gateway.parsers.hl7v2 import read_hl7v2

HEAD = b"MSH|^~\\&|A|L|C|D|2026||ORU^R01|7|T|2.5\rPID|1||P1||T^A\rOBR|1\r"
TEN = 10_000_000
SHAPES = {
    "text": b"OBX|1|FT|A^B||" + b"x" * TEN,
    "layout that multiplies": b"OBX|1|FT|A^B||" + b"\\.sp99\\" * (TEN // 7),
    "layout up to the limit": b"OBX|1|FT|A^B||" + b"\\.sp99\\" * 199_000,
    "hexadecimal in small pieces": b"OBX|1|FT|A^B||" + b"\\X41\\" * 199_000,
    "hexadecimal without its end": b"OBX|1|FT|A^B||\\X" + b"41" * (TEN // 2),
    "open escapes": b"OBX|1|FT|A^B||" + b"\\" * TEN,
    "repetitions": b"OBX|1|TX|A^B||" + b"a~" * (TEN // 2),
    "components": b"OBX|1|ST|A^B||" + b"^" * TEN,
    "fields": b"OBX|1|ST|A^B||" + b"|" * TEN,
    "notes": b"OBX|1|ST|A^B||1\r" + b"NTE|1||note\r" * 19_000,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shape_is_read_or_refused_within_a_second(shape: str) -> None:
    content = HEAD + SHAPES[shape] + b"\r"
    began = time.process_time()
    told: list[str] = []
    try:
        read_hl7v2(content)
    except UnreadableDocument as refusal:
        told = [finding.code for finding in refusal.findings]
    # Twice the promise, for a machine whose cores others share.
    assert time.process_time() - began < 2
    assert told in ([], ["too-many-escapes"])


def test_hexadecimal_takes_no_more_memory_than_its_text() -> None:
    content = HEAD + b"OBX|1|FT|A^B||\\X" + b"41" * 1_000_000 + b"\r"
    tracemalloc.start()
    read_hl7v2(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * len(content)
