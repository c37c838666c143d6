"""Golden files: what each shape of CDA, XDM archive and mail in ``tests/vectors`` is read as, whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import UnreadableDocument
from gateway.parsers.read import read
from tests.unit.parsers.golden_reading import check, told

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
ENDINGS = {"cda": "*.xml", "xdm": "*.zip", "mime": "*.eml"}
INPUTS = sorted(path for folder, ending in ENDINGS.items() for path in (VECTORS / folder).rglob(ending))


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: str(path.relative_to(VECTORS)))
def test_the_input_is_read_as_its_golden_file_says(path: Path) -> None:
    try:
        found = told(read(path.read_bytes(), name=path.name))
    except UnreadableDocument as refusal:
        found = told(refusal)

    check(found, path.with_suffix(".json"))
    assert found.get("accepted", False) is ("refused" not in path.parts)


def test_each_folder_tells_what_lies_in_it() -> None:
    for folder in ENDINGS:
        words = (VECTORS / folder / "README.md").read_text()
        missing = [path.name for path in INPUTS if folder in path.parts and path.stem not in words]
        assert not missing
