"""Every finding that a file can get: its severity, what it is, why it matters and what to do, in French and English.

The sentences are data, in ``findings/*.toml``, one table per code, so that a doctor or a translator can read and
correct them. They are read when the first one is asked for: the reading children never need them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from gateway.document import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """One finding in one language; ``do`` is empty where there is nothing to do."""

    what: str
    why: str
    do: str = ""
    told: str = ""
    """``what`` with the facts of the reader's own message in braces, where it has some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One code of the catalogue; more than one severity where readers differ in what they can still do."""

    code: str
    severities: frozenset[Severity]
    fr: Sentences
    en: Sentences
    facts: str = ""
    """A pattern that finds the facts in the reader's English message."""
    family: str = ""
    """The file it stands in: any, hprim, hl7v2, cda_xdm, mail, gateway."""


@cache
def catalogue() -> Mapping[str, Entry]:
    """All entries by code, sorted; ``ValueError`` when a code stands in two files."""
    entries: dict[str, Entry] = {}
    for file in sorted(files("gateway.parsers").joinpath("findings").iterdir(), key=lambda one: one.name):
        if not file.name.endswith(".toml"):
            continue
        for code, table in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if code in entries:
                raise ValueError(f"{code} stands in two files of the catalogue")
            entries[code] = _entry(code, table, file.name.removesuffix(".toml"))
    return MappingProxyType(dict(sorted(entries.items())))


def _entry(code: str, table: dict[str, Any], family: str) -> Entry:  # Any: a table of TOML
    return Entry(
        code=code,
        severities=frozenset(map(Severity, table["severity"])),
        fr=Sentences(**table["fr"]),
        en=Sentences(**table["en"]),
        facts=table.get("facts", ""),
        family=family,
    )


def sentences(code: str, message: str, language: str) -> Sentences:
    """What to tell a reader of ``language`` (``fr`` or ``en``) of a finding that carries ``message``.

    Where the catalogue knows of facts in the message (a number, names), they are kept: in English the message leads up
    to its advice, in French they are filled in. A code that is not in the catalogue is told by its message alone.
    """
    entry = catalogue().get(code)
    if entry is None:
        return Sentences(what=message, why="")
    said, found = entry.fr if language == "fr" else entry.en, re.search(entry.facts, message) if entry.facts else None
    if found is None:
        return said
    if language != "fr":
        return replace(said, what=message.partition("; ")[0])
    facts = {key: in_french_words(fact) for key, fact in found.groupdict().items()}
    return replace(said, what=said.told.format(**facts))


def in_french_words(fact: str) -> str:
    """The French for what a reader calls a thing in English: ``a PDF``, ``family name``; others stay as they are."""
    return _WORDS.get(fact, fact)


_WORDS = {
    "family name": "nom de famille", "first name": "prénom", "birth date": "date de naissance",
    "a PDF": "un PDF", "a text": "un texte", "a mail": "un courriel", "a ZIP archive": "une archive ZIP",
    "an empty ZIP archive": "une archive ZIP vide", "an RTF text": "un texte RTF",
    "an old Office document": "un ancien document Office", "a PNG image": "une image PNG",
    "a JPEG image": "une image JPEG", "a TIFF image": "une image TIFF", "a GIF image": "une image GIF",
    "a gzip archive": "une archive gzip", "a 7-Zip archive": "une archive 7-Zip", "a RAR archive": "une archive RAR",
    "a Windows program": "un programme Windows", "a program": "un programme",
    "an OpenPGP message": "un message OpenPGP", "a CDA document": "un document CDA",
    "an XDM archive": "une archive XDM", "no format known here": "un format inconnu ici",
    "an XML document that is not CDA": "un document XML qui n'est pas un CDA",
    "HPRIM XML (admissions and billed acts inside a hospital)":
        "du HPRIM XML (admissions et actes facturés, à l'intérieur d'un hôpital)",
}  # fmt: skip
