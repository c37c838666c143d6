"""Delivery status notifications (RFC 3464, RFC 6533), pure: one receipt per addressee of the report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from gateway.letter import Receipt, ReceiptKind
from gateway.receipts.mime import Parsed, address, fields, header, moment
from gateway.receipts.report import blocks, returned_message_id, status_part

MOST_ADDRESSEES = 100

_ACTIONS = {
    "delivered": ReceiptKind.DELIVERED,
    "relayed": ReceiptKind.RELAYED,
    "expanded": ReceiptKind.RELAYED,  # RFC 3464 §2.3.3: to a list; we will hear no more of its members
    "delayed": ReceiptKind.DELAYED,
    "failed": ReceiptKind.FAILED,
}
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_CODE = re.compile(r"(?:^|;)\s*([245][0-9]{2})(?![0-9])")


def read_dsn(message: Parsed) -> tuple[Receipt, ...]:
    """The receipts of a DSN; none when the mail is no DSN or its fields contradict each other."""
    part = status_part(message, "message/delivery-status", "message/global-delivery-status")
    if part is None:
        return ()
    found = [fields(block) for block in islice(blocks(part), 2 * MOST_ADDRESSEES)]
    general: dict[str, str] = {}
    for block in found:
        general = {**block, **general}
    about = returned_message_id(message)
    date = header(message, "Date")
    receipts = (_receipt(block, general, about, date) for block in found if "final-recipient" in block)
    return tuple(receipt for receipt in receipts if receipt)[:MOST_ADDRESSEES]


def _receipt(block: Mapping[str, str], general: Mapping[str, str], about: str | None, date: str) -> Receipt | None:
    kind = _ACTIONS.get(next(iter(re.findall(r"[a-z]+", block.get("action", "").lower())), ""))
    status = next(iter(_STATUS.findall(block.get("status", ""))), None)
    if kind is None or _contradicts(kind, status):
        return None
    return Receipt(
        kind=kind,
        message_id=about,
        envid=general.get("original-envelope-id") or None,
        addressee=address(block.get("original-recipient", "")),
        final_addressee=address(block["final-recipient"]),
        at=moment(block.get("last-attempt-date", "")) or moment(date),
        status=status,
        code=next(_codes(block), None),
        reporter="dsn",
    )


def _contradicts(kind: ReceiptKind, status: str | None) -> bool:
    """A success with a failure's status, or the reverse, proves nothing: somebody has to look at it."""
    if status is None:
        return False
    is_success = kind in {ReceiptKind.DELIVERED, ReceiptKind.RELAYED}
    return is_success != status.startswith("2")


def _codes(block: Mapping[str, str]) -> Iterator[str]:
    diagnostic = block.get("diagnostic-code", "")
    if diagnostic.lower().startswith("smtp"):
        yield from _CODE.findall(diagnostic)
