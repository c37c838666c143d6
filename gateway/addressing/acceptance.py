"""May this mailbox be written to: test and production, white list, refusal, unknown mailboxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from directory import Mailbox, Source, WhiteList
from directory.fold import domain_of, is_mailbox
from gateway.addressing.choice import Stopped
from gateway.addressing.policy import AddressingPolicy, Unknown
from gateway.addressing.reasons import because
from gateway.letter import Mode, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """It may be written to; ``in_mssante`` says whether it lies inside the trust space."""

    in_mssante: bool
    reasons: tuple[Reason, ...]


def accept(
    mailbox: str, boxes: Sequence[Mailbox], white_list: WhiteList, policy: AddressingPolicy, source: str
) -> Accepted | Stopped:
    """Whether ``source`` may write to ``mailbox``; ``boxes`` is what the directory knows of it."""
    domain = domain_of(mailbox)
    refusal = _refusal(mailbox, domain, boxes, policy)
    if refusal:
        return Stopped(reasons=(because(refusal),))
    if domain == policy.patient_domain:
        return _inside(domain, white_list, policy, ())
    if any(box.source is Source.DIRECTORY for box in boxes):
        return _inside(domain, white_list, policy, (because("mailbox-known"),))
    listed = white_list.contains(domain)
    if boxes:
        words = (because("mailbox-vouched"), *((because("in-white-list"),) if listed else ()))
        return Accepted(in_mssante=listed, reasons=words)
    return _unknown(policy.unknown_mailbox(source), listed=listed)


def _inside(
    domain: str, white_list: WhiteList, policy: AddressingPolicy, reasons: tuple[Reason, ...]
) -> Accepted | Stopped:
    """A mailbox of the national directory must have its domain in the white list; test domains are in none."""
    if white_list.contains(domain):
        return Accepted(in_mssante=True, reasons=(*reasons, because("in-white-list")))
    if policy.mode is Mode.TEST or not policy.white_list_required:
        return Accepted(in_mssante=True, reasons=reasons)
    code = "domain-not-in-white-list" if white_list.loaded else "white-list-missing"
    return Stopped(reasons=(*reasons, because(code)))


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
