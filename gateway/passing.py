"""A mail that came signed or encrypted leaves with the same bytes; only a trace field stands on top (CR-28, A9)."""

from __future__ import annotations

from datetime import datetime

from gateway.letter import SealedMail, Step
from gateway.moments import utc_now


def pass_on(step: Step, message_id: str, *, sender: str, at: datetime | None = None) -> SealedMail:
    """The received bytes with our trace field above them; its own Message-ID stays, so receipts match on the ENVID."""
    received = step.letter.parsed.kept.received
    trace = f"X-Huitaine-Id: {step.letter.parsed.id}\r\n".encode()
    return SealedMail(
        letter=step.letter.parsed.id,
        delivery=step.delivery,
        message_id=message_id,
        sender=sender,
        mailbox=step.addressed.mailbox,
        content=trace + received.content,
        protected_by="as-received",
        sealed_at=at or utc_now(),
    )
