"""The rules that find a practitioner's mailbox by his number: a table, in its order; the first that decides counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from directory import Directory, Mailbox
from gateway.addressing.policy import AddressingPolicy
from gateway.addressing.practice import of_practice, practices
from gateway.addressing.reasons import because
from gateway.addressing.said import as_sender_says
from gateway.addressing.several import best
from gateway.addressing.verdicts import Chosen, Stopped
from gateway.addressing.wanted import Wanted
from gateway.document import Role
from gateway.identifiers import Idnps
from gateway.letter import Reason

DOCTOR = "10"
"""Médecin (TRE_G15, "Code Profession" of the extraction)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """One practitioner, why he is meant, and every mailbox of his number."""

    identifier: Idnps
    wanted: Wanted
    boxes: Sequence[Mailbox] = field(repr=False)
    directory: Directory
    policy: AddressingPolicy

    @property
    def personal(self) -> list[Mailbox]:
        """Those that are his own."""
        return [box for box in self.boxes if box.personal]


def by_number(sought: Sought) -> Chosen | Stopped:
    """Ask the rules in their order; what one of them only remarks goes before the decision of another."""
    trail: list[Reason] = []
    for rule in RULES:
        said = rule(sought)
        if isinstance(said, Reason):
            trail.append(said)
        elif said:
            return after(trail, said)
    return after(trail, Stopped(reasons=(because("unknown-number"),)))


def after(trail: Sequence[Reason], outcome: Chosen | Stopped) -> Chosen | Stopped:
    """The outcome with what led to it."""
    reasons = (*trail, *outcome.reasons)
    return Chosen(mailbox=outcome.mailbox, reasons=reasons) if isinstance(outcome, Chosen) else Stopped(reasons=reasons)


def is_no_doctor(boxes: Sequence[Mailbox]) -> bool:
    """Whether the directory states other professions alone: a nurse's or a pharmacist's number is nobody's GP."""
    professions = {box.profession for box in boxes if box.profession}
    return bool(professions) and DOCTOR not in professions


def is_sought_as_gp(wanted: Wanted) -> bool:
    """Whether the letter itself says that he is the GP."""
    return wanted.role is Role.GP and not wanted.assumed


def _gp_is_a_doctor(sought: Sought) -> Stopped | None:
    refused = is_sought_as_gp(sought.wanted) and is_no_doctor(sought.boxes)
    return Stopped(reasons=(because("gp-not-a-doctor"),)) if refused else None


def _as_the_sender_says(sought: Sought) -> Chosen | Stopped | Reason | None:
    given = sought.wanted.mailbox
    if not given:
        return None
    decided = as_sender_says(given, sought.identifier, sought.directory)
    if decided:
        return decided
    return because("sender-mailbox-ignored") if sought.boxes else Chosen(mailbox=given)


def _his_own(sought: Sought) -> Chosen | Stopped | None:
    return best(sought.personal, sought.wanted.organisation, sought.policy)


def _he_refuses(sought: Sought) -> Stopped | None:
    return Stopped(reasons=(because("refuses-electronic-mail"),)) if sought.personal else None


def _his_practices(sought: Sought) -> Chosen | Stopped | None:
    person = sought.directory.practitioner(sought.identifier)
    if person is None:
        return None
    if is_sought_as_gp(sought.wanted) and person.profession not in {"", DOCTOR}:
        return Stopped(reasons=(because("gp-not-a-doctor"),))
    return of_practice(practices(person, named=sought.wanted.organisation), sought.directory, sought.policy)


RULES: tuple[Callable[[Sought], Chosen | Stopped | Reason | None], ...] = (
    _gp_is_a_doctor,
    _as_the_sender_says,
    _his_own,
    _he_refuses,
    _his_practices,
)
"""Each decides (a mailbox, or none that may be used), remarks (a reason for the trace), or has nothing to say."""
