"""What a written form has no place for: a value that each writer returns with its bytes, and its sentences.

A loss is what a reader of that form alone would not know, or would read in another shape. Numbers that only machines
exchange (OID of an authority, MSH-10, a sender's own code for a doctor or a panel) are not told: nobody reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.compose.loss_words import NAMES, TARGETS, WAYS
from gateway.compose.text import one_line


class Target(StrEnum):
    """The form that was written."""

    HPRIM = "hprim"
    CDA = "cda"
    XDM = "xdm"
    PDF = "pdf"


class Why(StrEnum):
    """In which way the form falls short."""

    ABSENT = "absent"
    """It is not in the file at all."""
    UNCODED = "uncoded"
    """A person reads it in the file, software finds no field with it."""
    CHANGED = "changed"
    """It is there in other characters, or cut."""
    NOT_MADE = "not-made"
    """The file itself could not be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One thing of the document: ``code`` and ``why`` may be journaled, ``what`` and ``place`` may not."""

    target: Target
    why: Why
    code: str
    """Stable; a key of ``loss_words.NAMES``."""
    place: str = field(repr=False)
    """The field of ``Document``: ``patient.sex``, ``results[3].flag``."""
    what: str = field(repr=False, default="")
    """The value, where the reader needs it or cannot find it elsewhere in the mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file as a writer gives it back, and what it could not carry."""

    content: bytes = field(repr=False)
    losses: tuple[Loss, ...] = ()


def sentences(losses: Iterable[Loss], language: str) -> list[str]:
    """One sentence for each form and way of falling short, in the order in which they were met."""
    grouped: dict[tuple[Target, Why], dict[str, None]] = {}
    for loss in losses:
        grouped.setdefault((loss.target, loss.why), {})[_name(loss, language)] = None
    return [
        WAYS[_tongue(language)][why].format(TARGETS[_tongue(language)][target]) + " : " + " ; ".join(names)
        for (target, why), names in grouped.items()
    ]


def codes(losses: Iterable[Loss]) -> str:
    """What may be journaled, form by form: ``hprim: absent sex, changed title; pdf: not-made file``."""
    found: dict[str, dict[str, None]] = {}
    for loss in losses:
        found.setdefault(loss.target.value, {})[f"{loss.why.value} {loss.code}"] = None
    return "; ".join(f"{target}: {', '.join(said)}" for target, said in found.items())


def without_repeats(losses: Sequence[Loss]) -> tuple[Loss, ...]:
    """Each loss once: two files of one letter often fall short of the same thing."""
    return tuple(dict.fromkeys(losses))


def _name(loss: Loss, language: str) -> str:
    name = NAMES[_tongue(language)][loss.code]
    return one_line(f"{name} {loss.what}") if loss.what else name


def _tongue(language: str) -> str:
    return "fr" if language.lower().startswith("fr") else "en"
