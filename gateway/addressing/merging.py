"""One letter per mailbox and per person: outcomes that mean the same are one, for the highest role."""

from __future__ import annotations

from dataclasses import replace

from gateway.addressing.reasons import because
from gateway.document import Role
from gateway.letter import Addressed, Held

_ORDER = (Role.GP, Role.REFERRER, Role.COPY, Role.ORGANISATION, Role.PATIENT)


def merged(outcomes: list[Addressed | Held]) -> tuple[Addressed | Held, ...]:
    """The outcomes in their order, each mailbox once; a person who is written to is not held as well.

    A mailbox that the envelope names wins over another one of the same person that we looked up.
    """
    kept: list[Addressed | Held] = []
    for outcome in outcomes:
        place = next((place for place, other in enumerate(kept) if _same(other, outcome)), None)
        if place is None:
            kept.append(outcome)
        else:
            kept[place] = _one_of(kept[place], outcome)
    return tuple(kept)


def _same(one: Addressed | Held, other: Addressed | Held) -> bool:
    if isinstance(one, Addressed) and isinstance(other, Addressed) and one.mailbox.lower() == other.mailbox.lower():
        return True
    if one.addressee.rpps and one.addressee.rpps == other.addressee.rpps:
        return not (_given(one) and _given(other))
    if isinstance(one, Held) and isinstance(other, Held):
        return bool(one.addressee.mailbox) and _folded(one) == _folded(other)
    return False


def _given(outcome: Addressed | Held) -> bool:
    """Whether the sender named this mailbox himself: two of them are two letters, even to one person."""
    return bool(outcome.addressee.mailbox)


def _folded(outcome: Addressed | Held) -> str:
    return (outcome.addressee.mailbox or "").lower()


def _one_of(first: Addressed | Held, second: Addressed | Held) -> Addressed | Held:
    best = min((first, second), key=lambda one: (isinstance(one, Held), not _given(one)))
    other = second if best is first else first
    role = min((first.addressee.role, second.addressee.role), key=_ORDER.index)
    addressee = replace(
        best.addressee,
        role=role,
        rpps=best.addressee.rpps or other.addressee.rpps,
        notify=tuple(dict.fromkeys((*first.addressee.notify, *second.addressee.notify))),
        orcpt=best.addressee.orcpt or other.addressee.orcpt,
    )
    # The last reason stays the one that decided.
    reasons = (*best.reasons[:-1], because("same-mailbox"), *best.reasons[-1:])
    return replace(best, addressee=addressee, reasons=reasons)
