"""Letters to put into a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.document import Document, Kind, Original, Patient, Role
from gateway.identifiers import Rpps, new_letter_id
from gateway.letter import (
    Addressed,
    AddressedLetter,
    Addressee,
    Door,
    Envelope,
    Held,
    KeptLetter,
    MssTls,
    ParsedLetter,
    Reason,
    ReceivedLetter,
    Recipient,
)
from gateway.queue.leases import Claiming, Recovering, Terms
from gateway.queue.planning import Dispatch

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
CANARY = "ZEBRAFISH-AMELIE"


def letter(
    content: bytes = b"", *, key: bytes = b"", source: str = "dpi", to: str = "gp@test.example"
) -> ReceivedLetter:
    return ReceivedLetter(
        id=new_letter_id(),
        door=Door.SMTP,
        source=source,
        envelope=Envelope(sender="dpi@hospital.example", recipients=(Recipient(address=to),)),
        content=content or f"Patiente {CANARY}\r\n".encode() * 10,
        received_at=NOON,
        replay_key=key,
    )


def addressed(kept: KeptLetter, *, mailbox: str | None = "gp@test.example") -> AddressedLetter:
    document = Document(
        kind=Kind(loinc="11490-0", label="Lettre de liaison"),
        original=Original(format="text", content=b""),
        patient=Patient(family=CANARY, given="AMELIE"),
    )
    parsed = ParsedLetter(id=kept.id, kept=kept, format="text", documents=(document,))
    addressee = Addressee(role=Role.GP, rpps=Rpps("99900000001"))
    if mailbox:
        outcome: Addressed | Held = Addressed(addressee=addressee, mailbox=mailbox, protection=MssTls())
    else:
        outcome = Held(addressee=addressee, reason=Reason(code="no-key", words="no key"))
    return AddressedLetter(parsed=parsed, outcomes=(outcome,))


TERMS = Terms(node="n")


def domain(mailbox: str) -> str:
    return mailbox.rpartition("@")[2]


STARTING = Dispatch(terms=TERMS, route=domain, room=lambda _: True)
"""Each delivery is ours from its first moment."""
WAITING = Dispatch(terms=TERMS, route=domain, room=lambda _: False)
"""Each delivery waits on disk."""


def claiming(now: datetime = NOON, limit: int = 10, *, route: str = "test.example") -> Claiming:
    return Claiming(terms=TERMS, now=now, route=route, limit=limit)


def recovering(now: datetime = NOON, *, everything: bool = True) -> Recovering:
    return Recovering(now=now, again=lambda attempts: timedelta(minutes=attempts), everything=everything)
