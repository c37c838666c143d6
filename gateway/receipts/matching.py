"""Which delivery a receipt speaks of: our Message-ID **and** the addressee, or none (design.md), pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.identifiers import DeliveryId
from gateway.letter import Receipt
from gateway.receipts.mime import message_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A delivery as receipts can know it."""

    delivery: DeliveryId
    message_id: str
    mailbox: str = field(repr=False)
    envid: str | None = None
    control_id: str | None = None
    """MSH-10 of the message that the letter came in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The one delivery that the receipt speaks of."""

    delivery: DeliveryId


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """No effect; ``code`` says why.

    no-message-id, unknown-message-id, no-addressee, other-addressee, other-control-id, several; and other-operator when
    it came from an operator who does not serve the addressee's domain.
    """

    code: str


def match(receipt: Receipt, candidates: Iterable[Sent]) -> Matched | Unmatched:
    """Compares both keys, and MSH-10 where an HL7 message is answered.

    The envelope id stands in for the Message-ID only where no mail or headers came back.

    An addressee is compared with case first, then without (RFC 5321 §2.4: only the local part may differ by case, and
    no operator makes two mailboxes of it): the second way counts only when it finds exactly one.
    """
    if receipt.message_id is None and receipt.envid is None:
        return Unmatched(code="no-message-id")
    about = [sent for sent in candidates if _is_about(receipt, sent)]
    if not about:
        return Unmatched(code="unknown-message-id")
    named = [text for text in (receipt.addressee, receipt.final_addressee) if text]
    if not named:
        return Unmatched(code="no-addressee")
    found = [sent for sent in about if any(_exact(text) == _exact(sent.mailbox) for text in named)]
    found = found or [sent for sent in about if any(text.casefold() == sent.mailbox.casefold() for text in named)]
    if len(found) == 1 and not _answers(receipt, found[0]):
        return Unmatched(code="other-control-id")
    if len(found) == 1:
        return Matched(delivery=found[0].delivery)
    return Unmatched(code="several" if found else "other-addressee")


def _is_about(receipt: Receipt, sent: Sent) -> bool:
    if receipt.message_id is not None:
        return message_id(receipt.message_id) == message_id(sent.message_id)
    return receipt.envid == sent.envid


def _answers(receipt: Receipt, sent: Sent) -> bool:
    """The answer to another message is no answer, whatever mail it came in; some name the mail for want of MSH-10."""
    stated = receipt.control_id
    return stated is None or stated == sent.control_id or message_id(stated) == message_id(sent.message_id)


def _exact(mailbox: str) -> tuple[str, str]:
    local, _, domain = mailbox.rpartition("@")
    return local, domain.casefold()
