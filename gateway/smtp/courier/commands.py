"""The command lines of one hand-over and the content as it goes over the wire, pure."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from gateway.beside import PIECE, pieces
from gateway.letter import SealedMail
from gateway.smtp.courier.failures import HopRefused, Phase

NOTIFY = ("SUCCESS", "FAILURE", "DELAY")
"""What is asked of the next hop unless the caller wants less (RFC 3461 §4.1)."""

_BAD_IN_PATH = re.compile(r"[\x00-\x20\x7f<>]")
_NOT_LINE_ENDS = bytes(set(range(256)) - {ord("\r"), ord("\n")})
_XTEXT_PLAIN = frozenset(range(33, 127)) - {ord("+"), ord("=")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One mail with what is asked about it (RFC 3461); ``orcpt`` (an address) and ``envid`` are not yet xtext."""

    mail: SealedMail
    notify: tuple[str, ...] = NOTIFY
    orcpt: str | None = field(default=None, repr=False)
    envid: str | None = None
    before_dot: Callable[[], Awaitable[None]] | None = field(repr=False, compare=False, default=None)
    """Awaited when all but the final dot is written: what it raises ends the hand-over with nothing handed over."""

    def __post_init__(self) -> None:
        """NOTIFY takes NEVER alone, or any of the other three."""
        if not set(self.notify) <= set(NOTIFY) and self.notify != ("NEVER",):
            raise ValueError("NOTIFY is NEVER, or any of SUCCESS, FAILURE, DELAY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What the next hop's EHLO announced."""

    pipelining: bool = False
    eight_bit: bool = False
    utf8: bool = False
    dsn: bool = False
    size: int | None = None

    @classmethod
    def of(cls, extensions: Mapping[str, str]) -> Offers:
        """From EHLO keywords in lower case to their parameters."""
        size = extensions.get("size", "").strip()
        return cls(
            pipelining="pipelining" in extensions,
            eight_bit="8bitmime" in extensions,
            utf8="smtputf8" in extensions,
            dsn="dsn" in extensions,
            size=int(size) if size.isdecimal() and len(size) < 20 and int(size) > 0 else None,
        )


def mail_command(parcel: Parcel, offers: Offers) -> bytes:
    """``MAIL FROM`` with SIZE, BODY, SMTPUTF8, RET and ENVID as offered; ``HopRefused`` when the hop cannot take it."""
    mail = parcel.mail
    options = [f"MAIL FROM:<{_path(mail.sender, 'sender')}>"]
    if offers.size is not None and len(mail.content) > offers.size:
        raise HopRefused("larger than the next hop's SIZE", phase=Phase.MAIL, status="5.3.4")
    options += [f"SIZE={len(mail.content)}"] if offers.size is not None else []
    if not mail.content.isascii():
        if not offers.eight_bit:  # RFC 6152 §3: only a conversion would help, and it would break the signature.
            raise HopRefused("8-bit content and no 8BITMIME", phase=Phase.MAIL, status="5.6.3")
        options.append("BODY=8BITMIME")
    if not (mail.sender.isascii() and mail.mailbox.isascii()):
        if not offers.utf8:
            raise HopRefused("address needs SMTPUTF8", phase=Phase.MAIL, status="5.6.7")
        options.append("SMTPUTF8")
    if offers.dsn:
        options.append("RET=HDRS")
        options += [f"ENVID={xtext(parcel.envid)}"] if parcel.envid else []
    return " ".join(options).encode() + b"\r\n"


def rcpt_command(parcel: Parcel, offers: Offers) -> bytes:
    """``RCPT TO`` with NOTIFY and ORCPT when DSN is offered (RFC 3461 §4.1, §4.2)."""
    mailbox = _path(parcel.mail.mailbox, "recipient")
    options = [f"RCPT TO:<{mailbox}>"]
    if offers.dsn:
        options += [f"NOTIFY={','.join(parcel.notify)}"] if parcel.notify else []
        original = re.sub("^rfc822;", "", parcel.orcpt or mailbox, flags=re.IGNORECASE)
        options += [f"ORCPT=rfc822;{xtext(original)}"] if original.isascii() else []  # RFC 6533 §3: not rfc822
    return " ".join(options).encode() + b"\r\n"


def stuffed(content: bytes) -> bytes:
    """The content with dots doubled at line starts and a last CRLF (RFC 5321 §4.5.2); the same bytes when possible.

    Raises ``HopRefused`` 5.6.0 for a bare CR or LF: passing it on is how SMTP is smuggled, and mending it would break
    the signature.
    """
    ends = b"".join(piece.translate(None, _NOT_LINE_ENDS) for piece in pieces(content))
    # Counted in pieces that share one octet: a CRLF on the seam is in one of them, and in one only.
    lines = sum(content.count(b"\r\n", start, start + PIECE + 1) for start in range(0, len(content), PIECE))
    if ends != b"\r\n" * (len(ends) // 2) or lines != len(ends) // 2:
        raise HopRefused("content has a bare CR or LF", phase=Phase.DATA, status="5.6.0")
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    if _has_line_of_dot(content):
        content = content.replace(b"\n.", b"\n..")
    return b"." + content if content.startswith(b".") else content


def _has_line_of_dot(content: bytes) -> bool:
    """Whether a line other than the first starts with a dot; a sealed body has few dots, if any, so look at those."""
    at = content.find(b".")
    for _ in range(64):
        if at < 0:
            return False
        if content[at - 1] == ord("\n"):
            return True
        at = content.find(b".", at + 1)
    return b"\n." in content


def xtext(text: str) -> str:
    """RFC 3461 §4: printable ASCII but ``+`` and ``=``; every other byte as ``+HH``."""
    return "".join(chr(byte) if byte in _XTEXT_PLAIN else f"+{byte:02X}" for byte in text.encode())


def _path(address: str, whose: str) -> str:
    if _BAD_IN_PATH.search(address) or (not address and whose == "recipient"):
        status = "5.1.7" if whose == "sender" else "5.1.3"
        raise HopRefused(f"{whose} address cannot be written in SMTP", phase=Phase.MAIL, status=status)
    return address
