"""Whether a signature that holds speaks for this mail: its signer must be whom the mail shows, and mean us (CR-17)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from gateway.crypto.certificates import in_domain, same_address
from gateway.crypto.opened import Layer
from gateway.crypto.peeled import Peeled, Taken
from gateway.crypto.reception import Reception


def weighed(peeled: Peeled, reception: Reception, mailboxes: Sequence[str]) -> tuple[Layer, ...]:
    """Every layer with its last word; ``mailboxes`` are ours.

    Codes besides those of the signature itself: signer-is-not-from, signer-is-not-sender, not-addressed-to-us,
    organisation-not-allowed.
    """
    return tuple(_weighed(peeled, depth, reception, mailboxes) for depth in range(len(peeled.taken)))


def _weighed(peeled: Peeled, depth: int, reception: Reception, mailboxes: Sequence[str]) -> Layer:
    taken = peeled.taken[depth]
    if not taken.layer.verified:
        return taken.layer
    why_not = _why_not(peeled, depth, reception, mailboxes)
    return replace(taken.layer, verified=not why_not, why_not=why_not)


def _why_not(peeled: Peeled, depth: int, reception: Reception, mailboxes: Sequence[str]) -> str:
    taken = peeled.taken[depth]
    # Every From counts, outside and inside: a mail of somebody's around a letter of another is not the other's.
    claimed = [shown for shown in peeled.shown if shown.depth == 0 or shown.names_sender()]
    senders, allowed = [shown.sender() for shown in claimed], reception.organisations
    if not all(_is_signer(taken, sender, taken.domains) for sender in senders):
        return "signer-is-not-from"
    if not all(_is_signer(taken, sender, allowed) for sender in senders):
        return "organisation-not-allowed"
    if reception.envelope_sender and not _is_signer(taken, reception.envelope_sender, allowed):
        return "signer-is-not-sender"
    return "not-addressed-to-us" if _meant_for_others(peeled, depth, mailboxes) else ""


def _is_signer(taken: Taken, address: str, allowed: Collection[str]) -> bool:
    """Whether the certificate names him, or his domain where that is one of ``allowed``."""
    named = any(same_address(each, address) for each in taken.signers)
    return named or (in_domain(address, taken.domains) and in_domain(address, allowed))


def _meant_for_others(peeled: Peeled, depth: int, mailboxes: Sequence[str]) -> bool:
    """Surreptitious forwarding: whom the signer wrote to, in his own signed words, is not who opened it.

    A blind copy looks the same: it is shown to a person and filed by none.
    """
    inside = next((shown for shown in peeled.shown if shown.depth > depth), None)
    meant = inside.addressees() if inside else ()
    return bool(meant and mailboxes) and not any(same_address(one, ours) for one in meant for ours in mailboxes)
