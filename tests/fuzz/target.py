"""What a fuzz target is: one file ``target_<name>.py`` with seeds, words for a dictionary, and what must hold."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.document import Reading, Severity
from gateway.errors import UnreadableDocument

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"
CORPUS = HERE / "corpus"
"""Inputs that broke something once, by target: they are seeds for ever."""

NAMES = tuple(sorted(path.stem.removeprefix("target_") for path in HERE.glob("target_*.py")))
CONTROL = "control"
"""A target with a planted crash, never among NAMES: it lies in ``planted.py``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``run`` returns for any bytes, or raises: that is a crash."""

    name: str
    run: Callable[[bytes], None]
    seeds: Sequence[bytes]
    """Good inputs, and what broke it once."""
    words: Sequence[bytes] = ()


def load(name: str) -> Target:
    """The target of that name; its module is imported now."""
    module = importlib.import_module("tests.fuzz.planted" if name == CONTROL else f"tests.fuzz.target_{name}")
    once = [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]
    return Target(name=name, run=module.run, seeds=[*module.seeds(), *once], words=getattr(module, "WORDS", ()))


def vectors(pattern: str) -> list[bytes]:
    """Our own invented inputs."""
    return [path.read_bytes() for path in sorted(VECTORS.glob(pattern)) if path.is_file()]


def read_or_refused(reader: Callable[[bytes], Reading], content: bytes) -> None:
    """The readers' promise: a ``Reading`` or ``UnreadableDocument``, and findings that can be told on one line."""
    try:
        reading = reader(content)
    except UnreadableDocument as refusal:
        accepted, findings = False, refusal.findings
    else:
        accepted, findings = reading.accepted, reading.findings
    if not accepted and not any(finding.severity is Severity.ERROR for finding in findings):
        raise AssertionError("refused without an error among the findings")
    for finding in findings:
        told = finding.code.replace("-", "").isalnum() and finding.place and len(finding.message) < 300
        if not told or not finding.message.isprintable() or not finding.place.isprintable():
            raise AssertionError(f"a finding that cannot be told: {finding.code!r} {finding.place!r}")
