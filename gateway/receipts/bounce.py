"""Failure mails in free form, as Mon espace santé and old servers send them, pure and careful.

Only what says by its sender and its subject that it is a failure counts, and only as a failure.
"""

from __future__ import annotations

import re

from gateway.letter import Receipt, ReceiptKind
from gateway.receipts.mime import Parsed, address, header, moment
from gateway.receipts.report import returned, returned_message_id

_SENDER = re.compile(r"(?:mailer-daemon|postmaster)@", re.IGNORECASE)
_FAILED = re.compile(
    r"undeliver|returned (?:mail|to sender)|delivery (?:status notification \()?fail|failure notice"
    r"|mail delivery failed"
    r"|non (?:distribu|remis|d[ée]livr)|[ée]chec de (?:la )?(?:remise|distribution)",
    re.IGNORECASE,
)
_NOT_YET = re.compile(r"delay|warning|retard", re.IGNORECASE)


def read_bounce(message: Parsed) -> tuple[Receipt, ...]:
    """One failure per addressee that the mail names; none when it is not clearly a failure mail."""
    subject = header(message, "Subject")
    is_bounce = _SENDER.search(header(message, "From")) and _FAILED.search(subject) and not _NOT_YET.search(subject)
    if not is_bounce:
        return ()
    stated = header(message, "X-Failed-Recipients")  # Exim
    back = returned(message)
    named = [address(text) for text in (stated or (header(back, "To") if back else "")).split(",")]
    return tuple(
        Receipt(
            kind=ReceiptKind.FAILED,
            message_id=returned_message_id(message),
            addressee=addressee,
            at=moment(header(message, "Date")),
            reporter="mail",
        )
        for addressee in named[:100]
    )
