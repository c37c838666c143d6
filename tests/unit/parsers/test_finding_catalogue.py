"""The catalogue of findings: every code that our source can give is told in both languages, and none besides."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from gateway.document import Severity
from gateway.parsers import catalogue as book
from gateway.parsers.catalogue import catalogue, sentences
from gateway.parsers.french import french_place, in_french
from gateway.parsers.read import read_part
from tests.unit.parsers.raised_codes import CODE, KINDS, Source

ROOT = Path(__file__).resolve().parents[3]
READERS = sorted((ROOT / "gateway/parsers").rglob("*.py"))
OTHERS = [ROOT / "gateway" / name for name in ("journey.py", "admission.py", "correspondents.py")]
DOORS = [ROOT / "gateway/ingest/mllp/answering.py", ROOT / "commands/check_reading.py"]


@cache
def everything_raised() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for path in (*READERS, *OTHERS, *DOORS):
        for one in Source(path.read_text()).raised():
            found[one.code] |= one.severities
    return found


def test_every_code_that_the_readers_can_give_is_in_the_catalogue_with_its_severity() -> None:
    given, told = everything_raised(), catalogue()
    assert len(given) > 200
    assert sorted(given.keys() - told.keys()) == []
    wrong = {code: kinds for code, kinds in given.items() if not told[code].severities & set(map(Severity, kinds))}
    sure = {code: kinds for code, kinds in given.items() if kinds != KINDS}
    assert wrong == {}
    assert {code for code, kinds in sure.items() if kinds - {str(one) for one in told[code].severities}} == set()


def test_the_catalogue_tells_no_code_that_nobody_gives() -> None:
    assert sorted(catalogue().keys() - everything_raised().keys()) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('error("new-code", place, "x")', {"new-code": {"error"}}),
        ('yield warning("a-b" if x else "c-d", place, "x")', {"a-b": {"warning"}, "c-d": {"warning"}}),
        ('remark = error if x else note\nremark("chosen", p, "x")', {"chosen": {"error", "note"}}),
        ('def _refuse(code): return error(code, "p", "m")\n_refuse("handed-on")', {"handed-on": {"error"}}),
        ('Finding(severity=Severity.ERROR, place="", code="made-by-hand", message="")', {"made-by-hand": {"error"}}),
        (
            'code, place = ("a-b", "MSH-9") if x else ("c-d", "PID")\nnote(code, place, "x")',
            {"a-b": {"note"}, "c-d": {"note"}},
        ),
        ("error(some_name, place, words)", {"unreadable: some_name": {"error"}}),
    ],
)
def test_the_search_sees_a_code_however_it_is_given(source: str, expected: dict[str, set[str]]) -> None:
    assert {one.code: set(one.severities) for one in Source(source).raised()} == expected


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_each_entry_says_what_why_and_what_to_do_in_both_languages(code: str) -> None:
    entry = catalogue()[code]
    assert CODE.fullmatch(code)
    assert entry.severities
    for said in (entry.fr, entry.en):
        assert said.what
        assert said.why
        assert not re.search(r"[.;:]$|  ", f"{said.what}{said.why}{said.do}")
    assert bool(entry.fr.do) == bool(entry.en.do)
    if entry.severities == {Severity.ERROR} and code != "mail-is-automatic":
        assert entry.fr.do, "an error that refuses a letter says what to do"
    assert bool(entry.facts) == bool(entry.fr.told)
    assert set(re.findall(r"\{(\w+)\}", entry.fr.told)) <= set(re.compile(entry.facts).groupindex)


@pytest.mark.parametrize("path", sorted((ROOT / "gateway/parsers/findings").glob("*.toml")), ids=lambda path: path.name)
def test_each_file_of_the_catalogue_stands_in_order(path: Path) -> None:
    codes = list(tomllib.loads(path.read_text()))
    assert codes == sorted(codes)


def test_a_code_in_two_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "findings").mkdir()
    table = '[twice]\nseverity = ["note"]\nfr.what = "a"\nfr.why = "b"\nen.what = "c"\nen.why = "d"\n'
    for name in ("one", "two"):
        (tmp_path / "findings" / f"{name}.toml").write_text(table)
    monkeypatch.setattr(book, "files", lambda package: tmp_path)
    with pytest.raises(ValueError, match="twice stands in two files"):
        catalogue.__wrapped__()


def test_the_facts_of_the_readers_message_are_told_in_french_too() -> None:
    (finding,) = read_part(b"%PDF-1.7\n%%EOF", "bilan.hpr").findings
    assert sentences(finding.code, finding.message, "fr").what == "c'est un PDF dans un fichier nommé .hpr"
    assert sentences(finding.code, finding.message, "en").what == "this is a PDF named .hpr"
    assert sentences(
        "flag-missing", "these flags of the volet are missing: DESTDMP, MASQUE_PS; add them", "fr"
    ).what == ("ces indicateurs du volet CI-SIS manquent : DESTDMP, MASQUE_PS")


def test_a_code_that_is_not_known_is_told_by_the_readers_own_words() -> None:
    assert sentences("from-tomorrow", "something new; do it", "fr").what == "something new; do it"
    assert in_french("from-tomorrow") == ""


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("line 7 field 10", "ligne 7 champ 10"),
        ("OBX line 13 field 6", "OBX ligne 13 champ 6"),
        ("PID-3", "PID-3"),
        ("IHE_XDM/SUBSET01/DOC0001.XML line 4", "IHE_XDM/SUBSET01/DOC0001.XML ligne 4"),
        ("part 1.2: byte 812", "partie 1.2: octet 812"),
    ],
)
def test_places_are_told_in_french_and_names_stay(english: str, french: str) -> None:
    assert french_place(english) == french
