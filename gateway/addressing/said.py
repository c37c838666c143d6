"""The mailbox that the sender gives beside a number (PRT-15), checked against the directory: it must be his."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from directory import Directory, Mailbox, owners
from directory.fold import structure_number
from gateway.addressing.reasons import because
from gateway.addressing.verdicts import Chosen, Stopped
from gateway.identifiers import Idnps, structure

_Place = frozenset[str]
"""The numbers that one place bears: of its kinds some, FINESS, SIRET, its own technical one."""


def as_sender_says(mailbox: str, identifier: Idnps, directory: Directory) -> Chosen | Stopped | None:
    """Whether ``mailbox`` may be that of ``identifier`` (IDNPS); ``None`` when the directory does not know the mailbox.

    His own is, and an organisation's where he works; another person's is not, nor is an organisation's when the
    directory knows every place where he works, and that it is none of them.
    """
    known = directory.by_mailbox(mailbox)
    if not known:
        return None
    confirmed = Chosen(mailbox=mailbox, reasons=(because("sender-mailbox-confirmed"),))
    if any(box.national_id == identifier and box.personal for box in known):
        return confirmed
    its = _numbers(box.structure for box in known if not box.personal)
    his = _places(identifier, directory)
    if any(its & place for place in his):
        return confirmed
    if owners(known):
        return Stopped(reasons=(because("mailbox-of-another"),))
    return Stopped(reasons=(because("organisation-of-others"),)) if _is_elsewhere(its, his) else confirmed


def _places(identifier: Idnps, directory: Directory) -> list[_Place]:
    """Every place where the directory knows him to work; its legal entity's number counts as its own."""
    person = directory.practitioner(identifier)
    boxes: Iterable[Mailbox] = directory.by_national_id("IDNPS", identifier)
    offices = [_numbers((*office.structures, office.entity)) for office in (person.offices if person else ())]
    return offices + [_numbers([box.structure]) for box in boxes if box.structure]


def _numbers(texts: Iterable[str]) -> _Place:
    return frozenset(structure_number(text) for text in texts if text)


def _is_elsewhere(its: _Place, his: Sequence[_Place]) -> bool:
    """Whether they can be told apart: an organisation of a FINESS is no place that bears another FINESS.

    A place with a SIRET or a technical number alone may be the same one: practices of several often have no FINESS.
    """
    kinds = _kinds(its)
    return bool(kinds and his) and all(kinds & _kinds(place) for place in his)


def _kinds(numbers: _Place) -> set[int]:
    """The kinds of national numbers among them, by their lengths: FINESS 9, SIRET 14."""
    return {len(number) for number in map(structure, numbers) if number}
