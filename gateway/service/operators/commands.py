"""MAIL and RCPT as a relay hands them on: what the far side asked (RFC 3461 §5) goes with them unchanged; pure."""

from __future__ import annotations

from gateway.letter import Envelope, Recipient
from gateway.smtp.courier.commands import Offers
from gateway.smtp.courier.failures import HopRefused, Phase


def mail_from(envelope: Envelope, offers: Offers, content: bytes) -> bytes:
    """``MAIL FROM`` with what the mail needs and the server offers; ``HopRefused`` when it cannot take it."""
    options = [f"MAIL FROM:<{envelope.sender}>"]
    if offers.size is not None and len(content) > offers.size:
        raise HopRefused("larger than the mail server's SIZE", phase=Phase.MAIL, status="5.3.4")
    options += [f"SIZE={len(content)}"] if content and offers.size is not None else []
    if not content.isascii():
        if not offers.eight_bit:
            raise HopRefused("8-bit content and no 8BITMIME", phase=Phase.MAIL, status="5.6.3")
        options.append("BODY=8BITMIME")
    addresses = (envelope.sender, *(each.address for each in envelope.recipients))
    if not all(address.isascii() for address in addresses):
        if not offers.utf8:
            raise HopRefused("address needs SMTPUTF8", phase=Phase.MAIL, status="5.6.7")
        options.append("SMTPUTF8")
    if offers.dsn:
        options += [f"RET={envelope.ret}"] if envelope.ret else []
        options += [f"ENVID={envelope.envid}"] if envelope.envid else []
    return " ".join(options).encode() + b"\r\n"


def rcpt_to(recipient: Recipient, offers: Offers) -> bytes:
    """``RCPT TO``; without DSN there nobody will tell the far side of success, which is no failure."""
    options = [f"RCPT TO:<{recipient.address}>"]
    if offers.dsn:
        options += [f"NOTIFY={','.join(recipient.notify)}"] if recipient.notify else []
        options += [f"ORCPT={recipient.orcpt}"] if recipient.orcpt else []
    return " ".join(options).encode() + b"\r\n"
