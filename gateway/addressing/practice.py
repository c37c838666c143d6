"""The mailbox of a practice, for whom no mailbox of his own is known: which places are his, which boxes speak for them.

An organisational mailbox (ORG) belongs to one legal or geographic entity and to a service of it, or to none. A letter
for a GP goes to the house as a whole: what a service of a hospital receives, its cardiology say, is not his post.
"""

from __future__ import annotations

from collections.abc import Sequence

from directory import Directory, Mailbox, Practitioner, owners
from directory.fold import fold, structure_number
from gateway.addressing.policy import AddressingPolicy
from gateway.addressing.reasons import because
from gateway.addressing.verdicts import Chosen, Stopped

_LIBERAL = "L"
"""Code mode exercice: he works there on his own account."""


def practices(person: Practitioner, *, named: str | None = None) -> list[str]:
    """FINESS and SIRET of where his post goes: the place that the letter names if it is one of his, else his own.

    Who has a practice of his own is not written to at the hospital where he is employed besides.
    """
    own = [office for office in person.offices if office.mode == _LIBERAL]
    everywhere = dict.fromkeys(structure_number(place) for office in person.offices for place in office.structures)
    if named in everywhere:
        return [named]
    his = dict.fromkeys(structure_number(place) for office in own for place in office.structures)
    return [place for place in (his if own else everywhere) if place]


def of_practice(places: Sequence[str], directory: Directory, policy: AddressingPolicy) -> Chosen | Stopped:
    """The one mailbox that speaks for somebody's places, unless a colleague of his reads it as his own."""
    found = of_house(places, directory, policy)
    if isinstance(found, Chosen) and is_ones_own(found.mailbox, directory):
        return Stopped(reasons=(because("house-of-one"),))
    return found


def of_house(places: Sequence[str], directory: Directory, policy: AddressingPolicy) -> Chosen | Stopped:
    """The one mailbox that speaks for these places; what refuses for the whole house refuses for its services."""
    boxes = {box.address.lower(): box for place in places for box in directory.by_structure(place)}
    if not boxes:
        return Stopped(reasons=(because("none"),))
    speaking = [box for box in boxes.values() if not box.service] or [
        box for box in boxes.values() if _post(box, policy)
    ]
    if not speaking:
        return Stopped(reasons=(because("services-alone"),))
    willing = [box for box in speaking if box.accepts is not False]
    if not willing:
        return Stopped(reasons=(because("refuses-electronic-mail"),))
    if len(willing) > 1:
        return Stopped(reasons=(because("several-organisations"),))
    return Chosen(mailbox=willing[0].address, reasons=(because("organisation-mailbox"),))


def is_ones_own(mailbox: str, directory: Directory) -> bool:
    """Whether some person reads it as his own, be it a house's besides."""
    return bool(owners(directory.by_mailbox(mailbox)))


def _post(box: Mailbox, policy: AddressingPolicy) -> bool:
    """Whether its service is one that opens the letters of the whole house."""
    return fold(box.service) in policy.post_services
