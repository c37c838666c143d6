"""Which of today's outcomes is for the addressee of a delivery that waited: in doubt none, never somebody else's."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.letter import Addressed, Addressee, Held
from gateway.queue.bodies import Target


def outcome_for(target: Target, outcomes: Sequence[Addressed | Held]) -> Addressed | Held | None:
    """The outcome that means the same person at the same mailbox asked for; of several the mailbox chosen before."""
    meant: list[Addressed | Held] = [outcome for outcome in outcomes if _same(outcome.addressee, target.addressee)]
    if len(meant) > 1 and target.mailbox:
        before = target.mailbox.casefold()
        meant = [each for each in meant if isinstance(each, Addressed) and each.mailbox.casefold() == before] or meant
    if len(meant) == 1 or (meant and all(isinstance(outcome, Held) for outcome in meant)):
        return meant[0]
    return None


def _same(asked: Addressee, known: Addressee) -> bool:
    """By the numbers that both have and the mailbox that the letter itself names; by the role where it names nothing.

    The directory may have learned or forgotten since whose mailbox it is; that it is somebody else's now is not the
    same addressee any more.
    """
    for mine, his in ((asked.rpps, known.rpps), (asked.adeli, known.adeli)):
        if mine and his and mine != his:
            return False
    if asked.mailbox and known.mailbox:
        return asked.mailbox.casefold() == known.mailbox.casefold()
    if (asked.rpps and known.rpps) or (asked.adeli and known.adeli):
        return True
    nothing = not any((asked.adeli, asked.mailbox, known.rpps, known.adeli, known.mailbox))
    return nothing and not asked.rpps and asked.role is known.role
