"""`huitaine check` run in this process, as it is typed; its words without a terminal; the shape of its JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from typer.testing import CliRunner

import cli
from commands.check_files import Given
from commands.check_reading import judged
from commands.check_told import told
from gateway.document import Reading
from gateway.errors import UnreadableDocument
from gateway.parsers.check import as_json
from gateway.parsers.detect import detect
from gateway.parsers.read import read


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and how it ended."""

    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def check(*words: str | Path, lang: str = "en", given: bytes | None = None, config: Path | None = None) -> Said:
    arguments = ["check", *map(str, words)]
    env = {"LANG": lang, "HUITAINE_LANG": lang, "HUITAINE_CONFIG": str(config) if config else None}
    # As ``cli.main`` does: what is logged is not what a command prints.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        done = CliRunner().invoke(cli.application(arguments), arguments, env=env, input=given)
    finally:
        structlog.reset_defaults()
    assert isinstance(done.exception, SystemExit | None), done.exception
    return Said(done.stdout, done.stderr, done.exit_code)


def in_words(content: bytes, name: str = "x", language: str = "en") -> list[str]:
    """The lines that a person reads, from readers in this process: a child would cost a third of a second each."""
    return list(told({**looked_at(content, name, language), "file": name}, content))


def looked_at(content: bytes, name: str = "x", language: str = "en", *, strict: bool = False) -> dict[str, Any]:
    item = Given(name=name, content=content, size=len(content))
    try:
        reading = read(content, name=name)
    except UnreadableDocument as refusal:
        reading = Reading(format=str(detect(content, name)), findings=refusal.findings)
    checked = as_json(judged(reading, item, None, strict=strict), language)
    asked = {"asked": False, "why_not": "no-installation" if checked["documents"] else "nothing-to-send", "letters": []}
    return {**checked, "file": name, "size": len(content), "layers": [], "addressing": asked}


# interface.md, "JSON of `huitaine check FILE --format json`", member by member.
TEXT, MAYBE = {str}, {str, type(None)}
PATIENT = {
    "family": TEXT, "given": TEXT, "birth_date": TEXT, "sex": {"F", "M", "U", type(None)},
    "identifiers": [{"value": TEXT, "authority": TEXT, "type": TEXT, "qualified": {bool}}],
}  # fmt: skip
RESULT = {
    "code": TEXT, "label": TEXT, "value": TEXT, "comparator": MAYBE, "unit": TEXT, "low": TEXT, "high": TEXT,
    "flag": TEXT, "status": TEXT, "second": ({"value": TEXT, "unit": TEXT, "low": TEXT, "high": TEXT}, None),
}  # fmt: skip
ROLES = {"gp", "referrer", "copy", "patient", "organisation"}
DOCUMENT = {
    "kind": {"loinc": MAYBE, "label": TEXT},
    "patient": PATIENT,
    "stay": {"visit": MAYBE, "admitted_at": MAYBE, "discharged_at": MAYBE},
    "validated_at": MAYBE,
    "addressees": [{"role": ROLES, "rpps": MAYBE, "mailbox": MAYBE}],
    "results": [RESULT],
    "text": TEXT,
    "attachments": [{"name": TEXT, "media_type": TEXT, "size": {int}, "sha256": TEXT}],
    "replaces": MAYBE,
    "cancels": MAYBE,
}
CHECK = {
    "format": {"hprim-medecin", "hprim-sante", "hl7v2", "cda", "xdm", "mime", "pdf", "unknown"},
    "variant": TEXT,
    "charset": TEXT,
    "accepted": {bool},
    "documents": [DOCUMENT],
    "findings": [{"severity": {"error", "warning", "note"}, "place": TEXT, "code": TEXT, "message": TEXT}],
}


def breaches(value: Any, shape: Any, where: str = "$") -> Iterator[str]:
    """Where a value has not the shape: a set of types and words, an object with at least these members, a list."""
    if isinstance(shape, tuple):
        inner, other = shape
        yield from () if value is other else breaches(value, inner, where)
    elif isinstance(shape, Mapping):
        there = value if isinstance(value, dict) else {}
        yield from (f"{where}: no {one}" for one in sorted(shape.keys() - there.keys()))
        for key in shape.keys() & there.keys():
            yield from breaches(there[key], shape[key], f"{where}.{key}")
    elif isinstance(shape, list):
        items = value if isinstance(value, list) else [None]
        for number, one in enumerate(items):
            yield from breaches(one, shape[0], f"{where}[{number}]")
    elif not any(value == one or (isinstance(one, type) and type(value) is one) for one in shape):
        yield f"{where}: {value!r:.40}"
