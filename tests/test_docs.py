"""The documentation says nothing that is not there: paths, commands, tests, standards, reason codes, metrics."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.main

import cli
from gateway.addressing.reasons import WORDS
from gateway.journey import BROKEN, POISON
from gateway.parsers.hl7v2.movement import TRIGGERS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "deploy/README.md", *(ROOT / "docs").rglob("*.md")])
OURS = (
    "gateway",
    "directory",
    "config",
    "commands",
    "tests",
    "docs",
    "demo",
    "scripts",
    "bench",
    "faults",
    "tools",
    "deploy",
    ".ci",
)
MADE = ("demo/out", "bench/results.json", "faults/results.json")
"""Made by a command, in no checkout."""
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)\)")
BLOCK = re.compile(r"^(?: {4}|\t)(\S.*)$", re.MULTILINE)
STANDARD = re.compile(
    r"RFC \d{3,5}|PAM\.fr|CI-SIS|HPRIM Médecin|HPRIM Santé|IHE XDM|IHE XDS-SD|IHE ITI|CDA R2|MLLP|LOINC|RNIV|PDF/A-\d"
    r"|HL7 v2\.\d|[DLR]\.\d{4}(?:-\d+)+ CSP|référentiel #\d|PS_LibreAcces|Extraction_Correspondance_MSSante"
)
PROMISE = re.compile(r"(?:promises?(?:\.md)? |\()([A-F][0-9]{1,2})\b")
TEST = re.compile(r"test_[a-z0-9]+(?:_[a-z0-9]+){2,}")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


@cache
def prose(path: Path) -> tuple[str, ...]:
    """Every comment, and every string that stands alone: docstrings and what is said of fields and constants."""
    with tokenize.open(path) as file:
        tokens = [token for token in tokenize.generate_tokens(file.readline) if token.type not in _LAYOUT]
    told, before = [], tokenize.NEWLINE
    for token in tokens:
        if token.type == tokenize.COMMENT:
            told.append(token.string)
            continue
        if token.type == tokenize.STRING and before == tokenize.NEWLINE:
            told.append(token.string)
        before = token.type
    return tuple(told)


_LAYOUT = {tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}


def cited(path: Path) -> set[str]:
    """The standards that a file names, joined where a line ends inside a name."""
    return {found for text in prose(path) for found in STANDARD.findall(re.sub(r"\s+", " ", text))}


def test_every_standard_cited_in_the_code_is_listed():
    listed = page("standards.md")
    missing = {(path.name, name) for path in sources("gateway", "directory") for name in cited(path)}
    assert sorted((path, name) for path, name in missing if not re.search(rf"{re.escape(name)}(?!\d)", listed)) == []


def test_the_search_for_standards_sees_one(tmp_path: Path):
    file = tmp_path / "guilty.py"
    file.write_text('"""As RFC\n5321 §2 has it."""\nx = "RFC 1"  # and art. R.1112-1-2 CSP\n')
    assert cited(file) == {"RFC 5321", "R.1112-1-2 CSP"}


def paths_named(text: str) -> Iterator[str]:
    for word in CODE.findall(text):
        if re.fullmatch(rf"(?:{'|'.join(map(re.escape, OURS))})/[\w./-]*", word) or word in {
            "Makefile",
            "pyproject.toml",
        }:
            yield word


@pytest.mark.parametrize("name", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_path_that_a_page_names_is_there(name: Path):
    text = name.read_text()
    gone = [path for path in paths_named(text) if not path.startswith(MADE) and not (ROOT / path).exists()]
    links = [link for link in LINK.findall(text) if "://" not in link and not (name.parent / link).exists()]
    assert gone + links == []


def test_a_page_that_names_a_missing_path_is_seen():
    assert list(paths_named("see `gateway/nowhere.py`, `data/huitaine.db`, `gateway.mode`")) == ["gateway/nowhere.py"]


def test_every_make_target_that_a_page_names_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set()
    for path in PAGES:
        text = path.read_text()
        spans = (*CODE.findall(text), *BLOCK.findall(text))
        named |= {found for span in spans for found in re.findall(r"^make ([a-z]+)", span)}
    assert {"demo", "test"} <= named
    assert named <= targets


def commands_named(text: str) -> Iterator[list[str]]:
    """The words of each ``huitaine …`` up to the first that is no command's name."""
    for span in (*CODE.findall(text), *BLOCK.findall(text)):
        for found in re.findall(r"(?:^|&& |  )huitaine ([a-z][a-z ]*)", span):
            yield found.split()


def test_every_command_that_a_page_names_is_there():
    root = typer.main.get_command(cli.app)
    unknown = []
    for path in PAGES:
        for words in commands_named(path.read_text().partition("### Not there yet")[0]):
            here = root
            for word in words:
                inner = getattr(here, "commands", None)
                if inner is None:
                    break
                if word not in inner:
                    unknown.append((path.name, " ".join(words)))
                    break
                here = inner[word]
    assert unknown == []


@cache
def known_tests() -> frozenset[str]:
    defined = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
    return frozenset(name for path in sources("tests") for name in defined.findall(path.read_text()))


@pytest.mark.parametrize("name", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_test_that_a_page_calls_as_a_witness_is_there(name: Path):
    named = {word for word in CODE.findall(name.read_text()) if TEST.fullmatch(word)}
    assert named - known_tests() == set()


def test_every_promise_that_code_or_tests_name_is_told():
    told = set(re.findall(r"^\| ([A-F]\d+) \|", page("promises.md"), re.MULTILINE))
    by_tests = {found[1].upper() for name in known_tests() if (found := re.match(r"test_([a-f]\d{1,2})_", name))}
    by_code = {
        found for path in sources("gateway", "directory") for text in prose(path) for found in PROMISE.findall(text)
    }
    # HL7 events look like promises: test_a13_stops_the_clock.
    assert (by_tests | by_code) - TRIGGERS - told == set()


def codes_in_table(text: str) -> set[str]:
    """What stands in the first column of any table, as code."""
    return {code for line in text.splitlines() if line.startswith("| `") for code in CODE.findall(line.split("|")[1])}


def protection_codes() -> Iterator[str]:
    """Every code that NoProtection is raised with; one made of two parts, once for each second part."""
    for path in sources("gateway"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "NoProtection(" in text else ():
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "NoProtection"):
                continue
            for given in node.args[:1]:
                if isinstance(given, ast.Constant):
                    yield str(given.value)
                elif isinstance(given, ast.JoinedStr) and isinstance(given.values[0], ast.Constant):
                    yield from (f"{given.values[0].value}{end}" for end in ("expired", "not-yet-valid"))


def test_every_reason_that_holds_a_letter_is_explained_to_the_administrator():
    explained = codes_in_table(page("operations.md"))
    assert {*WORDS, POISON.code, BROKEN.code} - explained == set()
    assert {"expired", "own-certificate-expired"} <= set(protection_codes())
    assert set(protection_codes()) - explained == set()


def test_every_metric_is_told_and_none_besides():
    made = set(re.findall(r'"(huitaine_\w+)"', (ROOT / "gateway/service/process/metrics.py").read_text()))
    told = {name.removesuffix("_total") for name in re.findall(r"`(huitaine_\w+)", page("operations.md"))}
    assert told == made


def test_the_picture_of_the_road_fits_a_terminal():
    picture = page("flow.md").split("```")[1]
    assert max(map(len, picture.splitlines())) <= 80


def test_each_decision_has_a_number_of_its_own_and_says_why():
    numbers = []
    for path in sorted((ROOT / "docs/decisions").glob("*.md")):
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
        numbers.append(path.name[:4])
        text = path.read_text()
        assert [part for part in ("## Context", "## Decision", "## Consequences") if part not in text] == [], path.name
    assert numbers == [f"{n:04d}" for n in range(1, len(numbers) + 1)]
