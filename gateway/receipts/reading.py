"""Any mail to the receipts it makes, pure: any bytes give a tuple."""

from __future__ import annotations

from gateway.letter import Receipt
from gateway.receipts.bounce import read_bounce
from gateway.receipts.dsn import read_dsn
from gateway.receipts.hl7_attached import read_attached_hl7
from gateway.receipts.mdn import read_integration_failure, read_mdn
from gateway.receipts.mime import parse


def read_receipts(content: bytes) -> tuple[Receipt, ...]:
    """What the mail says about mails of ours; empty when it is no receipt, or not one that can be trusted to be read.

    Never raises, whatever the bytes. Takes a fraction of a second at worst: run it beside the event loop.
    """
    message = parse(content)
    if message is None:
        return ()
    try:
        for read in (read_dsn, read_mdn, read_attached_hl7, read_integration_failure, read_bounce):
            if receipts := read(message):
                return receipts
    except Exception:  # noqa: BLE001 - email's accessors raise undocumented errors too (traps.md, row 11)
        return ()
    return ()
