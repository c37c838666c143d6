"""May this mailbox be written to: test and production, white list, refusal, unknown mailboxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from directory import Mailbox, Source
from directory.fold import domain_of, is_mailbox
from gateway.addressing.policy import AddressingPolicy, Unknown
from gateway.addressing.reasons import because
from gateway.addressing.trust_space import TrustSpace
from gateway.addressing.verdicts import Stopped
from gateway.letter import Mode, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """It may be written to; ``in_mssante`` says whether it lies inside the trust space."""

    in_mssante: bool
    reasons: tuple[Reason, ...]


def accept(
    mailbox: str, boxes: Sequence[Mailbox], space: TrustSpace, policy: AddressingPolicy, source: str
) -> Accepted | Stopped:
    """Whether ``source`` may write to ``mailbox``; ``boxes`` is what the directory knows of it."""
    domain = domain_of(mailbox)
    refusal = _refusal(mailbox, domain, boxes, policy)
    if refusal:
        return Stopped(reasons=(because(refusal),))
    if domain == policy.patient_domain:
        return _inside(domain, space, ())
    if any(box.source is Source.DIRECTORY for box in boxes):
        return _inside(domain, space, (because("mailbox-known"),))
    listed = space.contains(domain)
    if boxes:
        words = (because("mailbox-vouched"), *((because("in-white-list"),) if listed else ()))
        return Accepted(in_mssante=listed, reasons=words)
    return _unknown(policy.unknown_mailbox(source), listed=listed)


def left(mailbox: str, space: TrustSpace) -> Reason | None:
    """Why a mailbox that was accepted as one of MSSanté's may not be written to any more: asked when it is sent."""
    refusal = space.refusal(domain_of(mailbox))
    return because(refusal) if refusal else None


def _inside(domain: str, space: TrustSpace, reasons: tuple[Reason, ...]) -> Accepted | Stopped:
    """A mailbox of the national directory must have its domain in the white list."""
    refusal = space.refusal(domain)
    if refusal:
        return Stopped(reasons=(*reasons, because(refusal)))
    listed = (because("in-white-list"),) if space.contains(domain) else ()
    return Accepted(in_mssante=True, reasons=(*reasons, *listed))


def _unknown(policy: Unknown, *, listed: bool) -> Accepted | Stopped:
    why = because("mailbox-not-in-directory" if listed else "mailbox-unknown")
    if policy is Unknown.HOLD:
        return Stopped(reasons=(why,))
    return Accepted(in_mssante=listed, reasons=(why, because("allowed-for-source")))


def _refusal(mailbox: str, domain: str, boxes: Sequence[Mailbox], policy: AddressingPolicy) -> str | None:
    if not is_mailbox(mailbox):
        return "bad-mailbox"
    if policy.mode is Mode.TEST and domain not in policy.test_domains:
        return "not-a-test-domain"
    if policy.mode is Mode.PRODUCTION and domain in policy.test_domains:
        return "test-domain"
    return "refuses-electronic-mail" if any(box.accepts is False for box in boxes) else None
