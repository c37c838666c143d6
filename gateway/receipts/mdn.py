"""Message disposition notifications (RFC 8098 and the CI-SIS profile, mssante.md §1.8), pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.letter import Receipt, ReceiptKind
from gateway.receipts.mime import Parsed, address, fields, header, message_id, moment
from gateway.receipts.report import blocks, returned_message_id, status_part

_TYPES = {
    # Thunderbird writes automatic-action for a receipt it sent by itself after the mail was displayed: the type counts.
    "displayed": ReceiptKind.DISPLAYED,
    "processed": ReceiptKind.PROCESSED,
    "dispatched": ReceiptKind.PROCESSED,
    "deleted": ReceiptKind.DELETED,
    "failed": ReceiptKind.NOT_INTEGRATED,  # RFC 2298 §3.2.6.2, still sent
}
_DISPOSITION = re.compile(r";\s*([a-z]+)\s*(?:/\s*([a-z]+))?", re.IGNORECASE)
_CODE = re.compile(r"\b([0-9]{3})\s*\^")
_IN_SUBJECT = re.compile(
    r"^\s*\[(?:KO\s+int[ée]gration|erreur d.int[ée]gration)[^\]]*\]\s*(?:\[\s*([0-9]{3})\s*\])?", re.IGNORECASE
)


def read_mdn(message: Parsed) -> tuple[Receipt, ...]:
    """The receipt of an MDN; none when the mail is no MDN, or one that says nothing (``denied``)."""
    part = status_part(message, "message/disposition-notification", "message/global-disposition-notification")
    if part is None:
        return ()
    block: dict[str, str] = {}
    for more in blocks(part):
        block = {**fields(more), **block}
    kind, code = _outcome(block, header(message, "Subject"))
    if kind is None:
        return ()
    receipt = Receipt(
        kind=kind,
        message_id=message_id(block.get("original-message-id", "")) or returned_message_id(message),
        addressee=address(block.get("original-recipient", "")),
        final_addressee=address(block.get("final-recipient", "")),
        at=moment(header(message, "Date")),
        code=code,
        reporter="mdn",
    )
    return (receipt,)


def read_integration_failure(message: Parsed) -> tuple[Receipt, ...]:
    """``[KO Intégration système !]`` as an ordinary mail, which practice software must send when no MDN was asked.

    The addressee is who wrote it; the mail it is about is the one attached.
    """
    found = _IN_SUBJECT.match(header(message, "Subject"))
    if found is None:
        return ()
    receipt = Receipt(
        kind=ReceiptKind.NOT_INTEGRATED,
        message_id=returned_message_id(message) or message_id(header(message, "In-Reply-To")),
        addressee=address(header(message, "From")),
        at=moment(header(message, "Date")),
        code=found[1],
        reporter="mail",
    )
    return (receipt,)


def _outcome(block: Mapping[str, str], subject: str) -> tuple[ReceiptKind | None, str | None]:
    """What happened, and the application error code (table 0533) when it went wrong."""
    disposition = block.get("disposition", "")
    found = _DISPOSITION.search(disposition)
    if found is None:
        return None, None
    kind = _TYPES.get(found[1].lower())
    if kind is None:
        return None, None
    if kind is ReceiptKind.NOT_INTEGRATED or (found[2] or "").lower() in {"error", "failure"}:
        in_subject = _IN_SUBJECT.match(subject)
        stated = _CODE.search(disposition) or _CODE.search(block.get("error", ""))
        return ReceiptKind.NOT_INTEGRATED, stated[1] if stated else (in_subject[1] if in_subject else None)
    return kind, None
