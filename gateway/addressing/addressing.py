"""Station 4 in order: who is meant, may he see it, which mailbox, may it be written to, how is it protected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from directory import Directory, Known, Mailbox, owners
from directory.fold import domain_of
from gateway.addressing.acceptance import accept, left
from gateway.addressing.choice import choose
from gateway.addressing.merging import merged
from gateway.addressing.patient import forbidden, wrong_world
from gateway.addressing.policy import AddressingPolicy, Floor
from gateway.addressing.protection import Protected, Read, forms_read, protect
from gateway.addressing.reasons import because
from gateway.addressing.rules import is_no_doctor
from gateway.addressing.trust_space import TrustSpace
from gateway.addressing.verdicts import Chosen, Stopped
from gateway.addressing.wanted import Wanted, everyone_wanted
from gateway.document import Role
from gateway.identifiers import Rpps
from gateway.letter import Addressed, AddressedLetter, AsReceived, Held, ParsedLetter, Reason

_GENERAL_PRACTICE = frozenset({"SM26", "SM53", "SM54"})
"""Savoir-faire of general practitioners (TRE_R38)."""


class Addressing:
    """Gives every addressee one mailbox and a protection, or holds the letter for him with the reason.

    Look-ups in the directory are the only I/O. Never raises for an addressee who cannot be resolved; raises
    ``DirectoryError`` only when the directory itself cannot be read.
    """

    def __init__(self, *, directory: Directory, policy: AddressingPolicy, clock: Callable[[], datetime]) -> None:
        self._directory, self._policy, self._clock = directory, policy, clock

    def address(self, parsed: ParsedLetter) -> AddressedLetter:
        """One outcome per addressee; at least one, so that no letter vanishes."""
        now = self._clock()
        outcomes = [
            meant if isinstance(meant, Held) else self._outcome(parsed, meant, now)
            for meant in everyone_wanted(parsed, self._policy)
        ]
        return AddressedLetter(parsed=parsed, outcomes=merged(outcomes))

    def still(self, addressed: Addressed) -> Reason | None:
        """Why what was addressed a while ago may not leave now: its domain left MSSanté, or the list is too old."""
        return left(addressed.mailbox, self._space(self._clock())) if addressed.in_mssante else None

    def _space(self, now: datetime) -> TrustSpace:
        return TrustSpace(white_list=self._directory.white_list, policy=self._policy, now=now)

    def _outcome(self, parsed: ParsedLetter, wanted: Wanted, now: datetime) -> Addressed | Held:
        refusal = wrong_world(parsed, self._policy.mode) or forbidden(parsed, wanted.role, now)
        if refusal:
            return wanted.held(refusal)
        wanted = self._dated(wanted, now)
        chosen = choose(wanted, self._directory, self._policy, now)
        if isinstance(chosen, Stopped):
            return _held(wanted, chosen.reasons)
        if wanted.role is not Role.PATIENT and domain_of(chosen.mailbox) == self._policy.patient_domain:
            # Neither is it known to be this patient's, nor were his own wishes asked.
            return _held(wanted, (*chosen.reasons, because("mailbox-of-a-patient")))
        return self._to_mailbox(parsed, wanted, chosen, now)

    def _dated(self, wanted: Wanted, now: datetime) -> Wanted:
        """Whoever is looked for in an old directory: the trace says so, whether he is found there or not."""
        made, most = self._directory.as_of(), self._policy.stale_after
        if wanted.role is Role.PATIENT or made is None or most is None or now - made <= most:
            return wanted
        return replace(wanted, reasons=(*wanted.reasons, because("directory-old", days=(now - made).days)))

    def _to_mailbox(self, parsed: ParsedLetter, wanted: Wanted, chosen: Chosen, now: datetime) -> Addressed | Held:
        boxes = self._directory.by_mailbox(chosen.mailbox)
        wanted = _completed(wanted, boxes)
        source = parsed.kept.received.source
        accepted = accept(chosen.mailbox, boxes, self._space(now), self._policy, source)
        trail = (*chosen.reasons, *_shared(boxes), *accepted.reasons)
        if isinstance(accepted, Stopped):
            return _held(wanted, trail)
        known = self._directory.known(chosen.mailbox, boxes)
        protected = self._protected(parsed, known, now, in_mssante=accepted.in_mssante)
        if isinstance(protected, Stopped):
            return replace(_held(wanted, (*trail, *protected.reasons)), chosen=chosen.mailbox)
        read = self._read(parsed, known, in_mssante=accepted.in_mssante)
        return Addressed(
            addressee=wanted.addressee(),
            mailbox=chosen.mailbox,
            protection=protected.protection,
            forms=read.forms if read else frozenset(),
            in_mssante=accepted.in_mssante,
            reasons=(
                *wanted.reasons,
                *trail,
                *([read.reason] if read else []),
                *protected.passed_over,
                protected.reason,
            ),
        )

    def _protected(self, parsed: ParsedLetter, known: Known, now: datetime, *, in_mssante: bool) -> Protected | Stopped:
        if parsed.already_sealed:
            return as_it_came(parsed, known.mailbox, self._policy, in_mssante=in_mssante)
        return protect(known, self._policy, now, in_mssante=in_mssante)

    def _read(self, parsed: ParsedLetter, known: Known, *, in_mssante: bool) -> Read | None:
        return None if parsed.already_sealed else forms_read(known, self._policy, in_mssante=in_mssante)


def as_it_came(
    parsed: ParsedLetter, mailbox: str, policy: AddressingPolicy, *, in_mssante: bool
) -> Protected | Stopped:
    """What the sender encrypted passes; what it only signed could be read on the way, so it needs what MssTls needs."""
    is_tls_enough = in_mssante and policy.mss_tls_allowed and policy.floor(mailbox, domain_of(mailbox)) is Floor.MSS_TLS
    if parsed.format.endswith("-signed") and not is_tls_enough:
        return Stopped(reasons=(because("signed-alone"),))
    return Protected(protection=AsReceived(), reason=because("as-received"))


def _held(wanted: Wanted, reasons: tuple[Reason, ...]) -> Held:
    *led, last = reasons
    return wanted.held(last, *led)


def _shared(boxes: list[Mailbox]) -> tuple[Reason, ...]:
    """Told, not refused: colleagues may share a mailbox, and one that moved to another person looks the same."""
    numbers = {box.national_id for box in owners(boxes)}
    return (because("mailbox-shared", count=len(numbers)),) if len(numbers) > 1 else ()


def _completed(wanted: Wanted, boxes: list[Mailbox]) -> Wanted:
    """What the directory adds to a mailbox that was given alone: its one owner, or that it is an organisation's."""
    by_number = wanted.role is Role.ORGANISATION and not wanted.mailbox
    numbers = [] if by_number else list({box.rpps for box in owners(boxes) if box.rpps})
    rpps = Rpps(numbers[0]) if len(numbers) == 1 else None
    role = _role_of_owner(wanted.role, boxes) if wanted.assumed else wanted.role
    return replace(wanted, rpps=wanted.rpps or rpps, role=role)


def _role_of_owner(role: Role, boxes: list[Mailbox]) -> Role:
    """An organisation is no GP, nor is a practitioner whose skills are all other than general practice."""
    if boxes and not owners(boxes):
        return Role.ORGANISATION
    if is_no_doctor(boxes):
        return Role.COPY
    skills = {skill for box in boxes for skill in box.skills}
    return Role.COPY if skills and skills.isdisjoint(_GENERAL_PRACTICE) else role
