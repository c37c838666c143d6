"""Each deviation of hprim.md §1.5 to §1.8 and §2.5: what is decided of it, and the whole document it gives.

``python tests/unit/parsers/test_hprim_golden.py`` writes the expected documents anew, to be read before they are kept.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.document import Reading
from gateway.parsers.read import read

FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "hprim"
_ROW = re.compile(r"\| `(?P<name>[\w.]+)` \|(?P<told>[^|]*)\| (?P<decision>read|refused)(?P<codes>[^|]*)\|")
_CODE = re.compile(r"`([a-z0-9-]+)`")


def told(reading: Reading) -> dict[str, Any]:
    """A reading as JSON; nothing that is empty, and content by its length and digest."""
    said = {
        "format": reading.format,
        "variant": reading.variant,
        "charset": reading.charset,
        "accepted": reading.accepted,
        "processing": reading.processing,
        "control_id": reading.control_id,
        "documents": [_plain({**asdict(one), "attachments": one.attachments}) for one in reading.documents],
        "findings": [f"{one.severity} {one.code} ({one.place})" for one in reading.findings],
    }
    return {key: value for key, value in said.items() if value not in (None, "")}


def _plain(value: Any) -> Any:  # Any: a dataclass taken apart, of values of every type
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if one not in (None, "", (), False)}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "sha256"):
        return {"name": value.name, "media_type": value.media_type, "sha256": value.sha256}
    return value


def decisions() -> dict[str, tuple[bool, set[str]]]:
    """The table of the README: whether each file is read, and the codes of what is remarked."""
    rows = _ROW.finditer((FOLDER / "README.md").read_text(encoding="utf-8"))
    return {row["name"]: (row["decision"] == "read", set(_CODE.findall(row["codes"]))) for row in rows}


def inputs() -> dict[str, Path]:
    return {path.name: path for path in sorted(FOLDER.rglob("*")) if path.suffix in {".hpr", ".txt"}}


DECISIONS = decisions()
INPUTS = inputs()


def test_the_readme_decides_on_every_file_and_on_nothing_else() -> None:
    assert DECISIONS.keys() == INPUTS.keys()
    assert {path.stem for path in FOLDER.rglob("*.json")} == {path.stem for path in INPUTS.values()}


@pytest.mark.parametrize("name", INPUTS)
def test_the_deviation_is_decided_as_the_readme_says(name: str) -> None:
    reading = read(INPUTS[name].read_bytes(), name=name)
    accepted, codes = DECISIONS[name]
    assert reading.accepted is accepted
    assert {finding.code for finding in reading.findings} == codes
    assert bool(reading.documents) is accepted


@pytest.mark.parametrize("name", INPUTS)
def test_the_file_gives_exactly_this_document(name: str) -> None:
    path = INPUTS[name]
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(told(read(path.read_bytes(), name=name)))) == expected


def write() -> None:
    for name, path in INPUTS.items():
        said = told(read(path.read_bytes(), name=name))
        text = json.dumps(said, ensure_ascii=False, indent=1)
        path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
