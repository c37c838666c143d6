"""The mailbox that the sender gives beside a number (PRT-15), checked against the directory: it must be his."""

from __future__ import annotations

from collections.abc import Iterable

from directory import Directory, Mailbox
from directory.fold import structure_number
from gateway.addressing.reasons import because
from gateway.addressing.verdicts import Chosen, Stopped


def as_sender_says(mailbox: str, identifier: str, directory: Directory) -> Chosen | Stopped | None:
    """Whether ``mailbox`` may be that of ``identifier`` (IDNPS); ``None`` when the directory does not know the mailbox.

    His own is; another person's is not; an organisation's is when he works there, or when the directory does not know
    of any place where he works, so that only the sender does.
    """
    known = directory.by_mailbox(mailbox)
    if not known:
        return None
    if any(box.national_id == identifier and box.personal for box in known):
        return Chosen(mailbox=mailbox, reasons=(because("sender-mailbox-confirmed"),))
    if any(box.personal for box in known):
        return Stopped(reasons=(because("mailbox-of-another"),))
    places = _places(identifier, directory)
    if places and not any(structure_number(box.structure) in places for box in known):
        return Stopped(reasons=(because("organisation-of-others"),))
    return Chosen(mailbox=mailbox, reasons=(because("sender-mailbox-confirmed"),))


def _places(identifier: str, directory: Directory) -> set[str]:
    """Every FINESS and SIRET where the directory knows him to work."""
    person = directory.practitioner(identifier)
    offices: Iterable[str] = (place for office in person.offices for place in office.structures) if person else ()
    boxes: Iterable[Mailbox] = directory.by_national_id("IDNPS", identifier)
    return {structure_number(place) for place in (*offices, *(box.structure for box in boxes)) if place}
