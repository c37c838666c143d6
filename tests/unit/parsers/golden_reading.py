"""Golden files of the readers: what is expected of an input lies beside it as JSON, written and compared in one place.

A golden file holds the whole ``Reading`` without what is empty and without bytes: of a file its size and digest, of the
original its format alone. ``HUITAINE_GOLDEN=write`` writes those that differ; look at the difference before committing.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from gateway.document import Reading
from gateway.errors import UnreadableDocument

_OTHERS = {"hprim-medecin", "hprim-sante", "hl7v2"}
"""Formats with golden files of their own: of a document that came in a mail, what the mail adds is enough."""
_OF_THE_MAIL = {"original", "patient", "attachments", "wishes"}


def told(reading: Reading | UnreadableDocument) -> dict[str, Any]:
    """The reading, or the refusal, as plain values without the empty ones."""
    if isinstance(reading, UnreadableDocument):
        return {"refused": _bare(msgspec.to_builtins(reading.findings))}
    values = {"accepted": reading.accepted} | _bare(msgspec.to_builtins(reading, builtin_types=(bytes,)))
    if "documents" in values and reading.format == "mime":
        values["variant"] = values.get("variant", "").partition(" ")[0]
        values["documents"] = [_of_the_mail(one) for one in values["documents"]]
    return values


def _of_the_mail(document: dict[str, Any]) -> dict[str, Any]:
    if document["original"]["format"] not in _OTHERS:
        return document
    kept = {name: value for name, value in document.items() if name in _OF_THE_MAIL}
    patient = {name: value for name, value in kept["patient"].items() if name in {"family", "given", "birth_date"}}
    return kept | {"patient": patient}


def check(found: dict[str, Any], expected: Path) -> None:
    """Fail with the difference; write instead when asked to."""
    if os.environ.get("HUITAINE_GOLDEN") == "write":
        expected.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    assert found == json.loads(expected.read_text())


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _bare(one) for name, one in value.items() if one not in (None, "", [], (), {}, False)}
        return {name: one for name, one in kept.items() if one not in ({}, [])}
    if isinstance(value, list | tuple):
        return [_bare(one) for one in value]
    if isinstance(value, bytes):
        return {"bytes": len(value), "sha256": sha256(value).hexdigest()[:16]}
    return value
