"""A reading as JSON that a person can compare: what was found, without what is empty; files by size and hash.

``python -m tests.unit.parsers.hl7v2_golden_kit`` writes the expected files anew: read the difference before keeping it.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from hashlib import sha256
from pathlib import Path

from gateway.document import Reading
from gateway.errors import UnreadableDocument
from gateway.parsers.hl7v2 import read_hl7v2

FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "hl7v2"


def golden() -> list[Path]:
    """Every HL7 fixture of ours."""
    return sorted(FOLDER.rglob("*.hl7"))


def shown(content: bytes) -> dict[str, object]:
    """What the reader makes of the bytes, or why it refuses them."""
    try:
        reading = read_hl7v2(content)
    except UnreadableDocument as refusal:
        reading = Reading(format="hl7v2", findings=refusal.findings)
    return {"accepted": reading.accepted, **_plain(reading, content)}


def written(content: bytes) -> str:
    """The same as the text of an expected file."""
    return json.dumps(shown(content), ensure_ascii=False, indent=1) + "\n"


def _plain(value: object, content: bytes) -> object:
    if is_dataclass(value):
        found = {one.name: (one, getattr(value, one.name)) for one in fields(value)}
        return {
            name: _plain(held, content)
            for name, (one, held) in found.items()
            if held not in (None, "", ()) and (one.default is MISSING or held != one.default) and name != "message"
        }
    if isinstance(value, bytes):
        return "the message itself" if value == content else f"{len(value)} bytes, {sha256(value).hexdigest()[:16]}"
    if isinstance(value, tuple):
        return [_plain(one, content) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


if __name__ == "__main__":
    for path in golden():
        path.with_suffix(".json").write_text(written(path.read_bytes()))
