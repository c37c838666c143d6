"""The two national files by their headers: which column is which, whatever the order or the extra columns.

Header names of Extraction_Correspondance_MSSante (31 columns) and of PS_LibreAcces_Personne_activite as published.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from operator import itemgetter

from directory.errors import DirectoryError
from directory.fold import fold


class FileKind(StrEnum):
    """The national files that we read."""

    MAILBOXES = "mailboxes"
    ACTIVITIES = "activities"


MAILBOX_COLUMNS = (
    "Type de BAL",
    "Adresse BAL",
    "Type Identifiant PP",
    "Identifiant PP",
    "Identification nationale PP",
    "Identification Structure",
    "Service de rattachement",
    "Civilité d'exercice",
    "Nom d'exercice",
    "Prénom d'exercice",
    "Code Profession",
    "Code savoir-faire",
    "Dématérialisation",
    "Raison Sociale",
    "Enseigne commerciale",
    "L4NUMEROVOIE",
    "NL4TYPEVOIE",
    "L4LIBELLEVOIE",
    "L6LIGNEACHEMINEMENT",
    "Code postal",
    "Libellé Profession",
    "Libellé savoir-faire",
)

ACTIVITY_COLUMNS = (
    "Type d'identifiant PP",
    "Identifiant PP",
    "Identification nationale PP",
    "Code civilité d'exercice",
    "Nom d'exercice",
    "Prénom d'exercice",
    "Code profession",
    "Code savoir-faire",
    "Code mode exercice",
    "Numéro SIRET site",
    "Numéro FINESS site",
    "Identifiant technique de la structure",
    "Raison sociale site",
    "Enseigne commerciale site",
    "Numéro Voie",
    "Libellé type de voie",
    "Libellé Voie",
    "Code postal",
    "Libellé commune",
    "Code rôle",
    "Libellé profession",
    "Libellé savoir-faire",
    "Téléphone",
    "Numéro FINESS établissement juridique",
)

_COLUMNS = {FileKind.MAILBOXES: MAILBOX_COLUMNS, FileKind.ACTIVITIES: ACTIVITY_COLUMNS}
_TELLING = {FileKind.MAILBOXES: "ADRESSE BAL", FileKind.ACTIVITIES: "CODE MODE EXERCICE"}
_MAY_MISS = frozenset({"Téléphone", "Numéro FINESS établissement juridique"})
"""Nobody is refused an import for want of these."""
_SUFFIXES = (" STRUCTURE BAL", " COORD STRUCTURE")


@dataclass(frozen=True, slots=True)
class Layout:
    """One file's columns: ``pick`` takes a split line and gives our columns in our order."""

    kind: FileKind
    width: int
    pick: Callable[[list[str]], tuple[str, ...]]


def layout_of(header: str, file: str) -> Layout | None:
    """The layout that ``header`` announces, or ``None`` when it is neither of our files.

    Raises :class:`DirectoryError` ``wrong-header`` naming ``file`` and the columns that miss.
    """
    # Some extractions end every line with a bar, or only the header.
    names = [_plain(name) for name in header.removesuffix("|").split("|")]
    kind = next((kind for kind, telling in _TELLING.items() if telling in names), None)
    if kind is None:
        return None
    places = {name: place for place, name in reversed(list(enumerate(names)))}
    missing = [name for name in _COLUMNS[kind] if fold(name) not in places]
    needed = ", ".join(name for name in missing if name not in _MAY_MISS)
    if needed:
        raise DirectoryError("wrong-header", f"{file}, line 1: {kind} file without column(s) {needed}")
    pick = itemgetter(*(places.get(fold(name), len(names)) for name in _COLUMNS[kind]))
    return Layout(kind, len(names), partial(_with_an_empty_one, pick) if missing else pick)


def _with_an_empty_one(pick: Callable[[list[str]], tuple[str, ...]], values: list[str]) -> tuple[str, ...]:
    """What is missing stands behind the last column."""
    return pick([*values, ""])


def _plain(name: str) -> str:
    folded = fold(name)
    for suffix in _SUFFIXES:
        folded = folded.removesuffix(suffix)
    return folded
