"""A receipt is credited to the delivery it names and no other, and proves what it says and no more."""

from __future__ import annotations

import itertools

import pytest

from gateway.identifiers import DeliveryId
from gateway.letter import Proof, Receipt, ReceiptKind
from gateway.receipts import Effect, Matched, Sent, Unmatched, apply, grade, match

OURS = "<D1@ch-exemple.mssante.fr>"
GP = "Adam.Hoda@Test.mssante.fr"


def sent(number: int = 1, mailbox: str = GP, about: str = OURS) -> Sent:
    return Sent(delivery=DeliveryId(f"D{number}"), message_id=about, mailbox=mailbox, envid=f"E{number}")


def receipt(kind: ReceiptKind = ReceiptKind.DELIVERED, **fields: str | None) -> Receipt:
    stated: dict[str, str | None] = {"message_id": OURS, "addressee": GP, **fields}
    return Receipt(kind=kind, **stated)  # type: ignore[arg-type]


MATCHES = {
    "both keys": (receipt(), [sent()], "D1"),
    "another domain case": (receipt(addressee="Adam.Hoda@TEST.MSSANTE.FR"), [sent()], "D1"),
    "another local case": (receipt(addressee="adam.hoda@test.mssante.fr"), [sent()], "D1"),
    "only the final addressee": (receipt(addressee=None, final_addressee=GP), [sent()], "D1"),
    "forwarded, the original is named": (receipt(final_addressee="elsewhere@x.test"), [sent()], "D1"),
    "a space in the Message-ID": (receipt(message_id="<D1@ch-exemple.mssante.fr >"), [sent()], "D1"),
    "the envelope id, nothing came back": (receipt(message_id=None, envid="E1"), [sent()], "D1"),
    "one of two": (receipt(addressee="b@x.test"), [sent(), sent(2, "b@x.test")], "D2"),
    "exact case wins": (receipt(addressee="A@x.test"), [sent(1, "a@x.test"), sent(2, "A@x.test")], "D2"),
}


@pytest.mark.parametrize(("given", "candidates", "delivery"), MATCHES.values(), ids=MATCHES.keys())
def test_a_receipt_finds_its_delivery(given: Receipt, candidates: list[Sent], delivery: str) -> None:
    assert match(given, candidates) == Matched(delivery=DeliveryId(delivery))


MISSES = {
    "no id": (receipt(message_id=None), [sent()], "no-message-id"),
    "another mail's": (receipt(message_id="<D2@ch-exemple.mssante.fr>"), [sent()], "unknown-message-id"),
    "the envelope id does not outvote": (receipt(message_id="<X@y>", envid="E1"), [sent()], "unknown-message-id"),
    "another case of the id": (receipt(message_id=OURS.lower()), [sent()], "unknown-message-id"),
    "nobody named": (receipt(addressee=None), [sent()], "no-addressee"),
    "somebody else": (receipt(addressee="b@x.test"), [sent()], "other-addressee"),
    "forwarded, the original is not named": (
        receipt(addressee=None, final_addressee="b@x.test"),
        [sent()],
        "other-addressee",
    ),
    "two that differ by case": (
        receipt(addressee="AA@x.test"),
        [sent(1, "aa@x.test"), sent(2, "aA@x.test")],
        "several",
    ),
    "nothing was sent": (receipt(), [], "unknown-message-id"),
}


@pytest.mark.parametrize(("given", "candidates", "code"), MISSES.values(), ids=MISSES.keys())
def test_a_receipt_that_fits_nothing_changes_nothing(given: Receipt, candidates: list[Sent], code: str) -> None:
    assert match(given, candidates) == Unmatched(code=code)


def test_no_kind_proves_more_than_it_says() -> None:
    assert {kind.value: grade(kind).word for kind in ReceiptKind} == {
        "delivered": "delivered",
        "relayed": "accepted",
        "delayed": "accepted",
        "failed": "none",
        "processed": "processed",
        "displayed": "displayed",
        "deleted": "delivered",
        "integrated": "integrated",
        "not-integrated": "delivered",
    }


EFFECTS = [
    (Proof.ACCEPTED, "delivered", False, Proof.DELIVERED, "raised", False),
    (Proof.ACCEPTED, "displayed", False, Proof.DISPLAYED, "raised", False),
    (Proof.DISPLAYED, "displayed", False, Proof.DISPLAYED, "double", False),
    (Proof.DISPLAYED, "delivered", False, Proof.DISPLAYED, "late", False),
    (Proof.ACCEPTED, "relayed", False, Proof.ACCEPTED, "relayed", False),
    (Proof.ACCEPTED, "delayed", False, Proof.ACCEPTED, "delayed", False),
    (Proof.DELIVERED, "delayed", False, Proof.DELIVERED, "late", False),
    (Proof.ACCEPTED, "failed", False, Proof.ACCEPTED, "failed", True),
    (Proof.DELIVERED, "failed", False, Proof.DELIVERED, "contradiction", False),
    (Proof.ACCEPTED, "failed", True, Proof.ACCEPTED, "double", False),
    (Proof.ACCEPTED, "displayed", True, Proof.ACCEPTED, "late", False),
    (Proof.ACCEPTED, "deleted", False, Proof.DELIVERED, "deleted", False),
    (Proof.DISPLAYED, "deleted", False, Proof.DISPLAYED, "late", False),
    (Proof.ACCEPTED, "not-integrated", False, Proof.DELIVERED, "not-integrated", False),
    (Proof.INTEGRATED, "not-integrated", False, Proof.INTEGRATED, "contradiction", False),
]


@pytest.mark.parametrize(("proof", "kind", "is_failed", "after", "code", "has_failed"), EFFECTS)
def test_what_a_receipt_changes(
    proof: Proof, kind: str, is_failed: bool, after: Proof, code: str, has_failed: bool
) -> None:
    effect = apply(proof, receipt(ReceiptKind(kind)), is_failed=is_failed)
    assert effect == Effect(proof=after, code=code, has_failed=has_failed)


def test_no_order_of_receipts_lowers_a_proof_or_revives_a_failure() -> None:
    for kinds in itertools.permutations(ReceiptKind, 4):
        proof, is_failed = Proof.ACCEPTED, False
        for kind in kinds:
            effect = apply(proof, receipt(kind), is_failed=is_failed)
            assert effect.proof >= proof
            assert effect.proof <= max(proof, grade(kind))
            assert not (is_failed and effect.changes)
            proof, is_failed = effect.proof, is_failed or effect.has_failed
