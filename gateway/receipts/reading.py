"""Any mail to the receipts it makes, pure: any bytes give a tuple."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.letter import Receipt
from gateway.receipts.besides import has_more
from gateway.receipts.bounce import read_bounce
from gateway.receipts.dsn import read_dsn
from gateway.receipts.hl7_attached import read_attached_hl7
from gateway.receipts.mdn import read_integration_failure, read_mdn
from gateway.receipts.mime import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMail:
    """What a mail is to us."""

    receipts: tuple[Receipt, ...] = ()
    has_more: bool = True
    """Whether it holds anything else, which people may have written."""


def read_receipts(content: bytes) -> tuple[Receipt, ...]:
    """What the mail says about mails of ours; empty when it is no receipt, or not one that can be trusted to be read.

    Never raises, whatever the bytes. Takes a fraction of a second at worst: run it beside the event loop.
    """
    return read_mail(content).receipts


def read_mail(content: bytes) -> ReadMail:
    """As :func:`read_receipts`, and whether there is more to it."""
    message = parse(content)
    if message is None:
        return ReadMail()
    try:
        for read in (read_dsn, read_mdn, read_attached_hl7, read_integration_failure, read_bounce):
            if receipts := read(message):
                return ReadMail(receipts=receipts, has_more=has_more(message))
    except Exception:  # noqa: BLE001 - email's accessors raise undocumented errors too (traps.md, row 11)
        return ReadMail()
    return ReadMail()
