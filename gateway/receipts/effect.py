"""What a receipt proves and what it changes, pure: never more than it says, never backwards (design.md, 13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from gateway.letter import Proof, Receipt, ReceiptKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What to record. ``proof`` is the proof from now on; ``has_failed`` ends the delivery as failed.

    ``code`` for the trace: raised, failed, not-integrated, deleted, delayed, relayed, double, late, contradiction.
    """

    proof: Proof
    code: str
    has_failed: bool = False

    @property
    def changes(self) -> bool:
        """Whether anything but the trace is written."""
        return self.code not in {"double", "late", "contradiction", "delayed"}


def grade(kind: ReceiptKind) -> Proof:
    """The most that a receipt of this kind proves."""
    match kind:
        case ReceiptKind.FAILED:
            return Proof.NONE
        case ReceiptKind.DELAYED | ReceiptKind.RELAYED:
            return Proof.ACCEPTED
        case ReceiptKind.DELIVERED | ReceiptKind.DELETED | ReceiptKind.NOT_INTEGRATED:
            # Deleted may mean unread; software that could not file it had it in the mailbox, and no more is known.
            return Proof.DELIVERED
        case ReceiptKind.PROCESSED:
            return Proof.PROCESSED
        case ReceiptKind.DISPLAYED:
            return Proof.DISPLAYED
        case ReceiptKind.INTEGRATED:
            return Proof.INTEGRATED
    assert_never(kind)


def apply(proof: Proof, receipt: Receipt, *, is_failed: bool = False) -> Effect:
    """The effect on a delivery that stands at ``proof`` and, when ``is_failed``, has already ended as failed.

    A failure counts only while nothing more than acceptance is proved; after that it is a contradiction for the trace.
    Nothing brings a failed delivery back: the sender has been told, and another way has been taken.
    """
    if is_failed:
        return Effect(proof=proof, code="double" if receipt.kind is ReceiptKind.FAILED else "late")
    if receipt.kind is ReceiptKind.FAILED:
        has_failed = proof <= Proof.ACCEPTED
        return Effect(proof=proof, code="failed" if has_failed else "contradiction", has_failed=has_failed)
    proved = max(proof, grade(receipt.kind))
    if receipt.kind is ReceiptKind.NOT_INTEGRATED:
        code = "contradiction" if proof is Proof.INTEGRATED else "not-integrated"
        return Effect(proof=proved, code=code)
    if receipt.kind in {ReceiptKind.DELETED, ReceiptKind.DELAYED, ReceiptKind.RELAYED} and proof < Proof.DELIVERED:
        return Effect(proof=proved, code=receipt.kind.value)
    if proved > proof:
        return Effect(proof=proved, code="raised")
    return Effect(proof=proof, code="double" if grade(receipt.kind) is proof else "late")
