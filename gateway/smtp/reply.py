"""What an SMTP reply says: pure texts with their RFC 3463 codes, and how an error becomes one."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import HuitaineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One line of RFC 5321 §4.2 with an enhanced status code (RFC 2034); names no patient, path or host."""

    code: int
    status: str
    text: str

    def __str__(self) -> str:
        """The line without its end."""
        return f"{self.code} {self.status} {self.text}"


class Refusal(Exception):
    """Ends a command with ``reply``; ``hang_up`` closes the connection after it."""

    def __init__(self, code: int, status: str, text: str, *, hang_up: bool = False) -> None:
        """``code`` 421 always hangs up (RFC 5321 §3.8)."""
        self.reply = Reply(code=code, status=status, text=text)
        self.hang_up = hang_up or code == 421
        super().__init__(str(self.reply))


_CODE_OF_STATUS = {
    "4.3.1": 452,
    "4.5.3": 452,
    "4.7.0": 454,
    "5.1.1": 550,
    "5.3.4": 552,
    "5.7.1": 550,
    "5.7.5": 550,
}


def reply_for(error: HuitaineError) -> Reply:
    """The reply that ``error.status`` alone decides (RFC 3463): 4.x.x may be sent again, 5.x.x may not."""
    default = 554 if error.permanent else 451
    return Reply(code=_CODE_OF_STATUS.get(error.status, default), status=error.status, text=error.words)


def internal_fault(reference: str) -> Reply:
    """What the far side hears when we are at fault: never 5xx, never a trace (promise A4)."""
    return Reply(code=451, status="4.3.0", text=f"Internal fault, try again later (reference {reference})")


def megabytes(size: int) -> str:
    """``25 MB``: how a limit is said to people."""
    return f"{size >> 20} MB" if size >= 1 << 20 else f"{size} bytes"


def too_large(limit: int) -> Refusal:
    """RFC 1870 §6.1: the limit is said so that the sender knows what would pass."""
    return Refusal(552, "5.3.4", f"Message larger than {megabytes(limit)} (limit of this gateway)")


STOCK_REPLIES = {
    "220 Ready to start TLS": "220 2.0.0 Ready to start TLS",
    "221 Bye": "221 2.0.0 Bye",
    "250 OK": "250 2.0.0 OK",
    "454 TLS not available": "454 4.7.0 TLS not available",
    "500 Command line too long": "500 5.5.2 Command line too long",
    "500 Error: bad syntax": "500 5.5.2 Syntax error",
    "500 Error: command 'AUTH' not recognized": "503 5.5.1 Send EHLO first",
    "501 Error: BODY can only be one of 7BIT, 8BITMIME": "501 5.5.4 BODY can only be 7BIT or 8BITMIME",
    "501 Error: SMTPUTF8 takes no arguments": "501 5.5.4 SMTPUTF8 takes no value",
    "501 Not enough value": "501 5.5.4 AUTH needs a mechanism",
    "501 Syntax: EHLO hostname": "501 5.5.4 Syntax: EHLO hostname",
    "501 Syntax: HELO hostname": "501 5.5.4 Syntax: HELO hostname",
    "501 Syntax: MAIL FROM: <address>": "501 5.5.4 Syntax: MAIL FROM:<address>",
    "501 Syntax: MAIL FROM: <address> [SP <mail-parameters>]": "501 5.5.4 Syntax: MAIL FROM:<address> [parameters]",
    "501 Syntax: QUIT": "501 5.5.4 Syntax: QUIT",
    "501 Syntax: RCPT TO: <address>": "501 5.5.4 Syntax: RCPT TO:<address>",
    "501 Syntax: RCPT TO: <address> [SP <mail-parameters>]": "501 5.5.4 Syntax: RCPT TO:<address> [parameters]",
    "501 Syntax: RSET": "501 5.5.4 Syntax: RSET",
    "501 Syntax: STARTTLS": "501 5.5.4 Syntax: STARTTLS",
    "501 Too many values": "501 5.5.4 Too many values",
    "502 EXPN not implemented": "502 5.5.1 EXPN not implemented",
    "503 Already authenticated": "503 5.5.1 Already authenticated",
    "503 Error: need MAIL command": "503 5.5.1 Send MAIL first",
    "503 Error: need RCPT command": "503 5.5.1 Send RCPT first",
    "503 Error: nested MAIL command": "503 5.5.1 MAIL was given already",
    "503 Error: send EHLO first": "503 5.5.1 Send EHLO first",
    "503 Error: send HELO first": "503 5.5.1 Send EHLO first",
    "530 Must issue a STARTTLS command first": "530 5.7.0 Must issue a STARTTLS command first",
    "555 MAIL FROM parameters not recognized or not implemented": "555 5.5.4 MAIL parameter not recognised",
    "555 RCPT TO parameters not recognized or not implemented": "555 5.5.4 RCPT parameter not recognised",
}
"""What aiosmtpd says, and what we say for it: the same with an enhanced code (RFC 2034 §4).

Replies to EHLO and HELO carry none and pass as they are; a contract test finds each of these in aiosmtpd's source.
"""
