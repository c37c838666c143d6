"""The commented file is the documentation: every key of the models stands in it, with the model's own default."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from config import sections
from config.settings import Settings, load

FILE = Path(__file__).resolve().parents[3] / "config" / "huitaine.toml"
NAMED = {
    "sources.NAME": sections.Source,
    "sources.NAME.zam": sections.ZamTo,
    "sources.NAME.webhook": sections.WebhookTo,
    "sources.NAME.file": sections.FileTo,
    "courier.operator": sections.Route,
}
EXAMPLES_ONLY = {
    "host",
    "certificate_subject",
    "certificate_names",
    "applications",
    "report_to",
    "senders",
    "login",
    "server_name",
    "user",
    "correspondents",
    "port",
    "url",
    "path",
}
"""Keys of a named table that have no default to tell: the file shows an example."""


def documented() -> dict[str, dict[str, str]]:
    """Each section with its keys, commented ones too, and what stands behind the equals sign."""
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if head := re.match(r"(?:# )?\[([\w.]+)\]", line):
            section = found.setdefault(head[1], {})
        elif entry := re.match(r"(?:# )?([a-z_]+) = (.+)$", line):
            section[entry[1]] = entry[2]
    return found


def described() -> Iterator[tuple[str, type[BaseModel]]]:
    """Each section with its model."""
    for name, about in Settings.model_fields.items():
        if name != "sources":
            assert isinstance(about.annotation, type)
            yield name, about.annotation
    yield from NAMED.items()


def is_section(annotation: Any) -> bool:
    return "Route" in str(annotation) or "Exchangers" in str(annotation) or "sections." in str(annotation)


every_section = pytest.mark.parametrize(
    ("section", "model"), [pytest.param(name, model, id=name) for name, model in described()]
)


def test_the_documented_file_loads_and_gives_exactly_the_defaults(tmp_path: Path):
    own, empty = tmp_path / "documented.toml", tmp_path / "empty.toml"
    own.write_text(FILE.read_text(encoding="utf-8"), encoding="utf-8")
    empty.write_text("", encoding="utf-8")
    assert load(own).model_dump() == load(empty).model_dump()


@pytest.mark.parametrize(
    ("section", "model"), list(described()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_key_of_the_models_stands_in_the_documented_file(section: str, model: type[BaseModel]):
    mine = {name for name, about in model.model_fields.items() if not is_section(about.annotation)}
    assert mine <= documented()[section].keys()


@pytest.mark.parametrize(
    ("section", "model"), list(described()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_documented_file_names_no_key_that_the_models_do_not_know(section: str, model: type[BaseModel]):
    assert documented()[section].keys() <= set(model.model_fields)


def test_every_commented_key_loads_once_its_comment_sign_is_gone(tmp_path: Path):
    lines = FILE.read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if "[courier.routes" not in line]  # its keys are the operator's, told above it
    woken = [re.sub(r"^# (?=\[[\w.\"]+\]|[a-z_]+ = )", "", line) for line in lines]
    own = tmp_path / "all.toml"
    own.write_text("\n".join(woken), encoding="utf-8")
    settings = load(own)
    assert settings.sources["NAME"].line_endings == "refuse"
    assert settings.courier.operator is not None
    assert settings.courier.operator.tls == "starttls"


@pytest.mark.parametrize(("section", "model"), list(NAMED.items()), ids=str)
def test_a_default_told_in_a_commented_table_is_the_models_own(section: str, model: type[BaseModel]):
    for name, text in documented()[section].items():
        default = model.model_fields[name].default
        default = list(default) if isinstance(default, tuple) else default
        told = tomllib.loads(f"value = {text}")["value"]
        if name not in EXAMPLES_ONLY and default is not None:
            assert told == default, name


def test_the_file_holds_no_secret():
    names = re.findall(r"^(?:# )?(\w*(?:password|secret)\w*) =", FILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name in names if not name.endswith("_secret")} == {"secrets"}  # the folder they are in
