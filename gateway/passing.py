"""A mail that came signed or encrypted leaves with the same bytes; only our trace stands on top (CR-28, A9)."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from gateway.identifiers import LetterId
from gateway.letter import SealedMail, Step
from gateway.moments import utc_now


def loop_marker(gateway: str) -> str:
    """The header line by which the gateway of that name knows a mail that it has passed on before (RFC 5321 §6.3)."""
    return f"X-Huitaine-Gateway: {gateway}"


def trace(letter: LetterId, gateway: str, at: datetime) -> bytes:
    """What is put on top: a time stamp line (RFC 5321 §4.4) that tells no host but ours, our id and our marker."""
    received = f"Received: by {gateway} (Huitaine) id {letter}; {format_datetime(at)}"
    return f"{received}\r\n{loop_marker(gateway)}\r\nX-Huitaine-Id: {letter}\r\n".encode()


def pass_on(step: Step, message_id: str, *, sender: str, gateway: str, at: datetime | None = None) -> SealedMail:
    """The received bytes with our trace above them; its own Message-ID stays, so receipts match on the ENVID."""
    letter, received = step.letter.parsed.id, step.letter.parsed.kept.received
    return SealedMail(
        letter=letter,
        delivery=step.delivery,
        message_id=message_id,
        sender=sender,
        mailbox=step.addressed.mailbox,
        content=trace(letter, gateway, received.received_at) + received.content,
        protected_by="as-received",
        sealed_at=at or utc_now(),
    )
