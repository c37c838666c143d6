"""A national file, its ZIP, or a page of the national API: rows, rejected rows, or DirectoryError in one line."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from directory import Directory, DirectoryError, import_files, shelf_of
from directory.delta import Gathering, take_delta
from directory.delta.api import Page
from tests.fuzz.target import vectors
from tests.unit.directory.annuaire import mailbox, organisation, practitioner, role
from tests.unit.directory.country import Country, activity_lines, mailbox_lines

FOLDER = Path(tempfile.mkdtemp(prefix="huitaine-fuzz-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = (
    b"PER|", b"ORG|", b"|8|99900000001|899900000001|", b"@b.example|", b"\xc3\xa9", b"\xe9", b"\x00", b"\r\n", b"\n",
    b"PK\x03\x04", b"|" * 30, b'"entry":[', b'"telecom":', b'"identifier":', b'"reference":"Practitioner/1"', b"null",
    b'"valueBoolean":true', b'"active":false',
)  # fmt: skip


class Played:
    """An API that answers everything with the same page."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def page(self, address: str) -> Page:
        return self._page


def seeds() -> list[bytes]:
    country = Country(100)
    files = [mailbox_lines(country, 20), activity_lines(country, 20)]
    people = [
        practitioner("1", "99900000001", "NOM", mailbox("a@b.example", listeRouge=False)),
        role("2", "1", "3", mailbox("c@b.example")),
        organisation("3", "2A9000001", "CABINET", mailbox("d@b.example", "ORG")),
    ]
    page = {"resourceType": "Bundle", "entry": [{"resource": one} for one in people]}
    return [*("\n".join(lines).encode() for lines in files), json.dumps(page).encode(), *vectors("directory/*.txt")]


def run(data: bytes) -> None:
    """Also: whatever is refused, the directory before it still answers."""
    before = _before()
    try:
        page = json.loads(data)
    except ValueError:
        _take_file(data)
    else:
        if isinstance(page, dict):
            _take_page({**page, "link": []})
    if not before.by_rpps("99000000000"):
        raise AssertionError("the directory before is gone")
    before.close()


def _before() -> Directory:
    if not (FOLDER / "good.txt").exists():
        lines = "\n".join(islice(mailbox_lines(Country(100), 20), 21))
        (FOLDER / "good.txt").write_text(lines + "\n", encoding="utf-8")
    import_files(FOLDER, [FOLDER / "good.txt"], confirm=True, clock=lambda: NOW)
    return Directory.open(FOLDER)


def _take_file(data: bytes) -> None:
    (FOLDER / "file").write_bytes(data)
    try:
        report = import_files(FOLDER, [FOLDER / "file"], clock=lambda: NOW)
        told = [one.words for file in report.files for one in (*file.examples, *file.remarks)]
    except DirectoryError as refused:
        told = [str(refused)]
    finally:
        # What was published is another directory: the next input begins with the good one again.
        import_files(FOLDER, [FOLDER / "good.txt"], confirm=True, clock=lambda: NOW)
    if any(not words.isprintable() or len(words) > 500 for words in told):
        raise AssertionError(f"words that are not one line: {told[:3]!r}")


def _take_page(page: Page) -> None:
    shelf = shelf_of(FOLDER)
    try:
        with Gathering.opened(FOLDER, NOW, NOW) as gathering:
            take_delta(shelf, gathering, Played(page), tell=lambda _: None)
    except DirectoryError:
        pass
    finally:
        shelf.close()
        (FOLDER / "delta.db").unlink(missing_ok=True)
