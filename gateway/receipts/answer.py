"""What the hospital's software is told of one addressee of a letter, as JSON and as HL7, pure: no name, no content."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from gateway.identifiers import Rpps, idnps
from gateway.letter import Receipt, ReceiptKind
from gateway.receipts.zam import About, Ends, build_zam


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``id`` is the same each time it is sent. ``control_id`` is MSH-10 of the message that the letter came in."""

    id: str
    letter: str
    delivery: str
    kind: ReceiptKind
    at: datetime
    """When it happened, as far as the receipt says."""
    heard_at: datetime
    """When it was proved to us: every repetition carries this moment, so it is the same byte for byte."""
    control_id: str | None = None
    role: str = ""
    rpps: str | None = None
    status: str = ""
    code: str = ""
    reporter: str = ""
    mailbox: str = field(repr=False, default="")
    """Stands in the ZAM alone, where the volet asks for it."""


def as_json(answer: Answer) -> bytes:
    """Ids, codes and times (ISO 8601 with zone), in UTF-8."""
    told = {
        "id": answer.id,
        "letter": answer.letter,
        "delivery": answer.delivery,
        "control_id": answer.control_id,
        "addressee": {"role": answer.role, "rpps": answer.rpps},
        "event": answer.kind.value,
        "status": answer.status or None,
        "code": answer.code or None,
        "reporter": answer.reporter,
        "at": answer.at.isoformat(),
        "heard_at": answer.heard_at.isoformat(),
    }
    return json.dumps(told, separators=(",", ":")).encode()


def as_hl7(answer: Answer, ends: Ends) -> bytes | None:
    """The ZAM^Z02 or ZAM^Z03; ``None`` for what the volet has no message for, or about a letter without MSH-10."""
    if answer.control_id is None:
        return None
    receipt = Receipt(
        kind=answer.kind, message_id=None, status=answer.status or None, code=answer.code or None, at=answer.at
    )
    about = About(
        control_id=answer.control_id, mailbox=answer.mailbox, idnps=idnps(Rpps(answer.rpps)) if answer.rpps else ""
    )
    return build_zam(receipt, about, ends, at=answer.heard_at, control_id=answer.id)


def signature(key: bytes, body: bytes, at: datetime) -> str:
    """``t=SECONDS,v1=HEX``: HMAC-SHA256 over ``SECONDS.BODY``, so that an old request cannot be shown again."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={hmac.new(key, f'{seconds}.'.encode() + body, sha256).hexdigest()}"
