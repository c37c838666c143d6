"""The shape of the project is a promise: stations never import each other, and each package keeps to its place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEAVES = {"letter", "document", "errors", "identifiers", "journal", "journal_tree", "journal_note", "moments"}
SHARED = {"accepting", "imap", "prepared", "beside", "wrapped_key"}
STATIONS = {
    "ingest",
    "smtp.server",
    "smtp.courier",
    "queue",
    "parsers",
    "addressing",
    "compose",
    "crypto",
    "receipts",
    "delays",
    "faces.ldap",
    "faces.fhir",
}
ROAD = {
    "journey": LEAVES | {"stations", "passing"},
    "stations": LEAVES,
    "passing": LEAVES,
    "admission": LEAVES,
}


def modules(*folders: str) -> Iterator[tuple[str, Path]]:
    for folder in folders:
        base = ROOT / folder
        for path in sorted([base] if base.is_file() else base.rglob("*.py")):
            name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            yield name.removesuffix(".__init__"), path


def imports(path: Path) -> Iterator[str]:
    """Every module that this file names in an import, whole or from."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def station(module: str) -> str | None:
    """The station that a module of gateway/ belongs to."""
    inner = module.removeprefix("gateway.")
    return next((name for name in STATIONS if inner == name or inner.startswith(f"{name}.")), None)


def foreign(module: str, path: Path) -> list[str]:
    """What a station's module imports from gateway/ that is neither its own nor a leaf."""
    own, bad = station(module), []
    for name in imports(path):
        if not name.startswith("gateway."):
            continue
        inner = name.removeprefix("gateway.")
        first = inner.split(".")[0]
        if first in LEAVES | SHARED or inner == own or inner.startswith(f"{own}."):
            continue
        if own and own.startswith(f"{inner}.") and inner == "smtp":
            continue
        bad.append(name)
    return bad


@pytest.mark.parametrize(("module", "path"), [(m, p) for m, p in modules("gateway") if station(m)])
def test_no_station_imports_another(module: str, path: Path):
    shared_reply = {"gateway.smtp", "gateway.smtp.reply"}
    own = {"gateway.smtp.reply"} if station(module) in {"smtp.server", "smtp.courier"} else set()
    bad = [
        name
        for name in foreign(module, path)
        if not (own and (name in shared_reply or name.startswith("gateway.smtp.reply.")))
    ]
    assert [name for name in bad if not name.startswith("gateway.") or station(name) != station(module)] == []


def test_the_rule_sees_a_station_that_imports_another(tmp_path: Path):
    guilty = tmp_path / "guilty.py"
    guilty.write_text("from gateway.crypto.seal import Sealer\n")
    assert foreign("gateway.compose.guilty", guilty)


@pytest.mark.parametrize("module", sorted(ROAD))
def test_the_road_knows_only_the_letter(module: str):
    path = ROOT / "gateway" / f"{module}.py"
    named = {name.split(".")[1] for name in imports(path) if name.startswith("gateway.")}
    assert named <= ROAD[module]


@pytest.mark.parametrize(("module", "path"), list(modules("gateway")))
def test_only_addressing_the_faces_and_the_service_ask_the_directory(module: str, path: Path):
    asks = any(name == "directory" or name.startswith("directory.") for name in imports(path))
    assert not asks or module.startswith(("gateway.addressing", "gateway.faces", "gateway.service"))


@pytest.mark.parametrize(("module", "path"), list(modules("gateway")))
def test_only_the_service_reads_the_settings(module: str, path: Path):
    reads = any(name == "config" or name.startswith("config.") for name in imports(path))
    assert not reads or module.startswith("gateway.service")


@pytest.mark.parametrize(("module", "path"), list(modules("directory", "config")))
def test_directory_and_config_know_nothing_of_ours(module: str, path: Path):
    own = module.split(".", maxsplit=1)[0]
    ours = {"gateway", "directory", "config", "commands", "cli"} - {own}
    assert not {name.split(".")[0] for name in imports(path)} & ours


@pytest.mark.parametrize(("module", "path"), list(modules("gateway", "directory", "config")))
def test_nothing_below_knows_the_command_line(module: str, path: Path):
    assert not {name.split(".")[0] for name in imports(path)} & {"commands", "cli", "typer"}


@pytest.mark.parametrize(("module", "path"), list(modules("gateway", "directory", "config", "commands", "cli.py")))
def test_a_file_stays_short_enough_to_read(module: str, path: Path):
    most = 420 if module == "gateway.letter" else 320  # the letter's types are one contract, read in one place
    assert len(path.read_text().splitlines()) <= most, f"{module}: cut it before it grows"
